"""Actions on user accounts. Secrets go beside the journal: an entry never holds a password or its hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers.dispatch.context import Context
from handlers.dispatch.policy import every_scope
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_org
from models.action import Payload
from models.actor import EVERYBODY
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.journal import ORG, Record
from models.ports import Passwords
from models.query import query
from models.record import RecordKey, tombstone
from models.schema import Id, StrictString
from models.schema import Payload as PayloadSchema
from models.team import member_id, member_record
from models.user import (
    PASSWORD_HASH,
    SCHOOL_ROLES,
    UserCreatePayload,
    UserPayload,
    UserSetRolesPayload,
    UserSignUpPayload,
    UserUpdatePayload,
    assigned,
    check_password,
    is_active_admin,
    lies_within,
    team_roles,
    user_record,
)

ROLES = ("admin", "school_admin")
LAST_ADMIN = "is the only administrator left: make somebody else one first"


async def hash_password(payload: Payload, passwords: Passwords) -> None:
    """Put the password's hash in its place, before the payload goes anywhere. Invalid if it breaks a rule."""
    password = payload.pop("password", None)
    if password is not None:
        check_password(password, email=payload["email"], name=payload["name"])
        payload[PASSWORD_HASH] = await passwords.hash(password)


def _user(room: str, payload: Payload) -> RecordKey:
    return ("user", payload["user_id"])


def _reads(room: str, payload: Payload) -> Sequence[RecordKey]:
    return (_user(room, payload),)


def _a_new_user(room: str, payload: Payload) -> None:
    return None


async def _within_reach(ctx: Context, payload: Payload) -> None:
    """An admin reaches everybody; a school's admin, who has all roles there. NotFound for all others."""
    user = await ctx.get("user", payload["user_id"])
    if user is None or not (ctx.actor.is_admin or _reaches(ctx, user)):
        raise NotFound(f"There is no user {payload['user_id']}.")


async def _own_or_within_reach(ctx: Context, payload: Payload) -> None:
    own = payload["user_id"] == ctx.actor.id
    if not own:
        await _within_reach(ctx, payload)
    elif "email" in payload["set"] and not ctx.actor.is_admin:
        user = await _existing(ctx, payload)
        if not _reaches(ctx, user):
            raise Forbidden("Your e-mail address is changed by an administrator.")


def _reaches(ctx: Context, user: Record) -> bool:
    return lies_within(user, ctx.actor.scopes_of("school_admin"))


async def _existing(ctx: Context, payload: Payload) -> Record:
    user = await ctx.get("user", payload["user_id"])
    if user is None:
        raise NotFound(f"There is no user {payload['user_id']}.")
    return user


@action(
    "user.create",
    schema=UserCreatePayload,
    room=room_of_org,
    roles=ROLES,
    scopes=every_scope,
    about=_a_new_user,
    prepare=hash_password,
)
async def create(ctx: Context, payload: Payload) -> None:
    """Create an account, with a password and roles or without."""
    if not ctx.actor.is_admin and not payload["roles"]:
        raise Invalid.field("roles", "must name a role in your school")
    await _add(ctx, payload, payload["roles"])


@action("user.sign_up", schema=UserSignUpPayload, room=room_of_org, about=_a_new_user, prepare=hash_password)
async def sign_up(ctx: Context, payload: Payload) -> None:
    """Create an account for the person who asks for it; it has no roles yet."""
    await _add(ctx, payload, [])


async def _add(ctx: Context, payload: Payload, roles: list[dict[str, str]]) -> None:
    schools = await _schools_of_classes(ctx, roles)
    await _check_unused(ctx, payload["email"])
    user = user_record(
        ctx.new_id("u"),
        email=payload["email"],
        name=payload["name"],
        roles=roles,
        school_of=schools,
        created_at=ctx.at,
    )
    ctx.put(user)
    if PASSWORD_HASH in payload:
        ctx.set_password_hash(user["id"], payload[PASSWORD_HASH])
    await _derive_members(ctx, {}, user)


@action(
    "user.update",
    schema=UserUpdatePayload,
    room=room_of_org,
    roles=(EVERYBODY,),
    scopes=every_scope,
    permit=_own_or_within_reach,
    about=_user,
    reads=_reads,
)
async def update(ctx: Context, payload: Payload) -> None:
    """Change a name, e-mail address or preferences; everybody may change their own name and preferences."""
    user = await _existing(ctx, payload)
    changed = {**user, **payload["set"]}
    if changed["email"] != user["email"]:
        await _check_unused(ctx, changed["email"], path="set.email")
    ctx.put(changed)
    await _derive_members(ctx, team_roles(user), changed)


