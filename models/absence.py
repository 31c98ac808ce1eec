"""Planned absences: what is kept of them, what clients may say about them, and how one is cut. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from marshmallow import ValidationError, validates_schema

from models.attendance import Code
from models.codes import Code as OneCode
from models.codes import CodeSet
from models.errors import Invalid
from models.journal import Record
from models.record import record_kind
from models.schema import Day, Ids, Name, Payload
from models.school import MOST_PERIODS

MOST_DAYS = 366
"""Days from the first to the last of a planned absence, both included: a school year."""

MOST_MARKS = 2_000
"""Marks that one plan may set. With as many tallies and a summary for each day it is one commit that every
storage and viewer can take."""

MOST_LESSONS = 10_000
"""Lessons that may be taken back at once: more than the year of any one student has."""

record_kind("absence", indexes=(("school_id", "to", "from"), ("student_id", "to", "from")))

Periods = tuple[str, ...] | None
"""Ids of periods in the order of the school's day; None: all of them."""


class Planned(NamedTuple):
    """What a plan says of each of its students. Days as `YYYY-MM-DD`, both included."""

    first: str
    last: str
    periods: Periods
    code: str
    reason: str


def absence_record(
    id: str, school_id: str, student_id: str, planned: Planned, *, by: str, by_name: str, at: str
) -> Record:
    """A new planned absence. `by_name`: the name of who planned it, as it was then."""
    return {
        "kind": "absence",
        "id": id,
        "school_id": school_id,
        "student_id": student_id,
        "from": planned.first,
        "to": planned.last,
        "periods": None if planned.periods is None else list(planned.periods),
        "code": planned.code,
        "reason": planned.reason,
        "by": by,
        "by_name": by_name,
        "at": at,
    }


def covers(absence: Record, day: str, period: str) -> bool:
    """Whether the absence is one of this period of this day (`YYYY-MM-DD`)."""
    periods: Sequence[str] | None = absence["periods"]
    return bool(absence["from"] <= day <= absence["to"]) and (periods is None or period in periods)


def parts_left(
    absence: Record, first: str, last: str, periods: Periods, all_periods: Sequence[str]
) -> list[Record] | None:
    """What is left of the absence without these periods of the days from `first` to `last`, in the order of
    the days; None if it has nothing of them. All parts have its id; which of them keeps it, the caller says.
    """
    own = tuple(all_periods) if absence["periods"] is None else tuple(absence["periods"])
    inside = [id for id in own if periods is None or id in periods]
    if last < absence["from"] or absence["to"] < first or not inside:
        return None
    rest = [id for id in own if id not in inside]
    parts = []
    if absence["from"] < first:
        parts.append({**absence, "to": day_after(first, -1)})
    if rest:
        middle = {"from": max(first, absence["from"]), "to": min(last, absence["to"])}
        parts.append({**absence, **middle, "periods": rest})
    if last < absence["to"]:
        parts.append({**absence, "from": day_after(last, 1)})
    return parts


def school_days(weekdays: Iterable[int], first: str, last: str) -> list[str]:
    """The days from `first` to `last` that are one of the ISO weekdays (1 Monday to 7 Sunday)."""
    wanted = set(weekdays)
    days = map(date.fromordinal, range(_ordinal(first), _ordinal(last) + 1))
    return [day.isoformat() for day in days if day.isoweekday() in wanted]


def planned_code(codes: CodeSet, wanted: str | None) -> OneCode:
    """The code of a plan, by default the set's for an excused absence. Invalid for one that the set has not,
    and for one that says that somebody is there.
    """
    code = codes.get(codes.excused if wanted is None else wanted)
    may = " ".join(one.code for one in codes.codes.values() if _is_for_plans(one))
    if code is None:
        raise Invalid.field("code", f"must be one of the school's codes; for a planned absence: {may}")
    if not _is_for_plans(code):
        text = f"{code.code} ({code.label}) says that the student is there; for a planned absence: {may}"
        raise Invalid.field("code", text)
    return code


def _is_for_plans(code: OneCode) -> bool:
    return code.direction == "out" or code.category == "approved_activity"


def chosen_periods(wanted: Sequence[str] | None, all_periods: Sequence[str]) -> Periods:
    """The periods in the order of the day; None where they are all. Invalid for one that is not the
    school's.
    """
    if wanted is None:
        return None
    for number, id in enumerate(wanted):
        if id not in all_periods:
            known = ", ".join(all_periods)
            raise Invalid.field(f"periods.{number}", f"must be one of the school's periods: {known}")
    chosen = tuple(id for id in all_periods if id in wanted)
    return None if len(chosen) == len(all_periods) else chosen


def lessons(absences: Iterable[Record], periods: Periods, periods_of_day: int) -> int:
    """How many lessons these absences (or parts of them) are about at most, each for its student, in these
    periods (None: in all); every day is counted, whether there is school or not.
    """
    found = 0
    for absence in absences:
        of_day = periods_of_day if absence["periods"] is None else len(absence["periods"])
        days = _ordinal(absence["to"]) - _ordinal(absence["from"]) + 1
        found += days * (of_day if periods is None else min(of_day, len(periods)))
    return found


def too_many(most: int) -> Invalid:
    """The error for more than so many marks."""
    return Invalid.field("to", f"is about more than {most:,} marks: name fewer students or a shorter range")


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def day_after(day: str, number: int) -> str:
    """The day so many days after this one; before it, if negative."""
    return date.fromordinal(_ordinal(day) + number).isoformat()


class UnplanPayload(Payload):
    """`attendance.unplan`: the days from `from` to `to`, both included; without `periods` all of them."""

    class Meta(Payload.Meta):
        include = {"from": Day(required=True)}  # noqa: RUF012 - marshmallow reads a plain dict

    student_ids = Ids(required=True, minimum=1)
    to = Day(required=True)
    periods = Ids(limit=MOST_PERIODS, minimum=1, load_default=None, allow_none=True)

    @validates_schema
    def _check_range(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["to"] < data["from"]:
            raise ValidationError("must not be before the first day", "to")
        if _ordinal(data["to"]) - _ordinal(data["from"]) >= MOST_DAYS:
            raise ValidationError(
                f"must be at most {MOST_DAYS} days after the first, that one included", "to"
            )


class PlanPayload(UnplanPayload):
    """`attendance.plan`: why these students are away, and with which code they are marked."""

    code = Code(load_default=None, allow_none=True)
    reason = Name(required=True)
