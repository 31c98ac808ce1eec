"""Actions on teams and who is in them. Their journal is `org`; each team's own room shows copies."""

from __future__ import annotations

from handlers.dispatch.context import Context
from handlers.dispatch.policy import team_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_org
from handlers.named import archivable, existing, key_of, reads_of
from handlers.new_id import unused_id
from models.action import Payload
from models.errors import Invalid, NotFound
from models.journal import ORG, Record
from models.query import query
from models.record import RecordKey
from models.team import (
    TeamAddMemberPayload,
    TeamCreatePayload,
    TeamPayload,
    TeamRemoveMemberPayload,
    TeamUpdatePayload,
    member_id,
    member_record,
    team_record,
)
from models.user import team_roles, with_team_role

ROLES = ("admin", "lead")


_team = key_of("team")
_reads = reads_of("team")


@action(
    "team.create", schema=TeamCreatePayload, room=room_of_org, roles=("admin",), about=_team, reads=_reads
)
async def create(ctx: Context, payload: Payload) -> None:
    """Create a team."""
    ctx.put(team_record(await unused_id(ctx, "team", "t", payload.get("team_id")), payload["name"]))


@action(
    "team.update",
    schema=TeamUpdatePayload,
    room=room_of_org,
    roles=ROLES,
    scopes=team_scopes,
    about=_team,
    reads=_reads,
)
async def update(ctx: Context, payload: Payload) -> None:
    """Change a team's name."""
    ctx.put({**await existing(ctx, "team", payload), **payload["set"]})


archivable(
    "team",
    "it takes no new members.",
    schema=TeamPayload,
    room=room_of_org,
    roles=("admin",),
    scopes=team_scopes,
)


def _member(room: str, payload: Payload) -> RecordKey | None:
    if "user_id" not in payload:
        return None
    return ("member", member_id(payload["team_id"], payload["user_id"]))


@action(
    "team.add_member",
    schema=TeamAddMemberPayload,
    room=room_of_org,
    roles=ROLES,
    scopes=team_scopes,
    about=_member,
    reads=_reads,
)
async def add_member(ctx: Context, payload: Payload) -> None:
    """Make a user a lead or member of a team, or change which of the two they are."""
    team = await existing(ctx, "team", payload)
    if team["archived"]:
        raise Invalid.field("team_id", "is archived: unarchive the team first")
    user = await _invited(ctx, payload)
    ctx.put(member_record(team["id"], user, payload["role"]))
    ctx.put(with_team_role(user, team["id"], payload["role"]))


async def _invited(ctx: Context, payload: Payload) -> Record:
    if "user_id" in payload:
        path = "user_id"
        user = await ctx.get("user", payload["user_id"])
    else:
        path = "email"
        user = next(iter(await ctx.find(query("user", room=ORG, email=payload["email"], limit=1))), None)
    if user is None:
        raise NotFound(f"There is no user {payload[path]}.", fields={path: ["is nobody's"]})
    if user["disabled"]:
        raise Invalid.field(path, "is of a disabled account: enable it first")
    return user


@action(
    "team.remove_member",
    schema=TeamRemoveMemberPayload,
    room=room_of_org,
    roles=ROLES,
    scopes=team_scopes,
    about=_member,
    reads=_reads,
)
async def remove_member(ctx: Context, payload: Payload) -> None:
    """Take a user out of a team."""
    team = await existing(ctx, "team", payload)
    user = await ctx.get("user", payload["user_id"])
    if user is None or team["id"] not in team_roles(user):
        raise NotFound(f"The user {payload['user_id']} is not in the team {team['id']}.")
    ctx.delete({"kind": "member", "id": member_id(team["id"], user["id"])})
    ctx.put(with_team_role(user, team["id"], None))