@action(
    "user.set_roles",
    schema=UserSetRolesPayload,
    room=room_of_org,
    roles=ROLES,
    scopes=every_scope,
    permit=_within_reach,
    about=_user,
    reads=_reads,
)
async def set_roles(ctx: Context, payload: Payload) -> None:
    """Give a user these roles instead of the ones before."""
    user = await _existing(ctx, payload)
    roles = payload["roles"]
    if not ctx.actor.is_admin and not roles:
        raise Invalid.field("roles", "must name a role in your school; to shut an account, disable it")
    changed = {**user, **assigned(roles, await _schools_of_classes(ctx, roles))}
    if not is_active_admin(changed):
        await _check_not_last_admin(ctx, user, "roles")
    ctx.put(changed)
    await _derive_members(ctx, team_roles(user), changed)


@action(
    "user.disable",
    schema=UserPayload,
    room=room_of_org,
    roles=ROLES,
    scopes=every_scope,
    permit=_within_reach,
    about=_user,
    reads=_reads,
)
async def disable(ctx: Context, payload: Payload) -> None:
    """Shut an account: nobody can use it until it is enabled again. Its roles stay."""
    user = await _existing(ctx, payload)
    if user["id"] == ctx.actor.id:
        raise Invalid.field("user_id", "is your own account: another administrator must disable it")
    await _check_not_last_admin(ctx, user, "user_id")
    changed = {**user, "disabled": True}
    ctx.put(changed)
    await _derive_members(ctx, team_roles(user), changed)


@action(
    "user.enable",
    schema=UserPayload,
    room=room_of_org,
    roles=ROLES,
    scopes=every_scope,
    permit=_within_reach,
    about=_user,
    reads=_reads,
)
async def enable(ctx: Context, payload: Payload) -> None:
    """Open a disabled account again, with the roles it has."""
    user = {**await _existing(ctx, payload), "disabled": False}
    ctx.put(user)
    await _derive_members(ctx, {}, user)


class _SetPassword(PayloadSchema):
    user_id = Id(required=True)
    _password_hash = StrictString(required=True)


@action("user.set_password", schema=_SetPassword, room=room_of_org, about=_user, reads=_reads)
async def set_password(ctx: Context, payload: Payload) -> None:
    """Replace a user's password, whose rules the caller has checked. The entry shows only that."""
    user = await _existing(ctx, payload)
    ctx.put({**user})
    ctx.set_password_hash(user["id"], payload[PASSWORD_HASH])


async def _check_unused(ctx: Context, email: str, *, path: str = "email") -> None:
    if await ctx.find(query("user", room=ORG, email=email, limit=1)):
        raise Conflict("There is an account with this e-mail address already.", fields={path: ["is taken"]})


async def _check_not_last_admin(ctx: Context, user: Record, path: str) -> None:
    if not is_active_admin(user):
        return
    admins = await ctx.find(query("user", room=ORG, containing={"scopes": ORG}))
    if not any(is_active_admin(admin) for admin in admins if admin["id"] != user["id"]):
        raise Invalid.field(path, LAST_ADMIN)


async def _schools_of_classes(ctx: Context, roles: Sequence[dict[str, str]]) -> dict[str, str]:
    """The school of each class a role is held in. Invalid or Forbidden if the actor cannot give a role."""
    own = set(ctx.actor.scopes_of("school_admin"))
    schools: dict[str, str] = {}
    for number, assignment in enumerate(roles):
        path = f"roles.{number}"
        noun, _, id = assignment["scope"].partition(":")
        place = await _place(ctx, noun, id)
        if not ctx.actor.is_admin:
            _check_may_give(assignment, place, own, path)
        if place is None:
            raise Invalid.field(f"{path}.scope", f"there is no {noun} {id}")
        if noun == "class":
            schools[id] = place.partition(":")[2]
    return schools


async def _place(ctx: Context, noun: str, id: str) -> str | None:
    """The scope a place lies in: of a class its school, otherwise its own. None if there is no such place."""
    if noun == ORG:
        return ORG
    if noun == "class":
        found = await ctx.elsewhere("class", id)
        return None if found is None else found[0]
    return None if await ctx.get(noun, id) is None else f"{noun}:{id}"


def _check_may_give(assignment: dict[str, str], place: str | None, own: set[str], path: str) -> None:
    """Forbidden beyond the own schools, whether the place exists or not."""
    if assignment["role"] not in SCHOOL_ROLES:
        text = f"You may not give the role {assignment['role']}."
        raise Forbidden(text, fields={f"{path}.role": ["is for an administrator to give"]})
    if place not in own:
        text = f"You have no role on {assignment['scope']} that lets you give roles there."
        raise Forbidden(text, fields={f"{path}.scope": ["is not in a school that you administer"]})


async def _derive_members(ctx: Context, before: dict[str, str], user: Record) -> None:
    """Bring the user's memberships in line with the account; `before` are the teams it had a role in."""
    after: dict[str, Any] = {} if user["disabled"] else team_roles(user)
    for team_id in dict.fromkeys([*before, *after]):
        held = await ctx.get("member", member_id(team_id, user["id"]))
        if team_id in after:
            wanted = member_record(team_id, user, after[team_id])
            if held is None or {**held, **wanted} != held:
                ctx.derive("team.member", wanted)
        elif held is not None:
            ctx.derive("team.member", tombstone(held))
