"""Actions on schools. Their journal is `org`; each school's own room shows a copy."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.dispatch.context import Context
from handlers.dispatch.policy import school_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_org
from handlers.new_id import unused_id
from models.action import Payload
from models.errors import NotFound
from models.journal import Record
from models.record import RecordKey
from models.school import (
    SchoolCreatePayload,
    SchoolPayload,
    SchoolUpdatePayload,
    changed_school,
    school_record,
)


def _school(room: str, payload: Payload) -> RecordKey | None:
    return ("school", payload["school_id"]) if "school_id" in payload else None


def _reads(room: str, payload: Payload) -> Sequence[RecordKey]:
    key = _school(room, payload)
    return () if key is None else (key,)


async def _existing(ctx: Context, payload: Payload) -> Record:
    school = await ctx.get("school", payload["school_id"])
    if school is None:
        raise NotFound(f"There is no school {payload['school_id']}.")
    return school


@action(
    "school.create",
    schema=SchoolCreatePayload,
    room=room_of_org,
    roles=("admin",),
    about=_school,
    reads=_reads,
)
async def create(ctx: Context, payload: Payload) -> None:
    """Create a school."""
    school_id = await unused_id(ctx, "school", "s", payload.get("school_id"))
    fields = {name: value for name, value in payload.items() if name != "school_id"}
    ctx.put(school_record(school_id, **fields))


@action(
    "school.update",
    schema=SchoolUpdatePayload,
    room=room_of_org,
    roles=("admin", "school_admin"),
    scopes=school_scopes,
    about=_school,
    reads=_reads,
)
async def update(ctx: Context, payload: Payload) -> None:
    """Change a school's name, time zone, codes, periods or days of marking back."""
    ctx.put(changed_school(await _existing(ctx, payload), payload["set"]))


@action(
    "school.archive",
    schema=SchoolPayload,
    room=room_of_org,
    roles=("admin",),
    scopes=school_scopes,
    about=_school,
    reads=_reads,
)
async def archive(ctx: Context, payload: Payload) -> None:
    """Archive a school: it takes no new classes and students."""
    ctx.put({**await _existing(ctx, payload), "archived": True})


@action(
    "school.unarchive",
    schema=SchoolPayload,
    room=room_of_org,
    roles=("admin",),
    scopes=school_scopes,
    about=_school,
    reads=_reads,
)
async def unarchive(ctx: Context, payload: Payload) -> None:
    """Take a school back from the archive."""
    ctx.put({**await _existing(ctx, payload), "archived": False})
