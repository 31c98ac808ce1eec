"""Keeps tallies and summaries right, in the same commit as what changes them: marks, registers, enrolments.

Every handler that changes one of these calls here; no other code writes a tally or a summary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from handlers.dispatch.context import Context
from models.attendance import Sheet, code_of, summary_id
from models.journal import Record
from models.query import Query, query
from models.student import is_on_roll
from models.tally import Move, added, moved, registers_moved, students_on_roll, summary_record, tally_record

TALLY = "attendance.tally"
SUMMARY = "attendance.summary"


async def class_enrolments(ctx: Context, class_id: str) -> list[Record]:
    """Every enrolment in the class, whenever it is or was. Kept by the committer, for enrolments change
    rarely.
    """
    return await ctx.find(enrolments_in(ctx.room, class_id), keep=True)


@lru_cache(maxsize=4096)
def enrolments_in(room: str, class_id: str) -> Query:
    """The query for every enrolment in the class; kept, for every mark asks for it."""
    return query("enrolment", room=room, class_id=class_id)


async def tally_of(ctx: Context, sheet: Sheet) -> Record:
    """The register's tally; one without counts where there is none yet."""
    tally = await ctx.get("tally", sheet.tally_id)
    if tally is None:
        enrolments = await class_enrolments(ctx, sheet.class_id)
        tally = tally_record(sheet, len(students_on_roll(enrolments, sheet.date)))
    return tally


async def summary_of(ctx: Context, school_id: str, day: str) -> Record:
    """The school's summary of the day; one without counts where there is none yet."""
    summary = await ctx.get("summary", summary_id(school_id, day))
    if summary is None:
        summary = summary_record(school_id, day, (await _students_by_day(ctx, [day]))[day])
    return summary


async def marks_changed(
    ctx: Context, sheet: Sheet, moves: Sequence[Move], *, before: str | None, after: str
) -> None:
    """Derive tally and summary after a change on one sheet.

    `moves`: of students on roll whose marks have changed. The register went from the state `before` (None:
    it was missing) to `after`; both are the same where it stays as it was.
    """
    tally = await tally_of(ctx, sheet)
    counts = moved(tally["counts"], moves)
    if before is None or counts != tally["counts"]:
        ctx.derive(TALLY, {**tally, "counts": counts})
    elif before == after:
        return
    summary = await summary_of(ctx, sheet.school_id, sheet.date)
    registers = summary["registers"]
    if before != after:
        registers = registers_moved(registers, before, after)
    # What was planned on the sheet begins to count with its register.
    of_day = added(summary["counts"], counts) if before is None else moved(summary["counts"], moves)
    ctx.derive(SUMMARY, {**summary, "counts": of_day, "registers": registers})


async def sheets_marked(ctx: Context, school_id: str, moves: Mapping[Sheet, Sequence[Move]]) -> None:
    """Derive tallies and summaries after changes on many sheets, whose registers stay as they are, missing
    ones too.

    `moves`: by sheet, of students on roll whose marks have changed. Reads everything at once, however many
    sheets there are.
    """
    if not moves:
        return
    days = sorted({sheet.date for sheet in moves})
    range_of_days = {"date": (days[0], days[-1])}
    classes = {"class_id": tuple(sorted({sheet.class_id for sheet in moves}))}
    found = await ctx.find(query("tally", room=ctx.room, one_of=classes, within=range_of_days))
    tallies = {tally["id"]: tally for tally in found}
    found = await ctx.find(query("register", room=ctx.room, one_of=classes, within=range_of_days))
    begun = {register["id"] for register in found}
    enrolments = {class_id: await class_enrolments(ctx, class_id) for class_id in classes["class_id"]}
    on_roll: dict[tuple[str, str], int] = {}
    of_day: dict[str, list[Move]] = {}
    for sheet, own in moves.items():
        if sheet.register_id in begun:
            of_day.setdefault(sheet.date, []).extend(own)
        tally = tallies.get(sheet.tally_id)
        if tally is None:
            place = (sheet.class_id, sheet.date)
            if place not in on_roll:
                on_roll[place] = len(students_on_roll(enrolments[sheet.class_id], sheet.date))
            tally = tally_record(sheet, on_roll[place])
        ctx.derive(TALLY, {**tally, "counts": moved(tally["counts"], own)})
    for day, moves_of_day in of_day.items():
        summary = await summary_of(ctx, school_id, day)
        ctx.derive(SUMMARY, {**summary, "counts": moved(summary["counts"], moves_of_day)})


async def roll_changed(
    ctx: Context, school_id: str, class_id: str, student_id: str, first_day: str, last_day: str | None
) -> None:
    """Bring the stored figures of some days up to date after one enrolment was created, ended or changed.

    Call it after the `ctx.put` of the enrolment, once for each stretch of days from `first_day` to `last_day`
    (`YYYY-MM-DD`, both included; None: without an end) **on every one of which the student has come onto the
    roll of the class or has left it**: for a new enrolment all its days, for one that ends earlier the days
    after the new end up to the old one. Other days must not be among them. Marks of a student who is not on
    roll stay stored, but do not count; they count again if the student comes back.
    """
    days = {"date": (first_day, last_day)}
    summaries = await ctx.find(query("summary", room=ctx.room, school_id=school_id, within=days))
    tallies = await ctx.find(query("tally", room=ctx.room, class_id=class_id, within=days))
    if not summaries and not tallies:
        return
    registers = await ctx.find(query("register", room=ctx.room, class_id=class_id, within=days))
    begun = {(register["date"], register["period"]) for register in registers}
    of_student = query("mark", room=ctx.room, student_id=student_id, class_id=class_id, within=days)
    codes = {(mark["date"], mark["period"]): code_of(mark) for mark in await ctx.find(of_student)}
    enrolments = await ctx.find(query("enrolment", room=ctx.room, student_id=student_id))
    here = [enrolment for enrolment in enrolments if enrolment["class_id"] == class_id]
    elsewhere = [enrolment for enrolment in enrolments if enrolment["class_id"] != class_id]
    moves: dict[str, list[Move]] = {}
    for tally in tallies:
        day = tally["date"]
        code = codes.get((day, tally["period"]))
        came = _covered(here, day)
        move: Move = (None, code) if came else (code, None)
        if (day, tally["period"]) in begun:
            moves.setdefault(day, []).append(move)
        on_roll = tally["on_roll"] + (1 if came else -1)
        ctx.derive(TALLY, {**tally, "counts": moved(tally["counts"], [move]), "on_roll": on_roll})
    for summary in summaries:
        day = summary["date"]
        change = 0 if _covered(elsewhere, day) else 1 if _covered(here, day) else -1
        counts = moved(summary["counts"], moves.get(day, ()))
        if change or counts != summary["counts"]:
            ctx.derive(SUMMARY, {**summary, "counts": counts, "on_roll": summary["on_roll"] + change})


async def _students_by_day(ctx: Context, days: Sequence[str]) -> dict[str, int]:
    """How many distinct students of the school are on roll on each of the days, which are in order."""
    if not days:
        return {}
    begun = {"from": (None, days[-1])}
    open_ones = await ctx.find(query("enrolment", room=ctx.room, to=None, within=begun))
    ended = await ctx.find(query("enrolment", room=ctx.room, within={**begun, "to": (days[0], None)}))
    return {day: len(students_on_roll([*open_ones, *ended], day)) for day in days}


def _covered(enrolments: Sequence[Record], day: str) -> bool:
    return any(is_on_roll(enrolment, day) for enrolment in enrolments)
