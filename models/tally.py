"""The figures that follow from marks: a tally for each register, a summary for each school and day. All pure.

A figure counts the students who are on roll that day and have a mark that is not cleared; a summary counts
those of the registers that somebody has begun, so that what is planned for later is no attendance yet. They
are kept by adding and taking away, and are always equal to a recount.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.attendance import OPEN, TAKEN, Sheet, summary_id
from models.journal import Record
from models.record import record_kind
from models.student import is_on_roll

Move = tuple[str | None, str | None]
"""What happened to one student's mark: the code that counted before and the code that counts now; None:
nothing counts."""

record_kind(
    "tally",
    indexes=(("school_id", "date"), ("class_id", "date")),
    fixed=("school_id", "class_id", "date"),
    topics=lambda record: (f"class:{record['class_id']}",),
)
record_kind(
    "summary",
    indexes=(("school_id", "date"),),
    fixed=("school_id", "date"),
    topics=lambda record: (f"summary:{record['school_id']}",),
)


def tally_record(sheet: Sheet, on_roll: int, counts: Mapping[str, int] | None = None) -> Record:
    """The figures of one register; with no counts, those of a register without marks. `counts` holds only
    codes that occur.
    """
    return {
        "kind": "tally",
        "id": sheet.tally_id,
        "school_id": sheet.school_id,
        "class_id": sheet.class_id,
        "date": sheet.date,
        "period": sheet.period,
        "counts": dict(counts or {}),
        "on_roll": on_roll,
    }


def summary_record(school_id: str, day: str, on_roll: int) -> Record:
    """The figures of a school's day before its first register. `on_roll`: distinct students of the school."""
    return {
        "kind": "summary",
        "id": summary_id(school_id, day),
        "school_id": school_id,
        "date": day,
        "counts": {},
        "on_roll": on_roll,
        "registers": {OPEN: 0, TAKEN: 0},
    }


def moved(counts: Mapping[str, int], moves: Iterable[Move]) -> dict[str, int]:
    """The counts after the moves, without codes that no longer occur."""
    result = dict(counts)
    for before, after in moves:
        if before is not None:
            left = result[before] - 1
            if left:
                result[before] = left
            else:
                del result[before]
        if after is not None:
            result[after] = result.get(after, 0) + 1
    return result


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """The counts with those of one more register."""
    return {code: counts.get(code, 0) + more.get(code, 0) for code in {**counts, **more}}


def registers_moved(registers: Mapping[str, int], before: str | None, after: str) -> dict[str, int]:
    """How many registers are open and taken after one went from a state (None: it was missing) to another."""
    result = dict(registers)
    if before is not None:
        result[before] -= 1
    result[after] += 1
    return result


def students_on_roll(enrolments: Iterable[Record], day: str) -> set[str]:
    """The ids of the students whom one of the enrolments covers on the day."""
    return {enrolment["student_id"] for enrolment in enrolments if is_on_roll(enrolment, day)}
