"""Marks of past school days: every class, every period, with absences about as they really come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple

from app.demo.loader import AT_ONCE, Advance, Draft, Loader, in_parts
from app.demo.names import person_name
from app.demo.plan import PERIODS, Size
from models.attendance import TAKEN, Sheet, mark_record, register_record, sheet_at, summary_id
from models.clock import rfc3339
from models.journal import Record
from models.ports import Clock, Loaded, Storage
from models.query import query
from models.tally import moved, registers_moved, students_on_roll, summary_record, tally_record

ABSENT_DAYS = 0.05
OFTEN_ABSENT_STUDENTS = 0.08
OFTEN_ABSENT_DAYS = 0.2
"""How often students are away, so that it is 6 to 7 % in all, of which some students have the most."""

EXCUSED = 0.75
"""The share of days away for which there is an excuse."""

LATE_FIRST = 0.04
LATE_LATER = 0.007
OFF_SITE_DAYS = 0.03
"""How often a whole class is away on an activity."""

EXCUSES = ("Illness", "Medical appointment", "Dentist", "Family matter", None, None, None)


class DemoMark(NamedTuple):
    """What a student's mark of one period says, and how many minutes after the start it was set."""

    code: str
    after: int
    minutes_late: int | None = None
    note: str | None = None


class SchoolHistory:
    """Adds a school's registers that are missing, as their teachers would have taken them; others stay.

    StorageLost.
    """

    def __init__(self, school_id: str, size: Size, *, loader: Loader, storage: Storage, clock: Clock) -> None:
        self._school_id = school_id
        self._size = size
        self._loader = loader
        self._storage = storage
        self._clock = clock
        self._enrolments: list[Record] = []
        self._head = -1

    async def load(self, days: int, advance: Advance) -> int:
        """Add this many school days before today; how many entries that took. Reports registers as done."""
        sheets_at_once = max(1, (AT_ONCE - 1) // (self._size.students + 2))
        written = 0
        for day in reversed(school_days(self._clock.now().date(), days)):
            sheets = (
                sheet_at(self._school_id, f"{self._school_id}-c{number}", day.isoformat(), period["id"])
                for number in self._size.class_numbers
                for period in PERIODS
            )
            for some in in_parts(sheets, sheets_at_once):
                written += await self._add(day.isoformat(), some)
                advance(len(some))
        return written

    async def _add(self, day: str, sheets: Sequence[Sheet]) -> int:
        """Add the registers of one day."""
        summary_key = ("summary", summary_id(self._school_id, day))

        async def decide(loaded: Loaded) -> list[Draft]:
            await self._read_enrolments(loaded.head)
            # Planned absences have a tally before anybody starts the register.
            missing = [s for s in sheets if loaded.records["tally", s.tally_id] is None]
            drafts = self._drafts(day, missing, loaded.records[summary_key])
            self._head = loaded.head + len(drafts)
            return drafts

        keys = [("tally", sheet.tally_id) for sheet in sheets]
        return await self._loader.append(f"school:{self._school_id}", [*keys, summary_key], decide)

    async def _read_enrolments(self, head: int) -> None:
        """Have the enrolments as of this head, at least; they are read again if somebody else has written."""
        if head != self._head:
            self._enrolments = await self._storage.find(query("enrolment", room=f"school:{self._school_id}"))

    def _drafts(self, day: str, sheets: Iterable[Sheet], summary: Record | None) -> list[Draft]:
        """The records of the sheets, and the day's summary with them."""
        if summary is None:
            on_roll = len(students_on_roll(self._enrolments, day))
            summary = summary_record(self._school_id, day, on_roll)
        drafts: list[Draft] = []
        for sheet in sheets:
            roll = students_on_roll((e for e in self._enrolments if e["class_id"] == sheet.class_id), day)
            if not roll:
                continue
            marks = [_mark_record(self._size.seed, sheet, student_id) for student_id in sorted(roll)]
            moves = [(None, mark["code"]) for mark in marks]
            tally = tally_record(sheet, len(roll), moved({}, moves))
            summary = {
                **summary,
                "counts": moved(summary["counts"], moves),
                "registers": registers_moved(summary["registers"], None, TAKEN),
            }
            drafts += [Draft("attendance.mark", mark) for mark in marks]
            drafts.append(Draft("attendance.take", _register_record(self._size.seed, sheet)))
            drafts.append(Draft("attendance.tally", tally))
        return [*drafts, Draft("attendance.summary", summary)] if drafts else []


def school_days(today: date, number: int) -> list[date]:
    """The newest Mondays to Fridays before today, the newest first."""
    days: list[date] = []
    day = today
    while len(days) < number:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            days.append(day)
    return days


def teacher_of(sheet: Sheet) -> str:
    """The id of the teacher who takes the register."""
    _, _, number = sheet.class_id.partition("-c")
    return f"u-{sheet.school_id}-teacher{number}"


@lru_cache(maxsize=1024)
def marks_of_day(seed: int, class_id: str, student_id: str, day: str) -> tuple[DemoMark, ...]:
    """The student's marks of one day, period by period. The same seed gives the same marks."""
    if Random(f"{seed} {class_id} {day}").random() < OFF_SITE_DAYS:  # noqa: S311 - needs no secrecy
        return tuple(DemoMark("O", 3) for _ in PERIODS)
    often = Random(f"{seed} {student_id} often").random() < OFTEN_ABSENT_STUDENTS  # noqa: S311
    chance = Random(f"{seed} {student_id} {day}")  # noqa: S311
    if chance.random() < (OFTEN_ABSENT_DAYS if often else ABSENT_DAYS):
        excused = chance.random() < EXCUSED
        note = chance.choice(EXCUSES) if excused else None
        return tuple(DemoMark("E" if excused else "A", 4, note=note) for _ in PERIODS)
    late = [chance.random() < (LATE_LATER if place else LATE_FIRST) for place in range(len(PERIODS))]
    return tuple(_present(chance, is_late) for is_late in late)


def _present(chance: Random, is_late: bool) -> DemoMark:
    minutes = chance.randint(3, 20) if is_late else None
    return DemoMark("L" if is_late else "P", minutes or chance.randint(1, 4), minutes)


def demo_mark(seed: int, sheet: Sheet, student_id: str) -> DemoMark:
    """The student's mark on the sheet, of a period that the demo has."""
    return marks_of_day(seed, sheet.class_id, student_id, sheet.date)[_place(sheet)]


def _mark_record(seed: int, sheet: Sheet, student_id: str) -> Record:
    mark = demo_mark(seed, sheet, student_id)
    return mark_record(
        sheet,
        student_id,
        code=mark.code,
        minutes_late=mark.minutes_late,
        note=mark.note,
        source="teacher",
        by=teacher_of(sheet),
        by_name=_teacher_name(seed, sheet),
        at=_moment(sheet, mark.after),
    )


def _register_record(seed: int, sheet: Sheet) -> Record:
    return register_record(
        sheet,
        taken_by=teacher_of(sheet),
        taken_by_name=_teacher_name(seed, sheet),
        taken_at=_moment(sheet, 25),
        unmarked=0,
    )


def _teacher_name(seed: int, sheet: Sheet) -> str:
    return person_name(seed, teacher_of(sheet)).full


def _place(sheet: Sheet) -> int:
    return [period["id"] for period in PERIODS].index(sheet.period)


def _moment(sheet: Sheet, minutes: int) -> str:
    """So many minutes after the period's start. The demo schools use UTC."""
    start = time.fromisoformat(PERIODS[_place(sheet)]["start"])
    return rfc3339(datetime.combine(date.fromisoformat(sheet.date), start, UTC) + timedelta(minutes=minutes))
