"""The rules of marking."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.codes import code_set
from models.errors import Forbidden, Invalid
from models.marking import (
    PRECEDENCE,
    check_day,
    check_minutes_late,
    check_period,
    code_for,
    left_by_mark_all,
    marking_days,
    precedence,
    school_year_start,
    source_of,
)

STRONGEST_FIRST = ["office", "planned", "teacher", "self", "import"]
TODAY = date(2026, 3, 2)
days = st.dates(date(1990, 1, 1), date(2100, 1, 1))


def mark(source: str, code: str | None = "A") -> dict[str, Any]:
    return {"source": source, "code": code}


def test_the_order_of_sources_is_total() -> None:
    assert sorted(PRECEDENCE, key=lambda source: -PRECEDENCE[source]) == STRONGEST_FIRST
    assert len(set(PRECEDENCE.values())) == len(PRECEDENCE)


@pytest.mark.parametrize(("held", "source"), list(product(STRONGEST_FIRST, repeat=2)))
def test_a_mark_gives_way_to_its_own_source_and_to_stronger_ones(held: str, source: str) -> None:
    stronger_or_same = STRONGEST_FIRST.index(source) <= STRONGEST_FIRST.index(held)
    assert precedence(mark(held), source) is stronger_or_same


@pytest.mark.parametrize("source", STRONGEST_FIRST)
def test_where_there_is_no_mark_every_source_may_set_one(source: str) -> None:
    assert precedence(None, source)
    assert precedence(mark("office", None), source)


@pytest.mark.parametrize("overwrite", [False, True])
def test_mark_all_sets_where_there_is_no_mark(overwrite: bool) -> None:
    assert not left_by_mark_all(None, overwrite)
    assert not left_by_mark_all(mark("office", None), overwrite)


@pytest.mark.parametrize("source", STRONGEST_FIRST)
def test_mark_all_leaves_every_mark_unless_told_to_overwrite(source: str) -> None:
    assert left_by_mark_all(mark(source), overwrite=False)


@pytest.mark.parametrize(
    ("source", "left"),
    [("office", True), ("planned", True), ("teacher", False), ("self", False), ("import", False)],
)
def test_mark_all_never_overwrites_planned_and_office_marks(source: str, left: bool) -> None:
    assert left_by_mark_all(mark(source), overwrite=True) is left


@pytest.mark.parametrize(
    ("roles", "source"),
    [
        ({"teacher"}, "teacher"),
        ({"office"}, "office"),
        ({"school_admin"}, "office"),
        ({"admin"}, "office"),
        ({"teacher", "office"}, "office"),
    ],
)
def test_office_rights_win(roles: set[str], source: str) -> None:
    assert source_of(roles) == source


@given(days)
def test_a_school_year_starts_on_the_last_1_august(day: date) -> None:
    start = school_year_start(day)
    assert (start.month, start.day) == (8, 1)
    assert start <= day < start.replace(year=start.year + 1)


def test_a_teacher_marks_from_seven_days_back_to_today() -> None:
    assert marking_days(TODAY, 7, "teacher") == ("2026-02-23", "2026-03-02")


def test_the_office_marks_the_school_year_up_to_today() -> None:
    assert marking_days(TODAY, 7, "office") == ("2025-08-01", "2026-03-02")


@given(days, st.integers(0, 60))
def test_the_office_may_mark_whatever_a_teacher_may(today: date, days_back: int) -> None:
    teacher, office = marking_days(today, days_back, "teacher"), marking_days(today, days_back, "office")
    assert office[0] <= teacher[0]
    assert office[1] == teacher[1] == str(today)


def test_early_august_leaves_the_office_the_days_of_a_teacher() -> None:
    assert marking_days(date(2026, 8, 3), 7, "office")[0] == "2026-07-27"


@pytest.mark.parametrize("source", ["teacher", "office"])
def test_nobody_marks_the_future(source: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_day("2026-03-03", TODAY, 7, source)
    assert caught.value.fields == {"date": ["must not be in the future: today is 2026-03-02 at the school"]}


@pytest.mark.parametrize(("source", "first"), [("teacher", "2026-02-23"), ("office", "2025-08-01")])
def test_the_first_day_is_allowed_and_the_day_before_is_not(source: str, first: str) -> None:
    check_day(first, TODAY, 7, source)
    with pytest.raises(Invalid) as caught:
        check_day(str(date.fromisoformat(first) - timedelta(days=1)), TODAY, 7, source)
    assert first in caught.value.message


def test_a_school_may_allow_no_day_back() -> None:
    check_day("2026-03-02", TODAY, 0, "teacher")
    with pytest.raises(Invalid, match="up to 0 days back"):
        check_day("2026-03-01", TODAY, 0, "teacher")


def test_a_period_is_one_of_the_schools() -> None:
    periods = [{"id": "am"}, {"id": "pm"}]
    check_period("pm", periods)
    with pytest.raises(Invalid) as caught:
        check_period("1", periods)
    assert caught.value.fields == {"period": ["must be one of the school's periods: am, pm"]}


def test_a_code_of_the_set_that_the_role_may_use_is_found() -> None:
    assert code_for("england", "L", {"teacher"}) is code_set("england").get("L")


def test_a_code_of_another_set_is_invalid_and_the_error_names_those_of_the_role() -> None:
    with pytest.raises(Invalid) as caught:
        code_for("simple", "/", {"teacher"})
    assert caught.value.fields == {"code": ["must be one of the school's codes; you may use: P L A E O"]}
    with pytest.raises(Invalid, match=r"you may use: / \\ L N U$"):
        code_for("england", "H", {"teacher"})


def test_a_code_of_the_office_is_forbidden_to_teachers() -> None:
    with pytest.raises(Forbidden) as caught:
        code_for("england", "I", {"teacher"})
    assert caught.value.fields == {"code": ["I (Illness) is for the office to set; you may use: / \\ L N U"]}
    assert code_for("england", "I", {"teacher", "office"}).code == "I"


def test_minutes_go_with_a_late_code_only() -> None:
    late, present = code_for("simple", "L", {"teacher"}), code_for("simple", "P", {"teacher"})
    check_minutes_late(5, late)
    check_minutes_late(None, present)
    with pytest.raises(Invalid) as caught:
        check_minutes_late(0, present)
    assert list(caught.value.fields or {}) == ["minutes_late"]
