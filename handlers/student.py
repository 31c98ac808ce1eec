"""Actions on students and their enrolments in classes."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.dispatch.context import Context
from handlers.dispatch.policy import class_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_class, room_of_school, room_of_student
from handlers.figures import roll_changed
from handlers.named import archivable, existing, key_of, reads_of
from handlers.new_id import unused_id
from handlers.planned import absences_of, set_planned
from models.action import Payload
from models.errors import Conflict, Invalid, NotFound
from models.journal import Record
from models.query import query
from models.record import RecordKey
from models.student import (
    EnrolmentCreatePayload,
    EnrolmentEndPayload,
    StudentCreatePayload,
    StudentPayload,
    StudentUpdatePayload,
    day_after,
    enrolment_id,
    enrolment_record,
    enrolment_to_end,
    overlapping,
    student_in_class,
    student_record,
)

ROLES = ("admin", "school_admin", "office")


_student = key_of("student")
_reads = reads_of("student")


@action(
    "student.create",
    schema=StudentCreatePayload,
    room=room_of_school,
    roles=ROLES,
    about=_student,
    reads=_reads,
)
async def create(ctx: Context, payload: Payload) -> None:
    """Create a student of a school."""
    school = await ctx.org("school", payload["school_id"])
    if school is None:
        raise NotFound(f"There is no school {payload['school_id']}.")
    if school["archived"]:
        raise Invalid.field("school_id", "is archived: unarchive the school first")
    fields = {name: value for name, value in payload.items() if name not in ("school_id", "student_id")}
    student_id = await unused_id(ctx, "student", "p", payload.get("student_id"))
    ctx.put(student_record(student_id, payload["school_id"], **fields))


@action(
    "student.update",
    schema=StudentUpdatePayload,
    room=room_of_student,
    roles=ROLES,
    about=_student,
    reads=_reads,
    hidden=True,
)
async def update(ctx: Context, payload: Payload) -> None:
    """Change a student's names or external id."""
    ctx.put({**await existing(ctx, "student", payload), **payload["set"]})


archivable(
    "student",
    "they take no new enrolments; those there are end by enrolment.end.",
    schema=StudentPayload,
    room=room_of_student,
    roles=ROLES,
    hidden=True,
)


def _class_and_student(room: str, payload: Payload) -> Sequence[RecordKey]:
    return (("class", payload["class_id"]), ("student", payload["student_id"]))


def _new_enrolment(room: str, payload: Payload) -> RecordKey:
    return ("enrolment", enrolment_id(payload["class_id"], payload["student_id"], payload["from"]))


@action(
    "enrolment.create",
    schema=EnrolmentCreatePayload,
    room=room_of_class,
    roles=ROLES,
    scopes=class_scopes,
    about=_new_enrolment,
    reads=lambda room, payload: (*_class_and_student(room, payload), _new_enrolment(room, payload)),
)
async def enrol(ctx: Context, payload: Payload) -> None:
    """Put a student on the roll of a class of the same school, from a first to a last day.

    Absences that are planned for the student already are marked in this class too.
    """
    class_id, student_id = payload["class_id"], payload["student_id"]
    first_day, last_day = payload["from"], payload["to"]
    school_class = await ctx.get("class", class_id)
    student = await ctx.get("student", student_id)
    if school_class is None:
        raise NotFound(f"There is no class {class_id}.")
    if student is None:
        raise Invalid.field("student_id", "is not a student of this school")
    for path, record in (("class_id", school_class), ("student_id", student)):
        if record["archived"]:
            raise Invalid.field(path, f"is archived: unarchive the {record['kind']} first")
    earlier = await _enrolments(ctx, class_id, student_id)
    in_the_way = overlapping(earlier, first_day, last_day)
    if in_the_way is not None:
        days = f"from {in_the_way['from']}" + (f" to {in_the_way['to']}" if in_the_way["to"] else "")
        raise Conflict(f"The student is in this class {days} already.", current=in_the_way)
    enrolment = enrolment_record(school_class["school_id"], class_id, student_id, first_day, last_day)
    ctx.put(enrolment)
    if class_id not in student["class_ids"]:
        ctx.derive("student.classes", student_in_class(student, class_id))
    await roll_changed(ctx, school_class["school_id"], class_id, student_id, first_day, last_day)
    absences = await absences_of(ctx, [student_id], first_day, last_day)
    school = await ctx.org("school", school_class["school_id"]) if absences else None
    if school is not None:
        await set_planned(ctx, school, absences, [enrolment])


@action(
    "enrolment.end",
    schema=EnrolmentEndPayload,
    room=room_of_class,
    roles=ROLES,
    scopes=class_scopes,
    reads=_class_and_student,
)
async def end(ctx: Context, payload: Payload) -> None:
    """Set the last day of a student's enrolment in a class."""
    class_id, student_id, last_day = payload["class_id"], payload["student_id"], payload["to"]
    enrolments = await _enrolments(ctx, class_id, student_id)
    if not enrolments:
        raise NotFound(f"The student {student_id} is not enrolled in the class {class_id}.")
    enrolment = enrolment_to_end(enrolments, last_day)
    if enrolment is None:
        over = max(str(one["to"]) for one in enrolments)
        raise Invalid.field("to", f"must not be after {over}, when the enrolment ended already")
    if last_day < enrolment["from"]:
        raise Invalid.field("to", f"must not be before {enrolment['from']}, the first day of the enrolment")
    ctx.put({**enrolment, "to": last_day})
    if last_day != enrolment["to"]:
        first_off = day_after(last_day)
        await roll_changed(ctx, enrolment["school_id"], class_id, student_id, first_off, enrolment["to"])


async def _enrolments(ctx: Context, class_id: str, student_id: str) -> list[Record]:
    return await ctx.find(query("enrolment", class_id=class_id, student_id=student_id))
