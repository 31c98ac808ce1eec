"""Actions on schools. Their journal is `org`; each school's own room shows a copy."""

from __future__ import annotations

from handlers.dispatch.context import Context
from handlers.dispatch.policy import school_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_org
from handlers.named import archivable, existing, key_of, reads_of
from handlers.new_id import unused_id
from models.action import Payload
from models.school import (
    SchoolCreatePayload,
    SchoolPayload,
    SchoolUpdatePayload,
    changed_school,
    school_record,
)

_school = key_of("school")
_reads = reads_of("school")


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
    """Change a school's name, time zone, codes, periods, school days or days of marking back."""
    ctx.put(changed_school(await existing(ctx, "school", payload), payload["set"]))


archivable(
    "school",
    "it takes no new classes and students.",
    schema=SchoolPayload,
    room=room_of_org,
    roles=("admin",),
    scopes=school_scopes,
)
