"""Actions on the classes of a school."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.dispatch.context import Context
from handlers.dispatch.policy import class_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_class, room_of_school
from handlers.new_id import unused_id
from models.action import Payload
from models.errors import Invalid, NotFound
from models.journal import Record
from models.record import RecordKey
from models.school import ClassCreatePayload, ClassPayload, ClassUpdatePayload, class_record

ROLES = ("admin", "school_admin")


def _class(room: str, payload: Payload) -> RecordKey | None:
    return ("class", payload["class_id"]) if "class_id" in payload else None


def _reads(room: str, payload: Payload) -> Sequence[RecordKey]:
    key = _class(room, payload)
    return () if key is None else (key,)


async def _existing(ctx: Context, payload: Payload) -> Record:
    found = await ctx.get("class", payload["class_id"])
    if found is None:
        raise NotFound(f"There is no class {payload['class_id']}.")
    return found


@action(
    "class.create", schema=ClassCreatePayload, room=room_of_school, roles=ROLES, about=_class, reads=_reads
)
async def create(ctx: Context, payload: Payload) -> None:
    """Create a class in a school."""
    school = await ctx.org("school", payload["school_id"])
    if school is None:
        raise NotFound(f"There is no school {payload['school_id']}.")
    if school["archived"]:
        raise Invalid.field("school_id", "is archived: unarchive the school first")
    class_id = await unused_id(ctx, "class", "c", payload.get("class_id"))
    ctx.put(class_record(class_id, payload["school_id"], payload["name"]))


@action(
    "class.update",
    schema=ClassUpdatePayload,
    room=room_of_class,
    roles=ROLES,
    scopes=class_scopes,
    about=_class,
    reads=_reads,
)
async def update(ctx: Context, payload: Payload) -> None:
    """Change a class's name."""
    ctx.put({**await _existing(ctx, payload), **payload["set"]})


@action(
    "class.archive",
    schema=ClassPayload,
    room=room_of_class,
    roles=ROLES,
    scopes=class_scopes,
    about=_class,
    reads=_reads,
)
async def archive(ctx: Context, payload: Payload) -> None:
    """Archive a class: it takes no new enrolments."""
    ctx.put({**await _existing(ctx, payload), "archived": True})


@action(
    "class.unarchive",
    schema=ClassPayload,
    room=room_of_class,
    roles=ROLES,
    scopes=class_scopes,
    about=_class,
    reads=_reads,
)
async def unarchive(ctx: Context, payload: Payload) -> None:
    """Take a class back from the archive."""
    ctx.put({**await _existing(ctx, payload), "archived": False})
