"""Taking planned absences back: which days and periods are left, and which marks."""

from __future__ import annotations

from typing import Any

import pytest

from models.errors import Invalid, NotFound
from tests.handlers.absences import absences, marks, plan, planned_range, shape, unplan
from tests.handlers.school_day import TODAY, SchoolDay, open_school
from tests.kit import CoreKit

FRIDAY = "2026-03-06"
MONDAY = "2026-03-09"
WEEK = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_unplan_removes_an_absence_and_clears_its_marks(day: SchoolDay) -> None:
    [absence] = await plan(day, "p1", last="2026-03-03")
    assert await unplan(day, "p1", last=FRIDAY) == [
        {"kind": "absence", "id": absence["id"], "seq": absence["seq"] + 9, "deleted": True}
    ]
    assert await absences(day) == []
    for date in (TODAY, "2026-03-03"):
        assert set((await marks(day, date)).values()) == {(None, "office")}
    await day.check_figures(TODAY, "2026-03-03")
    history = [e.data["code"] for e in day.core.entries(day.room) if e.data["kind"] == "mark"]
    assert history == ["E"] * 4 + [None] * 4


@pytest.mark.parametrize(
    ("taken_back", "left"),
    [
        ({"first": TODAY, "last": "2026-03-03"}, [("2026-03-04", FRIDAY, None)]),
        ({"first": "2026-03-05", "last": MONDAY}, [(TODAY, "2026-03-04", None)]),
        (
            {"first": "2026-03-04", "last": "2026-03-04"},
            [(TODAY, "2026-03-03", None), ("2026-03-05", FRIDAY, None)],
        ),
        ({"first": TODAY, "last": FRIDAY, "periods": ["1"]}, [(TODAY, FRIDAY, ["2"])]),
        (
            {"first": FRIDAY, "last": FRIDAY, "periods": ["1"]},
            [(TODAY, "2026-03-05", None), (FRIDAY, FRIDAY, ["2"])],
        ),
    ],
)
async def test_unplan_cuts_what_goes_beyond_its_days_and_periods(
    day: SchoolDay, taken_back: dict[str, Any], left: list[tuple[str, str, list[str] | None]]
) -> None:
    [absence] = await plan(day, "p1", last=FRIDAY)
    await unplan(day, "p1", **taken_back)
    found = await absences(day)
    assert shape(found) == [("p1", *one_part) for one_part in left]
    assert absence["id"] in [part["id"] for part in found]
    for date in WEEK:
        planned = {period for (_, _, period), (code, _) in (await marks(day, date)).items() if code == "E"}
        assert planned == {
            period for first, last, periods in left if first <= date <= last for period in periods or "12"
        }
    await day.check_figures(*WEEK)


async def test_unplan_leaves_what_somebody_has_marked(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await plan(day, "p1", "p2")
    await day.mark(day.office, "p1", "A", period="2")
    await unplan(day, "p1")
    found = await marks(day)
    assert found["p1", "c1", "1"] == ("P", "teacher")
    assert found["p1", "c1", "2"] == ("A", "office")
    assert found["p2", "c1", "1"] == ("E", "planned")
    await day.check_figures(TODAY)


async def test_unplan_of_who_has_left_the_class_keeps_the_figures_right(day: SchoolDay) -> None:
    await plan(day, "p1", last=FRIDAY)
    await day.end("p1", "2026-03-03")
    await day.check_figures(*WEEK)
    await unplan(day, "p1", last=FRIDAY)
    await day.check_figures(*WEEK)


async def test_unplan_where_nothing_is_planned_is_refused(day: SchoolDay) -> None:
    await plan(day, "p1", periods=["1"])
    for nothing in (
        planned_range("p2"),
        planned_range("p1", first=FRIDAY, last=FRIDAY),
        planned_range("p1", periods=["2"]),
    ):
        await day.core.refused(NotFound, day.office, "attendance.unplan", nothing)


async def test_more_than_one_commit_takes_is_not_taken_back_at_once(
    day: SchoolDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.absence.MOST_LESSONS", 2_000)
    for student_id in ("p1", "p2", "p3"):
        await plan(day, student_id, last="2027-03-02")
    everybody = planned_range("p1", "p2", "p3", last="2027-03-02")
    error = await day.core.refused(Invalid, day.office, "attendance.unplan", everybody)
    assert "fewer students or a shorter range" in error.message
    await unplan(day, "p1", "p2", last="2027-03-02")
    assert shape(await absences(day)) == [("p3", TODAY, "2027-03-02", None)]
    await day.check_figures(TODAY, "2027-03-02")


async def test_a_period_that_the_school_no_longer_has_is_taken_back(day: SchoolDay) -> None:
    await plan(day, "p1", periods=["2"])
    [school] = [await day.core.storage.get("org", "school", "s1")]
    assert school is not None
    left = [period for period in school["periods"] if period["id"] != "2"]
    await day.core.act(day.head, "school.update", {"school_id": "s1", "set": {"periods": left}})
    await unplan(day, "p1", periods=["2"])
    assert await absences(day) == []
    assert (await marks(day))["p1", "c1", "2"] == (None, "office")
    error = await day.core.refused(
        NotFound, day.office, "attendance.unplan", planned_range("p1", periods=["none"])
    )
    assert error.message == "Nothing is planned for these students on these days."


async def test_no_planned_mark_is_left_of_a_period_that_the_school_has_given_up(day: SchoolDay) -> None:
    await plan(day, "p1")
    school = await day.core.storage.get("org", "school", "s1")
    assert school is not None
    left = [period for period in school["periods"] if period["id"] != "2"]
    await day.core.act(day.head, "school.update", {"school_id": "s1", "set": {"periods": left}})
    await plan(day, "p1", periods=["1"], code="O", reason="Choir")
    await unplan(day, "p1")
    assert await absences(day) == []
    assert {code for code, _ in (await marks(day)).values()} == {None}
    await day.check_figures(TODAY)
