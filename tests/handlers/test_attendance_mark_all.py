"""Marking a whole class at once."""

from __future__ import annotations

from typing import Any

import pytest

from models.action import Ack
from models.errors import Invalid
from tests.handlers.school_day import TODAY, SchoolDay, open_school
from tests.kit import CoreKit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_mark_all_marks_who_has_no_mark_in_one_commit(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p2", "A")
    before = len(day.core.commits)
    marks = await day.mark_all("P")
    assert [(mark["student_id"], mark["code"]) for mark in marks] == [("p1", "P"), ("p3", "P")]
    (commit,) = day.core.commits[before:]
    assert [entry.data["kind"] for entry in commit.entries] == ["mark", "mark", "tally", "summary"]
    assert (await day.tally())["counts"] == {"P": 2, "A": 1}
    await day.check_figures(TODAY)


async def test_the_seq_of_mark_all_is_that_of_its_last_mark(day: SchoolDay) -> None:
    ack = await day.core.act(day.teacher, "attendance.mark_all", {**day.sheet(), "code": "P"})
    assert isinstance(ack.data, list)
    assert ack.seq == ack.data[-1]["seq"] == ack.data[0]["seq"] + 2


async def test_mark_all_on_a_new_sheet_starts_its_register(day: SchoolDay) -> None:
    assert len(await day.mark_all("P")) == 3
    assert (await day.records_of_day("register", TODAY))[0]["state"] == "open"
    await day.check_figures(TODAY)


async def test_mark_all_sees_the_marks_of_its_own_batch(day: SchoolDay) -> None:
    outcomes = await day.core.act_at_once(
        [
            (day.teacher, "attendance.mark", {**day.sheet(), "student_id": "p1", "code": "A"}),
            (day.teacher, "attendance.mark_all", {**day.sheet(), "code": "P"}),
            (day.teacher, "attendance.mark_all", {**day.sheet(), "code": "L"}),
        ],
    )
    assert [type(outcome) for outcome in outcomes] == [Ack, Ack, Invalid]
    assert (await day.tally())["counts"] == {"A": 1, "P": 2}
    await day.check_figures(TODAY)


async def test_mark_all_counts_a_cleared_mark_as_none(day: SchoolDay) -> None:
    await day.mark_all("A")
    await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p2"})
    assert [mark["student_id"] for mark in await day.mark_all("P")] == ["p2"]


async def test_mark_all_overwrites_teachers_marks_when_told(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "L", minutes_late=5, note="Bus")
    marks = await day.mark_all("P", overwrite=True)
    assert [(mark["code"], mark["minutes_late"], mark["note"]) for mark in marks] == [("P", None, None)] * 3
    await day.check_figures(TODAY)


@pytest.mark.parametrize("by", ["teacher", "office", "admin"])
@pytest.mark.parametrize("overwrite", [False, True])
async def test_mark_all_never_touches_planned_and_office_marks(
    day: SchoolDay, by: str, overwrite: bool
) -> None:
    await day.planned("p1", "E")
    await day.mark(day.office, "p2", "A")
    assert [mark["student_id"] for mark in await day.mark_all("P", by=by, overwrite=overwrite)] == ["p3"]
    await day.check_figures(TODAY)


async def test_mark_all_spares_the_exceptions(day: SchoolDay) -> None:
    marks = await day.mark_all("P", spared=["p1", "p3"])
    assert [mark["student_id"] for mark in marks] == ["p2"]


async def test_an_exception_who_is_not_of_the_class_is_refused(day: SchoolDay) -> None:
    payload = {**day.sheet(), "code": "P", "except": ["p1", "p4"]}
    error = await day.core.refused(Invalid, day.teacher, "attendance.mark_all", payload)
    assert error.fields == {"except.1": ["is not a student of this class"]}


async def test_an_exception_who_has_left_the_class_harms_nothing(day: SchoolDay) -> None:
    await day.core.act(
        day.office, "enrolment.end", {"class_id": "c1", "student_id": "p2", "to": "2026-03-01"}
    )
    marks = await day.mark_all("P", spared=["p2"])
    assert [mark["student_id"] for mark in marks] == ["p1", "p3"]


async def test_mark_all_leaves_out_archived_students(day: SchoolDay) -> None:
    await day.core.act(day.office, "student.archive", {"student_id": "p1"})
    assert [mark["student_id"] for mark in await day.mark_all("P")] == ["p2", "p3"]
    await day.check_figures(TODAY)


@pytest.mark.parametrize(
    "changes", [{}, {"except": ["p1", "p2", "p3"], "overwrite": True}, {"date": "2025-08-29"}]
)
async def test_mark_all_with_nobody_left_is_refused(day: SchoolDay, changes: dict[str, Any]) -> None:
    await day.mark_all("P")
    payload = {**day.sheet(), "code": "A", **changes}
    error = await day.core.refused(Invalid, day.office, "attendance.mark_all", payload)
    assert "nobody left to mark" in error.message


async def test_mark_all_takes_a_late_code_without_minutes(day: SchoolDay) -> None:
    assert {mark["minutes_late"] for mark in await day.mark_all("L")} == {None}
