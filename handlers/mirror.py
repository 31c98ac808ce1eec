"""Copies of `org` records in the rooms that show them: a school in its own room, a team and its members in
the team's.

`org` stays the authority that decisions read. The copy is there so that viewers of a room see the change in
the room's own order.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from handlers.dispatch.consumers import Effects, subscribes
from handlers.dispatch.context import Context
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import Rooms
from models.action import Payload
from models.actor import Actor
from models.journal import ORG, Entry, Record
from models.record import tombstone
from models.schema import Payload as PayloadSchema

MIRROR = "mirror"


class Copy(PayloadSchema):
    """A record of `org` and the room that shows it; `type` names the entry."""

    room = fields.String(required=True)
    type = fields.String(required=True)
    record = fields.Dict(required=True)


async def _room(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    return str(payload["room"])


@action("mirror.copy", schema=Copy, room=_room)
async def copy(ctx: Context, payload: Payload) -> None:
    """Take over a newer state of an `org` record."""
    source: Record = payload["record"]
    held = await ctx.held(source["kind"], source["id"])
    if source.get("deleted"):
        if held is not None and not held.get("deleted"):
            ctx.derive(payload["type"], tombstone(source))
    elif held is None or held.get("org_seq", 0) < source["seq"]:
        ctx.derive(payload["type"], {**source, "org_seq": source["seq"]})


@subscribes(MIRROR, rooms=ORG)
async def mirror(entry: Entry, effects: Effects) -> None:
    """Show what happened to a school, team or member in the room it belongs to."""
    room = await _shown_in(entry.data, effects)
    if room is not None:
        payload: dict[str, Any] = {"room": room, "type": entry.type, "record": entry.data}
        await effects.run("mirror.copy", payload)


async def _shown_in(record: Record, effects: Effects) -> str | None:
    match record["kind"]:
        case "school":
            return f"school:{record['id']}"
        case "team":
            return f"team:{record['id']}"
        case "member" if record.get("deleted"):
            found = await effects.storage.locate("member", record["id"])
            return None if found is None or found[0] == ORG else found[0]
        case "member":
            return f"team:{record['team_id']}"
    return None
