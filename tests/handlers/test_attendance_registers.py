"""Taking and reopening registers."""

from __future__ import annotations

import pytest

from models.errors import Conflict, Locked, NotFound
from tests.handlers.school_day import ON_A_SHEET, TODAY, SchoolDay, one, open_school
from tests.kit import CoreKit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_a_taken_register_is_locked_for_teachers(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    register = await day.take()
    for type in ("attendance.mark", "attendance.mark_all", "attendance.clear"):
        error = await day.core.refused(Locked, day.teacher, type, {**day.sheet(), **ON_A_SHEET[type]})
        assert error.current == register


@pytest.mark.parametrize("by", ["office", "head", "admin"])
async def test_the_office_changes_a_taken_register_and_it_stays_taken(day: SchoolDay, by: str) -> None:
    await day.mark(day.teacher, "p1", "P")
    register = await day.take()
    await day.mark(getattr(day, by), "p1", "A")
    await day.mark_all("P", by=by)
    await day.core.act(getattr(day, by), "attendance.clear", {**day.sheet(), "student_id": "p1"})
    assert await day.records_of_day("register", TODAY) == [register]
    await day.check_figures(TODAY)


async def test_the_other_registers_of_the_class_stay_open(day: SchoolDay) -> None:
    await day.take()
    await day.mark(day.teacher, "p1", "P", period="2")
    await day.mark(day.teacher, "p1", "P", date="2026-02-27")
    await day.check_figures(TODAY, "2026-02-27")


async def test_taking_a_register_keeps_who_when_and_how_many_are_unmarked(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await day.mark(day.teacher, "p2", "P")
    await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p2"})
    day.core.clock.move(minutes=5)
    register = await day.take()
    assert register == {
        "kind": "register",
        "id": register["id"],
        "seq": register["seq"],
        "school_id": "s1",
        "class_id": "c1",
        "date": TODAY,
        "period": "1",
        "state": "taken",
        "taken_by": "teacher",
        "taken_by_name": "Tess Teacher",
        "taken_at": "2026-03-02T08:35:00.000Z",
        "unmarked": 2,
    }
    assert (await day.summary())["registers"] == {"open": 0, "taken": 1}


async def test_a_register_without_marks_is_taken_with_everybody_unmarked(day: SchoolDay) -> None:
    assert (await day.take())["unmarked"] == 3
    assert (await day.tally())["counts"] == {}
    assert (await day.summary())["registers"] == {"open": 0, "taken": 1}
    await day.check_figures(TODAY)


async def test_the_unmarked_leave_out_who_cannot_be_marked(day: SchoolDay) -> None:
    await day.core.act(day.office, "student.archive", {"student_id": "p1"})
    await day.core.act(
        day.office, "enrolment.end", {"class_id": "c1", "student_id": "p2", "to": "2026-03-01"}
    )
    assert (await day.take())["unmarked"] == 1


@pytest.mark.parametrize("by", ["teacher", "office"])
async def test_taking_a_taken_register_is_a_conflict_with_who_took_it(day: SchoolDay, by: str) -> None:
    register = await day.take()
    error = await day.core.refused(Conflict, getattr(day, by), "attendance.take", day.sheet())
    assert error.current == register


async def test_reopening_gives_the_register_back_to_the_teachers(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await day.take()
    register = one(await day.core.act(day.office, "attendance.reopen", day.sheet()))
    who_and_when = ("taken_by", "taken_by_name", "taken_at", "unmarked")
    assert [register[name] for name in ("state", *who_and_when)] == ["open", None, None, None, None]
    assert (await day.summary())["registers"] == {"open": 1, "taken": 0}
    await day.mark(day.teacher, "p1", "A")
    assert (await day.take())["state"] == "taken"
    await day.check_figures(TODAY)


async def test_reopening_an_open_register_is_a_conflict(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    error = await day.core.refused(Conflict, day.office, "attendance.reopen", day.sheet())
    assert error.current == (await day.records_of_day("register", TODAY))[0]


async def test_a_register_that_was_not_started_cannot_be_reopened(day: SchoolDay) -> None:
    await day.core.refused(NotFound, day.office, "attendance.reopen", day.sheet())
