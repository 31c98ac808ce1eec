"""Actions on marks and registers. Figures that follow from them are kept by handlers/figures.py in the same
commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from handlers.dispatch.context import Context
from handlers.dispatch.policy import class_scopes
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_class
from handlers.figures import class_enrolments, enrolments_in, marks_changed
from handlers.planned import planned_mark
from models.action import Payload
from models.attendance import (
    OPEN,
    TAKEN,
    ClearPayload,
    MarkAllPayload,
    MarkPayload,
    Sheet,
    SheetPayload,
    code_of,
    mark_record,
    register_record,
    sheet_at,
)
from models.clock import day_in
from models.codes import EVERY_MARKER, OFFICE_ROLES
from models.errors import Conflict, Invalid, Locked, NotFound
from models.journal import Record
from models.marking import (
    check_day,
    check_minutes_late,
    check_period,
    code_for,
    left_by_mark_all,
    precedence,
    source_of,
)
from models.query import query
from models.record import RecordKey
from models.student import by_student, is_on_roll
from models.tally import students_on_roll

REGISTER = "attendance.register"


def _sheet(room: str, payload: Payload) -> Sheet:
    return sheet_at(room.partition(":")[2], payload["class_id"], payload["date"], payload["period"])


def _mark_key(room: str, payload: Payload) -> RecordKey:
    return ("mark", _sheet(room, payload).mark_id(payload["student_id"]))


def _register_key(room: str, payload: Payload) -> RecordKey:
    return ("register", _sheet(room, payload).register_id)


def _sheet_reads(room: str, payload: Payload) -> Sequence[RecordKey]:
    sheet = _sheet(room, payload)
    return (
        ("class", sheet.class_id),
        ("register", sheet.register_id),
        ("tally", sheet.tally_id),
        ("summary", sheet.summary_id),
    )


def _mark_reads(room: str, payload: Payload) -> Sequence[RecordKey]:
    return (*_sheet_reads(room, payload), ("student", payload["student_id"]))


class Marker(NamedTuple):
    """Who acts on which sheet, after the rules that hold for every action on one. `register` None: it is
    missing.
    """

    sheet: Sheet
    school: Record
    source: str
    register: Record | None

    @property
    def state(self) -> str | None:
        return None if self.register is None else self.register["state"]


async def _marker(ctx: Context, payload: Payload) -> Marker:
    """Check class, school, period and date. Invalid."""
    sheet = _sheet(ctx.room, payload)
    school = await ctx.org("school", sheet.school_id)
    school_class = await ctx.get("class", sheet.class_id)
    if school is None or school_class is None:
        raise NotFound(f"There is no class {sheet.class_id}.")
    if school["archived"]:
        raise Invalid.field("class_id", "belongs to an archived school: unarchive the school first")
    if school_class["archived"]:
        raise Invalid.field("class_id", "is archived: unarchive the class first")
    check_period(sheet.period, school["periods"])
    source = source_of(ctx.roles)
    check_day(sheet.date, day_in(school["time_zone"], ctx.now), school["mark_days_back"], source)
    return Marker(sheet, school, source, await ctx.get("register", sheet.register_id))


def _check_unlocked(marker: Marker) -> None:
    """Locked for a teacher whose register is taken."""
    if marker.state == TAKEN and marker.source != "office":
        raise Locked(current=marker.register)


async def _is_on_roll(ctx: Context, sheet: Sheet, student_id: str) -> bool:
    roll = await ctx.built(enrolments_in(ctx.room, sheet.class_id), by_student)
    return any(is_on_roll(enrolment, sheet.date) for enrolment in roll.get(student_id, ()))


async def _held(ctx: Context, sheet: Sheet, student_id: str) -> Record | None:
    """The student's mark on the sheet. Who marks one student marks the others next, so all come at once."""
    return await ctx.get("mark", sheet.mark_id(student_id), among=sheet.marks)


def _check_precedence(marker: Marker, held: Record | None) -> None:
    """Conflict where the mark that is held is stronger than one from here."""
    if not precedence(held, marker.source) and held is not None:
        setter = "was planned" if held["source"] == "planned" else "was set by the office"
        raise Conflict(f"This mark {setter}: ask the office to change it.", current=held)


def _mark_by_actor(ctx: Context, marker: Marker, student_id: str, code: str | None, **more: Any) -> Record:
    more |= {"source": marker.source, "by": ctx.actor.id, "by_name": ctx.actor.name, "at": ctx.at}
    return mark_record(marker.sheet, student_id, code=code, **more)


def _open_register(ctx: Context, marker: Marker) -> str:
    """Derive the register if this is its first mark; its state from now on."""
    if marker.register is not None:
        return str(marker.register["state"])
    ctx.derive(REGISTER, register_record(marker.sheet))
    return OPEN


@action(
    "attendance.mark",
    schema=MarkPayload,
    room=room_of_class,
    roles=sorted(EVERY_MARKER),
    scopes=class_scopes,
    about=_mark_key,
    reads=_mark_reads,
)
async def mark(ctx: Context, payload: Payload) -> None:
    """Set one student's mark; minutes late and note are replaced too."""
    marker = await _marker(ctx, payload)
    sheet, student_id = marker.sheet, payload["student_id"]
    code = code_for(marker.school["code_set"], payload["code"], ctx.roles)
    check_minutes_late(payload["minutes_late"], code)
    student = await ctx.get("student", student_id)
    if student is None or not await _is_on_roll(ctx, sheet, student_id):
        raise Invalid.field("student_id", f"is not on roll in this class on {sheet.date}")
    if student["archived"]:
        raise Invalid.field("student_id", "is archived: unarchive the student first")
    _check_unlocked(marker)
    held = await _held(ctx, sheet, student_id)
    _check_precedence(marker, held)
    more = {"minutes_late": payload["minutes_late"], "note": payload["note"] or None}
    ctx.put(_mark_by_actor(ctx, marker, student_id, code.code, **more))
    after = _open_register(ctx, marker)
    await marks_changed(ctx, sheet, [(code_of(held), code.code)], before=marker.state, after=after)


