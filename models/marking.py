"""The rules of marking: who may set which mark, and on which days. All pure; the errors are for people to
read.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date, timedelta
from functools import lru_cache

from models.codes import OFFICE_ROLES, Code, CodeSet, code_set
from models.errors import Forbidden, Invalid
from models.journal import Record

SCHOOL_YEAR_STARTS = (8, 1)
"""Month and day: 1 August, when the school year of England's attendance data begins (Department for
Education, methodology of the pupil absence statistics, 4.1)."""

PRECEDENCE = {"import": 0, "self": 1, "teacher": 2, "planned": 3, "office": 4}
"""Where a mark can come from (its `source`), the weakest first."""


def precedence(held: Record | None, source: str) -> bool:
    """Whether a mark from `source` may take the place of the one that is held.

    office > planned > teacher > self > import; a source may change its own. A cleared mark protects nothing.
    """
    return held is None or held["code"] is None or PRECEDENCE[held["source"]] <= PRECEDENCE[source]


def left_by_mark_all(held: Record | None, overwrite: bool) -> bool:
    """Whether `mark_all` leaves a student's mark as it is, whoever asks.

    It sets where there is none; with `overwrite` also over what a teacher may change. Planned and office
    marks were set on purpose, one by one, and stay.
    """
    if held is None or held["code"] is None:
        return False
    return not (overwrite and precedence(held, "teacher"))


def gives_way_to_plan(held: Record | None, codes: CodeSet) -> bool:
    """Whether a plan sets its mark in the place of the one that is held, of the school's `codes`.

    Parents often call once the lesson has begun: the plan explains an absence that a teacher has marked.
    Whom a teacher has seen stays, although a plan is stronger.
    """
    if held is None or held["code"] is None:
        return True
    code = codes.get(held["code"])
    was_seen = held["source"] == "teacher" and code is not None and code.direction == "in"
    return precedence(held, "planned") and not was_seen


def source_of(roles: Set[str]) -> str:
    """The source of a mark set with these roles: office rights win where somebody is a teacher too."""
    return "teacher" if roles.isdisjoint(OFFICE_ROLES) else "office"


def school_year_start(day: date) -> date:
    """The first day of the school year that the day is in."""
    start = date(day.year, *SCHOOL_YEAR_STARTS)
    return start if start <= day else date(day.year - 1, *SCHOOL_YEAR_STARTS)


@lru_cache(maxsize=4096)
def marking_days(today: date, days_back: int, source: str) -> tuple[str, str]:
    """The first and the last day (`YYYY-MM-DD`) that may be marked; `today` is the school's own date.

    A teacher: from `days_back` days back to today. The office: every day of the school year up to today, and
    never less than a teacher, so that early August does not shut it out of the days before.
    """
    first = today - timedelta(days=days_back)
    if source == "office":
        first = min(first, school_year_start(today))
    return first.isoformat(), today.isoformat()


def check_day(day: str, today: date, days_back: int, source: str) -> None:
    """Return if the day (`YYYY-MM-DD`) may be marked from this source today. Invalid, naming `date`."""
    first, last = marking_days(today, days_back, source)
    if day > last:
        raise Invalid.field("date", f"must not be in the future: today is {last} at the school")
    if day < first and source == "office":
        raise Invalid.field("date", f"must not be before {first}, in an earlier school year")
    if day < first:
        raise Invalid.field("date", f"must not be before {first}: teachers mark up to {days_back} days back")


def check_period(period_id: str, periods: Sequence[Record]) -> None:
    """Return if it is one of the school's periods. Invalid, naming `period`."""
    for period in periods:
        if period["id"] == period_id:
            return
    known = ", ".join(period["id"] for period in periods)
    raise Invalid.field("period", f"must be one of the school's periods: {known}")


def code_for(set_name: str, code: str, roles: Set[str]) -> Code:
    """The code, from the school's set. Invalid where the school does not use it; Forbidden where these
    roles may not.
    """
    codes = code_set(set_name)
    found = codes.get(code)
    if found is not None and not found.roles.isdisjoint(roles):
        return found
    allowed = " ".join(codes.allowed(roles))
    if found is None:
        raise Invalid.field("code", f"must be one of the school's codes; you may use: {allowed}")
    text = f"{found.code} ({found.label}) is for the office to set; you may use: {allowed}"
    raise Forbidden(f"code: {text}", fields={"code": [text]})


def check_minutes_late(minutes: int | None, code: Code) -> None:
    """Return if a mark with this code may carry the minutes. Invalid, naming `minutes_late`."""
    if minutes is not None and not code.late:
        raise Invalid.field("minutes_late", f"goes only with a code for being late, not with {code.code}")
