"""Actions on the classes of a school."""

from __future__ import annotations

from handlers.dispatch.context import Context
from handlers.dispatch.policy import class_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_class, room_of_school
from handlers.named import archivable, existing, key_of, reads_of
from handlers.new_id import unused_id
from models.action import Payload
from models.errors import Invalid, NotFound
from models.school import ClassCreatePayload, ClassPayload, ClassUpdatePayload, class_record

ROLES = ("admin", "school_admin")


_class = key_of("class")
_reads = reads_of("class")


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
    ctx.put({**await existing(ctx, "class", payload), **payload["set"]})


archivable(
    "class",
    "it takes no new enrolments.",
    schema=ClassPayload,
    room=room_of_class,
    roles=ROLES,
    scopes=class_scopes,
)
