"""Actions on planned absences. The marks that follow are set by handlers/planned.py in the same commit."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.dispatch.context import Context
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import room_of_students
from handlers.planned import absences_of, clear_planned, enrolments_of, set_planned
from models.absence import (
    MOST_DAYS,
    MOST_LESSONS,
    MOST_MARKS,
    Periods,
    Planned,
    PlanPayload,
    UnplanPayload,
    absence_record,
    chosen_periods,
    day_after,
    lessons,
    parts_left,
    planned_code,
    school_days,
    too_many,
)
from models.action import Payload
from models.clock import day_in
from models.codes import OFFICE_ROLES, code_set
from models.errors import Invalid, NotFound
from models.journal import Record
from models.marking import marking_days
from models.query import query
from models.record import RecordKey
from models.school import days_of


def _student_keys(room: str, payload: Payload) -> Sequence[RecordKey]:
    return [("student", student_id) for student_id in payload["student_ids"]]


def _first_student(room: str, payload: Payload) -> RecordKey:
    return ("student", payload["student_ids"][0])


@action(
    "attendance.plan",
    schema=PlanPayload,
    room=room_of_students,
    roles=sorted(OFFICE_ROLES),
    named=_first_student,
    reads=_student_keys,
    many=True,
    hidden=True,
)
async def plan(ctx: Context, payload: Payload) -> None:
    """Plan the absence of some students: on these school days they are marked before the lesson.

    Takes the place of what was planned for the same students and lessons before.
    """
    school = await _school(ctx)
    student_ids = await _students(ctx, payload, archived=False)
    first, last = payload["from"], payload["to"]
    code = planned_code(code_set(school["code_set"]), payload["code"])
    periods = _periods(school, payload)
    _check_days(ctx, school, first, last)
    replaced = await _cut(ctx, school, student_ids, first, last, periods)
    planned = Planned(first, last, periods, code.code, payload["reason"])
    who = {"by": ctx.actor.id, "by_name": ctx.actor.name, "at": ctx.at}
    absences = [absence_record(ctx.new_id("a"), school["id"], id, planned, **who) for id in student_ids]
    for absence in absences:
        ctx.put(absence)
    await clear_planned(ctx, school["id"], replaced)
    enrolments = await _open_enrolments(ctx, student_ids)
    await set_planned(ctx, school, absences, enrolments, most=MOST_MARKS)


@action(
    "attendance.unplan",
    schema=UnplanPayload,
    room=room_of_students,
    roles=sorted(OFFICE_ROLES),
    named=_first_student,
    reads=_student_keys,
    many=True,
    hidden=True,
)
async def unplan(ctx: Context, payload: Payload) -> None:
    """Take back what is planned for some students on these days; marks that somebody has changed since stay.

    An absence that goes beyond them keeps its other days and periods.
    """
    school = await _school(ctx)
    student_ids = await _students(ctx, payload, archived=True)
    # As they come: a period that the school no longer has may still be planned.
    periods = None if payload["periods"] is None else tuple(payload["periods"])
    taken_back = await _cut(ctx, school, student_ids, payload["from"], payload["to"], periods)
    if not taken_back:
        raise NotFound("Nothing is planned for these students on these days.")
    await clear_planned(ctx, school["id"], taken_back)


async def _school(ctx: Context) -> Record:
    """The room's school. Invalid where it is archived."""
    school = await ctx.org("school", ctx.room.partition(":")[2])
    if school is None:
        raise NotFound("There is no such school.")
    if school["archived"]:
        raise Invalid.field("student_ids", "belong to an archived school: unarchive the school first")
    return school


async def _students(ctx: Context, payload: Payload, *, archived: bool) -> list[str]:
    """The ids of the students, each once. Invalid for one of another school, and for one that is archived if
    these are not wanted.
    """
    for number, student_id in enumerate(payload["student_ids"]):
        student = await ctx.get("student", student_id)
        if student is None:
            raise Invalid.field(f"student_ids.{number}", "is not a student of this school")
        if student["archived"] and not archived:
            raise Invalid.field(f"student_ids.{number}", "is archived: unarchive the student first")
    return list(dict.fromkeys(payload["student_ids"]))


def _periods(school: Record, payload: Payload) -> Periods:
    return chosen_periods(payload["periods"], [period["id"] for period in school["periods"]])


def _check_days(ctx: Context, school: Record, first: str, last: str) -> None:
    """Invalid for a range that begins before the school year, for one without a school day, and for one that
    ends more than a year ahead.
    """
    today = day_in(school["time_zone"], ctx.now)
    earliest, _ = marking_days(today, school["mark_days_back"], "office")
    if first < earliest:
        raise Invalid.field("from", f"must not be before {earliest}, in an earlier school year")
    latest = day_after(str(today), MOST_DAYS)
    if last > latest:
        raise Invalid.field("to", f"must not be after {latest}: a year ahead is enough")
    if not school_days(days_of(school), first, last):
        raise Invalid.field("to", "leaves no day on which there is school")


async def _cut(
    ctx: Context, school: Record, student_ids: Sequence[str], first: str, last: str, periods: Periods
) -> list[Record]:
    """Take these days and periods out of the absences of the students; what each had on these days.

    Invalid, naming `to`, where it is more than one commit takes.
    """
    all_periods = [period["id"] for period in school["periods"]]
    found = []
    for absence in await absences_of(ctx, student_ids, first, last):
        parts = parts_left(absence, first, last, periods, all_periods)
        if parts is None:
            continue
        found.append({**absence, "from": max(first, absence["from"]), "to": min(last, absence["to"])})
        if not parts:
            ctx.delete(absence)
        for number, part in enumerate(parts):
            ctx.put({**part, "id": ctx.new_id("a")} if number else part)
    if len(found) > MOST_MARKS or lessons(found, periods, len(all_periods)) > MOST_LESSONS:
        raise too_many(MOST_LESSONS)
    return found


async def _open_enrolments(ctx: Context, student_ids: Sequence[str]) -> list[Record]:
    """The enrolments of the students in classes that are not archived."""
    classes = await ctx.find(query("class", room=ctx.room), keep=True)
    archived = {one["id"] for one in classes if one["archived"]}
    return [one for one in await enrolments_of(ctx, student_ids) if one["class_id"] not in archived]