@action(
    "attendance.mark_all",
    schema=MarkAllPayload,
    room=room_of_class,
    roles=sorted(EVERY_MARKER),
    scopes=class_scopes,
    reads=_sheet_reads,
    many=True,
)
async def mark_all(ctx: Context, payload: Payload) -> None:
    """Set one mark for every student who has none; planned and office marks are never overwritten."""
    marker = await _marker(ctx, payload)
    sheet = marker.sheet
    code = code_for(marker.school["code_set"], payload["code"], ctx.roles)
    _check_unlocked(marker)
    await _check_except(ctx, sheet, payload["except"])
    marks = await _marks_of(ctx, sheet)
    spared = set(payload["except"])
    moves = []
    for student_id in await _markable(ctx, sheet):
        held = marks.get(student_id)
        if student_id in spared or left_by_mark_all(held, payload["overwrite"]):
            continue
        ctx.put(_mark_by_actor(ctx, marker, student_id, code.code))
        moves.append((code_of(held), code.code))
    if not moves:
        raise Invalid.field("class_id", "has nobody left to mark on this sheet")
    after = _open_register(ctx, marker)
    await marks_changed(ctx, sheet, moves, before=marker.state, after=after)


@action(
    "attendance.clear",
    schema=ClearPayload,
    room=room_of_class,
    roles=sorted(EVERY_MARKER),
    scopes=class_scopes,
    about=_mark_key,
    reads=_mark_reads,
)
async def clear(ctx: Context, payload: Payload) -> None:
    """Take a student's mark away; its history stays.

    Where an absence is planned, its mark comes back, unless it is that one which is taken away.
    """
    marker = await _marker(ctx, payload)
    sheet, student_id = marker.sheet, payload["student_id"]
    held = await _held(ctx, sheet, student_id)
    if held is None or code_of(held) is None:
        raise NotFound("This student has no mark on this sheet.")
    _check_unlocked(marker)
    _check_precedence(marker, held)
    counted = await _is_on_roll(ctx, sheet, student_id)
    planned = None
    if counted and held["source"] != "planned":
        planned = await planned_mark(ctx, marker.school, sheet, student_id)
    ctx.put(planned or _mark_by_actor(ctx, marker, student_id, None))
    after = _open_register(ctx, marker)
    moves = [(code_of(held), code_of(planned))] if counted else []
    await marks_changed(ctx, sheet, moves, before=marker.state, after=after)


@action(
    "attendance.take",
    schema=SheetPayload,
    room=room_of_class,
    roles=sorted(EVERY_MARKER),
    scopes=class_scopes,
    about=_register_key,
    reads=_sheet_reads,
)
async def take(ctx: Context, payload: Payload) -> None:
    """Close a register for teachers. `conflict` if it is taken already, also for the office: who took it
    and when stays.
    """
    marker = await _marker(ctx, payload)
    sheet = marker.sheet
    if marker.state == TAKEN:
        raise Conflict("This register is taken already.", current=marker.register)
    marks = await _marks_of(ctx, sheet)
    unmarked = sum(code_of(marks.get(student_id)) is None for student_id in await _markable(ctx, sheet))
    actor = ctx.actor
    ctx.put(
        register_record(
            sheet, taken_by=actor.id, taken_by_name=actor.name, taken_at=ctx.at, unmarked=unmarked
        )
    )
    await marks_changed(ctx, sheet, [], before=marker.state, after=TAKEN)


@action(
    "attendance.reopen",
    schema=SheetPayload,
    room=room_of_class,
    roles=sorted(OFFICE_ROLES),
    scopes=class_scopes,
    about=_register_key,
    reads=_sheet_reads,
)
async def reopen(ctx: Context, payload: Payload) -> None:
    """Open a taken register again for teachers."""
    marker = await _marker(ctx, payload)
    if marker.register is None:
        raise NotFound("This register has not been started.")
    if marker.state == OPEN:
        raise Conflict("This register is open already.", current=marker.register)
    ctx.put(register_record(marker.sheet))
    await marks_changed(ctx, marker.sheet, [], before=marker.state, after=OPEN)


async def _markable(ctx: Context, sheet: Sheet) -> list[str]:
    """The ids of the students who can be marked on the sheet: on roll that day, and not archived."""
    on_roll = students_on_roll(await class_enrolments(ctx, sheet.class_id), sheet.date)
    students = query("student", room=ctx.room, containing={"class_ids": sheet.class_id})
    archived = {student["id"] for student in await ctx.find(students, keep=True) if student["archived"]}
    return sorted(on_roll - archived)


async def _marks_of(ctx: Context, sheet: Sheet) -> dict[str, Record]:
    """The marks of the sheet, cleared ones too, by student."""
    return {mark["student_id"]: mark for mark in await ctx.find(sheet.marks)}


async def _check_except(ctx: Context, sheet: Sheet, student_ids: Sequence[str]) -> None:
    """Invalid where somebody is named who never was in the class."""
    if not student_ids:
        return
    known = {enrolment["student_id"] for enrolment in await class_enrolments(ctx, sheet.class_id)}
    for number, student_id in enumerate(student_ids):
        if student_id not in known:
            raise Invalid.field(f"except.{number}", "is not a student of this class")
