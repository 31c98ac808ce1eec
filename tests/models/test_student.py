from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from models.record import topics_of
from models.schema import ID, invalid_from
from models.student import (
    EnrolmentCreatePayload,
    StudentUpdatePayload,
    day_after,
    enrolment_id,
    enrolment_record,
    enrolment_to_end,
    is_on_roll,
    overlapping,
    student_in_class,
    student_record,
)

days = st.dates().map(str)


def an_enrolment(first_day: str, last_day: str | None) -> dict[str, Any]:
    return enrolment_record("s1", "s1-c1", "p1", first_day, last_day)


def test_a_student_is_in_no_class_at_first() -> None:
    assert student_record("p1", "s1", given_name="Amy", family_name="Young") == {
        "kind": "student",
        "id": "p1",
        "school_id": "s1",
        "given_name": "Amy",
        "family_name": "Young",
        "preferred_name": None,
        "external_id": None,
        "class_ids": [],
        "archived": False,
    }


def test_a_student_belongs_to_the_topics_of_all_their_classes() -> None:
    student = student_record("p1", "s1", given_name="Amy", family_name="Young")
    in_two = student_in_class(student_in_class(student, "s1-c1"), "s1-c2")
    assert topics_of("school:s1", in_two) == ("school:s1", "class:s1-c1", "class:s1-c2")
    assert student_in_class(in_two, "s1-c1") == in_two
    assert student["class_ids"] == []


def test_the_id_of_an_enrolment_follows_from_class_student_and_first_day() -> None:
    assert enrolment_id("c", "p", "2026-03-02").endswith("-20260302")
    assert enrolment_id("c", "p", "2026-03-02") == enrolment_id("c", "p", "2026-03-02")
    assert enrolment_id("c1", "p", "2026-03-02") != enrolment_id("c", "1p", "2026-03-02")
    assert ID.match(enrolment_id("c" * 64, "p" * 64, "2026-03-02"))


@pytest.mark.parametrize(
    ("last_day", "day", "on_roll"),
    [
        ("2026-03-06", "2026-03-01", False),
        ("2026-03-06", "2026-03-02", True),
        ("2026-03-06", "2026-03-06", True),
        ("2026-03-06", "2026-03-07", False),
        (None, "2026-03-01", False),
        (None, "9999-12-31", True),
    ],
)
def test_a_student_is_on_roll_from_the_first_to_the_last_day(
    last_day: str | None, day: str, on_roll: bool
) -> None:
    assert is_on_roll(an_enrolment("2026-03-02", last_day), day) is on_roll


@given(first=days, last=st.none() | days, other_first=days, other_last=st.none() | days)
def test_enrolments_overlap_if_and_only_if_they_share_a_day(
    first: str, last: str | None, other_first: str, other_last: str | None
) -> None:
    last = last and max(first, last)
    other_last = other_last and max(other_first, other_last)
    enrolment, other = an_enrolment(first, last), an_enrolment(other_first, other_last)
    shared = is_on_roll(enrolment, other_first) or is_on_roll(other, first)
    assert (overlapping([enrolment], other_first, other_last) is not None) is shared


def test_nothing_overlaps_where_there_are_no_enrolments() -> None:
    assert overlapping([], "2026-03-02", None) is None


@pytest.mark.parametrize(
    ("last_day", "first_day_of_ended"),
    [
        ("2025-11-30", "2025-09-01"),  # covered by the first
        ("2025-12-19", "2025-09-01"),  # its last day already
        ("2025-12-25", "2026-01-05"),  # between: the next one lies behind it
        ("2026-03-02", "2026-01-05"),  # covered by the open one
    ],
)
def test_what_ends_is_the_enrolment_that_is_not_over_yet(last_day: str, first_day_of_ended: str) -> None:
    enrolments = [an_enrolment("2026-01-05", None), an_enrolment("2025-09-01", "2025-12-19")]
    ended = enrolment_to_end(enrolments, last_day)
    assert ended is not None
    assert ended["from"] == first_day_of_ended


def test_nothing_ends_where_everything_is_over() -> None:
    assert enrolment_to_end([an_enrolment("2025-09-01", "2025-12-19")], "2025-12-20") is None


def test_the_day_after() -> None:
    assert day_after("2024-02-28") == "2024-02-29"
    assert day_after("2025-12-31") == "2026-01-01"
    assert day_after("9999-12-31") == "9999-12-31"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"from": "2026-3-2"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": None}, "from"),
        ({"to": "2026-03-01"}, "to"),
        ({"to": "soon"}, "to"),
        ({"student_id": "a.b"}, "student_id"),
        ({"reason": "moved"}, "reason"),
    ],
)
def test_a_wrong_field_of_an_enrolment_is_named(change: dict[str, Any], path: str) -> None:
    payload = {"class_id": "s1-c1", "student_id": "p1", "from": "2026-03-02", **change}
    with pytest.raises(ValidationError) as caught:
        EnrolmentCreatePayload().load(payload)
    assert list(invalid_from(caught.value).fields or {}) == [path]


@pytest.mark.parametrize("to", ["2026-03-02", None])
def test_an_enrolment_may_last_one_day_or_stay_open(to: str | None) -> None:
    payload = {"class_id": "s1-c1", "student_id": "p1", "from": "2026-03-02", "to": to}
    assert EnrolmentCreatePayload().load(payload) == payload


def test_a_preferred_name_and_an_external_id_may_be_taken_away() -> None:
    payload = {"student_id": "p1", "set": {"preferred_name": None, "external_id": None}}
    assert StudentUpdatePayload().load(payload) == payload


@pytest.mark.parametrize("name", ["given_name", "family_name"])
def test_a_name_may_not_be_taken_away(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        StudentUpdatePayload().load({"student_id": "p1", "set": {name: None}})
    assert list(invalid_from(caught.value).fields or {}) == [f"set.{name}"]
