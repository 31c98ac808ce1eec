"""The marks that planned absences set by default, in the same commit as what causes them: a plan, its end, an
enrolment, a mark that is taken away.

No other code sets a mark of the source `planned`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from handlers.dispatch.context import Context
from handlers.figures import sheets_marked
from models.absence import covers, school_days, too_many
from models.attendance import Sheet, code_of, mark_record, sheet_at
from models.codes import code_set
from models.journal import Record
from models.marking import gives_way_to_plan
from models.query import query
from models.school import days_of
from models.student import by_student, is_on_roll
from models.tally import Move

PLANNED = "attendance.planned"


async def set_planned(
    ctx: Context,
    school: Record,
    absences: Sequence[Record],
    enrolments: Iterable[Record],
    *,
    most: int | None = None,
) -> None:
    """Derive the marks of the absences, in each class that one of the enrolments covers on the day, and the
    figures that follow. Marks of the office stay, and those of whom a teacher has seen. No register is
    started, for nobody was there to look.

    Invalid, naming `to`, where it would be more than `most` marks.
    """
    places = list(_places(school, absences, by_student(enrolments), most))
    if not places:
        return
    days = [sheet.date for sheet, _ in places]
    held = await _marks(ctx, [absence["student_id"] for absence in absences], min(days), max(days))
    codes = code_set(school["code_set"])
    moves: dict[Sheet, list[Move]] = {}
    marks = []
    for sheet, absence in places:
        mark = _mark_of(ctx, sheet, absence)
        before = held.get(mark["id"])
        if gives_way_to_plan(before, codes) and not _is_same(before, mark):
            marks.append(mark)
            moves.setdefault(sheet, []).append((code_of(before), mark["code"]))
    await sheets_marked(ctx, school["id"], moves)
    for mark in marks:
        ctx.derive(PLANNED, mark)


async def clear_planned(ctx: Context, school_id: str, taken_back: Iterable[Record]) -> None:
    """Derive that the planned marks of the students and days of these absences (or parts of them) are cleared
    where no absence is left that covers them, and the figures that follow. What somebody has marked since
    stays.
    """
    students_of: dict[tuple[str, str], list[str]] = {}
    for absence in taken_back:
        students_of.setdefault((absence["from"], absence["to"]), []).append(absence["student_id"])
    enrolments = by_student(await enrolments_of(ctx, [id for ids in students_of.values() for id in ids]))
    moves: dict[Sheet, list[Move]] = {}
    cleared = []
    for (first, last), student_ids in students_of.items():
        left = by_student(await absences_of(ctx, student_ids, first, last))
        for mark in (await _marks(ctx, student_ids, first, last)).values():
            if mark["source"] != "planned" or mark["code"] is None:
                continue
            student_id, day, period = mark["student_id"], mark["date"], mark["period"]
            if any(covers(absence, day, period) for absence in left.get(student_id, ())):
                continue
            sheet = sheet_at(school_id, mark["class_id"], day, period)
            cleared.append(_cleared(ctx, sheet, student_id))
            own = [one for one in enrolments.get(student_id, ()) if one["class_id"] == sheet.class_id]
            if any(is_on_roll(one, day) for one in own):
                moves.setdefault(sheet, []).append((mark["code"], None))
    await sheets_marked(ctx, school_id, moves)
    for mark in cleared:
        ctx.derive(PLANNED, mark)


async def absences_of(ctx: Context, student_ids: Sequence[str], first: str, last: str | None) -> list[Record]:
    """The planned absences of the students that have a day from `first` to `last` (None: without an end)."""
    of_students = {"student_id": tuple(student_ids)}
    found = await ctx.find(
        query("absence", room=ctx.room, one_of=of_students, within={"to": (first, None)}, order=("to",))
    )
    return [absence for absence in found if last is None or absence["from"] <= last]


async def enrolments_of(ctx: Context, student_ids: Sequence[str]) -> list[Record]:
    """Every enrolment of the students, whenever it is or was."""
    of_students = {"student_id": tuple(dict.fromkeys(student_ids))}
    return await ctx.find(query("enrolment", room=ctx.room, one_of=of_students))


async def planned_mark(ctx: Context, school: Record, sheet: Sheet, student_id: str) -> Record | None:
    """The mark that is planned for the student on this sheet, or None."""
    if date.fromisoformat(sheet.date).isoweekday() not in days_of(school):
        return None
    for absence in await absences_of(ctx, [student_id], sheet.date, sheet.date):
        if covers(absence, sheet.date, sheet.period):
            return _mark_of(ctx, sheet, absence)
    return None


def _places(
    school: Record, absences: Iterable[Record], enrolments: dict[str, list[Record]], most: int | None
) -> Iterator[tuple[Sheet, Record]]:
    """Each sheet that an absence concerns, with the absence."""
    days: dict[tuple[str, str], list[str]] = {}
    count = 0
    for absence in absences:
        first, last = absence["from"], absence["to"]
        if (first, last) not in days:
            days[first, last] = school_days(days_of(school), first, last)
        periods = absence["periods"] or [period["id"] for period in school["periods"]]
        for enrolment in enrolments.get(absence["student_id"], ()):
            for day in days[first, last]:
                if not is_on_roll(enrolment, day):
                    continue
                count += len(periods)
                if most is not None and count > most:
                    raise too_many(most)
                for period in periods:
                    yield sheet_at(school["id"], enrolment["class_id"], day, period), absence


async def _marks(ctx: Context, student_ids: Sequence[str], first: str, last: str) -> dict[str, Record]:
    """The marks of the students from the first to the last day, by id."""
    of_students = {"student_id": tuple(dict.fromkeys(student_ids))}
    found = await ctx.find(query("mark", room=ctx.room, one_of=of_students, within={"date": (first, last)}))
    return {mark["id"]: mark for mark in found}


def _mark_of(ctx: Context, sheet: Sheet, absence: Record) -> Record:
    return mark_record(
        sheet,
        absence["student_id"],
        code=absence["code"],
        note=absence["reason"],
        source="planned",
        by=absence["by"],
        by_name=absence["by_name"],
        at=ctx.at,
    )


def _is_same(held: Record | None, mark: Record) -> bool:
    """Whether the mark that is held says the same."""
    return held is not None and all(held[name] == mark[name] for name in ("code", "note", "source"))


def _cleared(ctx: Context, sheet: Sheet, student_id: str) -> Record:
    by, by_name = ctx.actor.id, ctx.actor.name
    return mark_record(sheet, student_id, code=None, source="office", by=by, by_name=by_name, at=ctx.at)
