"""Planned absences: what a plan sets, what it leaves, and how it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from models.absence import MOST_MARKS
from models.action import Ack
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.journal import ORG
from models.topic import parse_topic
from tests.handlers.absences import a_plan, absences, many, marks, plan, planned_range, shape, unplan
from tests.handlers.school_day import TODAY, SchoolDay, one, open_school
from tests.kit import CoreKit

FRIDAY = "2026-03-06"
MONDAY = "2026-03-09"
WEEKEND = [FRIDAY, "2026-03-07", "2026-03-08", MONDAY]
WEEK = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_a_plan_keeps_what_was_said_and_who_said_it(day: SchoolDay) -> None:
    [absence] = await plan(day, "p1", last=FRIDAY)
    assert absence == {
        "kind": "absence",
        "id": absence["id"],
        "seq": absence["seq"],
        "school_id": "s1",
        "student_id": "p1",
        "from": TODAY,
        "to": FRIDAY,
        "periods": None,
        "code": "E",
        "reason": "Trip",
        "by": "office",
        "by_name": "Olga Office",
        "at": "2026-03-02T08:30:00.000Z",
    }
    assert await absences(day) == [absence]


async def test_a_plan_marks_every_lesson_of_every_class_in_one_commit(day: SchoolDay) -> None:
    before = len(day.core.commits)
    await plan(day, "p3", "p4", first=TODAY, last="2026-03-03")
    [commit] = day.core.commits[before:]
    kinds = [entry.data["kind"] for entry in commit.entries]
    assert {kind: kinds.count(kind) for kind in kinds} == {"absence": 2, "mark": 12, "tally": 8}
    for date in (TODAY, "2026-03-03"):
        assert await marks(day, date) == {
            (student_id, class_id, period): ("E", "planned")
            for student_id, class_id in (("p3", "c1"), ("p3", "c2"), ("p4", "c2"))
            for period in ("1", "2")
        }
    [mark] = [m for m in await day.records_of_day("mark", TODAY) if m["class_id"] == "c1"][:1]
    assert (mark["note"], mark["by"], mark["minutes_late"]) == ("Trip", "office", None)
    await day.check_figures(TODAY, "2026-03-03")


async def test_planned_marks_start_no_register_and_count_in_the_summary_once_somebody_does(
    day: SchoolDay,
) -> None:
    await plan(day, "p1")
    assert (await day.tally())["counts"] == {"E": 1}
    assert await day.records_of_day("register", TODAY) == await day.records_of_day("summary", TODAY) == []
    await day.mark(day.teacher, "p2", "P")
    summary = await day.summary()
    assert (summary["counts"], summary["registers"]) == ({"E": 1, "P": 1}, {"open": 1, "taken": 0})
    await day.core.act(day.teacher, "attendance.take", day.sheet(period="2"))
    summary = await day.summary()
    assert (summary["counts"], summary["registers"]) == ({"E": 2, "P": 1}, {"open": 1, "taken": 1})
    await unplan(day, "p1", periods=["2"])
    assert (await day.summary())["counts"] == {"E": 1, "P": 1}
    await day.check_figures(TODAY)


async def test_who_comes_to_a_class_counts_in_the_summary_only_where_its_register_is_begun(
    day: SchoolDay,
) -> None:
    await plan(day, "p1")
    await day.mark(day.teacher, "p2", "P")
    await day.end("p1", "2026-03-01")
    assert (await day.summary())["counts"] == {"P": 1}
    await day.enrol("p1", TODAY)
    assert (await day.summary())["counts"] == {"E": 1, "P": 1}
    await day.check_figures(TODAY)


async def test_a_plan_reaches_a_year_ahead_at_most(day: SchoolDay) -> None:
    late = {"first": "2027-03-01", "last": "2027-03-04"}
    error = await day.core.refused(Invalid, day.office, "attendance.plan", a_plan("p1", **late))
    assert error.fields == {"to": ["must not be after 2027-03-03: a year ahead is enough"]}
    await plan(day, "p1", first="2027-03-01", last="2027-03-03")


async def test_a_plan_covers_school_days_only(day: SchoolDay) -> None:
    await plan(day, "p1", first=FRIDAY, last=MONDAY)
    assert [len(await marks(day, date)) for date in WEEKEND] == [
        2,
        0,
        0,
        2,
    ]


async def test_the_days_of_school_are_the_schools_own(day: SchoolDay) -> None:
    change = {"school_id": "s1", "set": {"days": [7, 1]}}
    assert one(await day.core.act(day.admin, "school.update", change))["days"] == [1, 7]
    await plan(day, "p1", first=FRIDAY, last=MONDAY)
    assert [len(await marks(day, date)) for date in WEEKEND] == [
        0,
        0,
        2,
        2,
    ]


async def test_a_school_of_an_earlier_release_has_school_from_monday_to_friday(day: SchoolDay) -> None:
    school = await day.core.storage.get(ORG, "school", "s1")
    assert school is not None
    await day.core.put(ORG, {name: value for name, value in school.items() if name != "days"})
    await plan(day, "p1", first=FRIDAY, last=MONDAY)
    assert [len(await marks(day, date)) for date in WEEKEND] == [
        2,
        0,
        0,
        2,
    ]
    named = one(await day.core.act(day.admin, "school.update", {"school_id": "s1", "set": {"name": "New"}}))
    assert named["days"] == [1, 2, 3, 4, 5]


async def test_a_plan_of_some_periods_marks_these_alone(day: SchoolDay) -> None:
    [absence] = await plan(day, "p1", periods=["2"])
    assert absence["periods"] == ["2"]
    assert await marks(day) == {("p1", "c1", "2"): ("E", "planned")}


async def test_all_periods_by_name_are_all_periods(day: SchoolDay) -> None:
    [absence] = await plan(day, "p1", periods=["2", "1", "2"])
    assert absence["periods"] is None


async def test_a_student_who_is_named_twice_is_planned_once(day: SchoolDay) -> None:
    assert shape(await plan(day, "p1", "p1")) == [("p1", TODAY, TODAY, None)]


async def test_only_the_days_on_roll_are_marked(day: SchoolDay) -> None:
    await day.end("p1", "2026-03-03")
    await plan(day, "p1", last=FRIDAY)
    assert [len(await marks(day, date)) for date in WEEK] == [2, 2, 0, 0, 0]
    await day.check_figures(*WEEK[:2])


async def test_an_archived_class_is_left_out(day: SchoolDay) -> None:
    await day.core.act(day.head, "class.archive", {"class_id": "c2"})
    await plan(day, "p3")
    assert {class_id for _, class_id, _ in await marks(day)} == {"c1"}


async def test_a_plan_leaves_marks_of_the_office_and_whom_a_teacher_has_seen(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "L")
    await day.mark(day.office, "p2", "P")
    await plan(day, "p1", "p2", "p3")
    found = await marks(day)
    assert found["p1", "c1", "1"] == ("L", "teacher")
    assert found["p2", "c1", "1"] == ("P", "office")
    assert found["p3", "c1", "1"] == found["p1", "c1", "2"] == ("E", "planned")
    assert len(await absences(day)) == 3
    await day.check_figures(TODAY)


async def test_a_plan_explains_an_absence_that_a_teacher_has_marked(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "A")
    await plan(day, "p1")
    assert (await marks(day))["p1", "c1", "1"] == ("E", "planned")
    assert (await day.summary())["counts"] == {"E": 1}
    await day.check_figures(TODAY)


@pytest.mark.parametrize("source", ["self", "import"])
async def test_a_plan_replaces_marks_of_weaker_sources(day: SchoolDay, source: str) -> None:
    mark = await day.mark(day.teacher, "p1", "A")
    await day.core.put(day.room, {**mark, "source": source})
    await plan(day, "p1")
    assert (await marks(day))["p1", "c1", "1"] == ("E", "planned")
    await day.check_figures(TODAY)


async def test_the_office_marks_who_came_after_all(day: SchoolDay) -> None:
    await plan(day, "p1")
    assert (await day.mark(day.office, "p1", "P"))["source"] == "office"
    await day.check_figures(TODAY)


async def test_what_is_marked_over_a_plan_and_cleared_is_planned_again(day: SchoolDay) -> None:
    await plan(day, "p1")
    await day.mark(day.office, "p1", "P")
    about = {**day.sheet(), "student_id": "p1"}
    back = one(await day.core.act(day.office, "attendance.clear", about))
    assert (back["code"], back["source"], back["note"], back["by"]) == ("E", "planned", "Trip", "office")
    await day.check_figures(TODAY)
    cleared = one(await day.core.act(day.office, "attendance.clear", about))
    assert (cleared["code"], cleared["source"]) == (None, "office")
    await day.check_figures(TODAY)


async def test_a_mark_that_is_cleared_where_nothing_is_planned_stays_cleared(day: SchoolDay) -> None:
    await plan(day, "p1", periods=["2"])
    await day.mark(day.teacher, "p1", "P")
    about = {**day.sheet(), "student_id": "p1"}
    assert one(await day.core.act(day.teacher, "attendance.clear", about))["code"] is None


async def test_mark_all_spares_who_is_planned_to_be_away(day: SchoolDay) -> None:
    await plan(day, "p1")
    assert [mark["student_id"] for mark in await day.mark_all("P", overwrite=True)] == ["p2", "p3"]
    assert (await day.tally())["counts"] == {"E": 1, "P": 2}


async def test_a_new_plan_takes_the_place_of_the_one_before(day: SchoolDay) -> None:
    await plan(day, "p1", last=FRIDAY)
    await plan(day, "p1", first="2026-03-03", last="2026-03-04", periods=["1"], code="O", reason="Choir")
    assert shape(await absences(day)) == [
        ("p1", TODAY, TODAY, None),
        ("p1", "2026-03-03", "2026-03-04", ["1"]),
        ("p1", "2026-03-03", "2026-03-04", ["2"]),
        ("p1", "2026-03-05", FRIDAY, None),
    ]
    assert await marks(day, "2026-03-03") == {
        ("p1", "c1", "1"): ("O", "planned"),
        ("p1", "c1", "2"): ("E", "planned"),
    }
    await day.check_figures(*WEEK)


async def test_who_joins_a_class_is_planned_to_be_away_there_too(day: SchoolDay) -> None:
    await plan(day, "p1", last=FRIDAY)
    before = len(day.core.commits)
    await day.enrol("p1", "2026-03-03", "2026-03-04", into="c2")
    assert len(day.core.commits) == before + 1
    joined = [{class_id for _, class_id, _ in await marks(day, date)} for date in WEEK]
    assert joined == [{"c1"}, {"c1", "c2"}, {"c1", "c2"}, {"c1"}, {"c1"}]
    await day.check_figures(*WEEK)


async def test_plans_and_marks_of_one_batch_see_each_other(day: SchoolDay) -> None:
    about = {**day.sheet(), "student_id": "p1"}
    outcomes = await day.core.act_at_once(
        [
            (day.office, "attendance.plan", a_plan("p1", last=FRIDAY)),
            (day.office, "attendance.mark", {**about, "code": "P"}),
            (day.office, "attendance.plan", a_plan("p1", code="O")),
            (day.office, "attendance.clear", about),
            (day.office, "attendance.unplan", planned_range("p1", first="2026-03-03", last="2026-03-03")),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [Ack] * 5
    assert (await marks(day))["p1", "c1", "1"] == ("O", "planned")
    assert shape(await absences(day)) == [
        ("p1", TODAY, TODAY, None),
        ("p1", "2026-03-04", FRIDAY, None),
    ]
    await day.check_figures(*WEEK)


async def test_the_same_op_id_gets_the_same_absences_again(day: SchoolDay) -> None:
    first = await day.core.act(day.office, "attendance.plan", a_plan("p1", "p2"), op_id="once")
    await day.mark(day.office, "p1", "P")
    again = await day.core.act(day.office, "attendance.plan", a_plan("p1", "p2"), op_id="once")
    assert (again.data, again.duplicate) == (first.data, True)
    assert [absence["kind"] for absence in many(again)] == ["absence", "absence"]


async def test_england_excuses_by_leave_of_absence(core: CoreKit) -> None:
    day = await open_school(core, code_set="england")
    assert {absence["code"] for absence in await plan(day, "p1")} == {"C"}
    assert {absence["code"] for absence in await plan(day, "p2", code="V")} == {"V"}
    for here in ("/", "L", "U"):
        error = await day.core.refused(Invalid, day.office, "attendance.plan", a_plan("p1", code=here))
        assert list(error.fields or ()) == ["code"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "P"}, "code"),
        ({"code": "L"}, "code"),
        ({"code": "?"}, "code"),
        ({"periods": ["1", "9"]}, "periods.1"),
        ({"periods": []}, "periods"),
        ({"student_ids": []}, "student_ids"),
        ({"student_ids": ["p1", "p9"]}, "student_ids.1"),
        ({"to": "2026-03-01"}, "to"),
        ({"from": "2025-07-31"}, "from"),
        ({"from": "2026-03-07", "to": "2026-03-08"}, "to"),
        ({"to": "2027-03-03"}, "to"),
        ({"reason": " "}, "reason"),
    ],
)
async def test_what_cannot_be_planned_is_named(day: SchoolDay, changes: dict[str, Any], field: str) -> None:
    error = await day.core.refused(Invalid, day.office, "attendance.plan", {**a_plan("p1"), **changes})
    assert field in (error.fields or {})


async def test_a_plan_of_a_school_year_is_the_longest(day: SchoolDay) -> None:
    await plan(day, "p1", last="2027-03-02")
    await day.check_figures(TODAY, "2027-03-02")


async def test_more_marks_than_one_commit_takes_are_refused(day: SchoolDay) -> None:
    whole_year = a_plan("p1", "p2", "p3", "p4", last="2027-03-02")
    error = await day.core.refused(Invalid, day.office, "attendance.plan", whole_year)
    assert f"{MOST_MARKS:,} marks" in error.message
    assert "fewer students or a shorter range" in error.message


async def test_a_large_plan_is_told_by_one_resync(day: SchoolDay) -> None:
    before = len(day.core.commits)
    await plan(day, "p1", last=FRIDAY)
    await plan(day, "p3", last="2027-03-02")
    assert [commit.bulk for commit in day.core.commits[before:]] == [False, True]


async def test_who_is_archived_takes_no_plan_and_what_was_planned_is_taken_back(
    day: SchoolDay,
) -> None:
    await plan(day, "p1")
    await day.core.act(day.office, "student.archive", {"student_id": "p1"})
    error = await day.core.refused(Invalid, day.office, "attendance.plan", a_plan("p2", "p1"))
    assert list(error.fields or ()) == ["student_ids.1"]
    await unplan(day, "p1")
    await day.core.act(day.admin, "school.archive", {"school_id": "s1"})
    await day.core.refused(Invalid, day.office, "attendance.plan", a_plan("p2"))


async def test_who_has_no_role_in_the_school_learns_nothing_of_its_students(day: SchoolDay) -> None:
    stranger = await day.core.actor("stranger", roles=[("office", "school:s2")])
    there = await day.core.refused(NotFound, stranger, "attendance.plan", a_plan("p1"))
    not_there = await day.core.refused(NotFound, stranger, "attendance.plan", a_plan("p9"))
    assert there.message.replace("p1", "p9") == not_there.message
    await day.core.refused(NotFound, day.teacher, "attendance.plan", a_plan("p1"))
    viewer = await day.core.actor("viewer", roles=[("viewer", "school:s1")])
    await day.core.refused(Forbidden, viewer, "attendance.plan", a_plan("p1"))


async def test_a_teacher_still_does_not_change_an_office_mark_under_a_plan(day: SchoolDay) -> None:
    await plan(day, "p1")
    await day.mark(day.office, "p1", "A")
    payload = {**day.sheet(), "student_id": "p1", "code": "P"}
    await day.core.refused(Conflict, day.teacher, "attendance.mark", payload)


async def test_the_board_of_a_day_holds_the_absences_that_are_not_over(day: SchoolDay) -> None:
    await plan(day, "p1", last="2026-03-03")
    await plan(day, "p2", first=FRIDAY, last=MONDAY)
    for date, whose in ((TODAY, ["p1", "p2"]), ("2026-03-04", ["p2"]), ("2026-03-10", [])):
        snapshot = await day.core.core.snapshots.at_head(day.room, parse_topic(day.room), date)
        found = [record for record in snapshot.records if record["kind"] == "absence"]
        assert sorted(record["student_id"] for record in found) == whose
    of_class = await day.core.core.snapshots.at_head(day.room, parse_topic("class:c1"), TODAY)
    assert "absence" not in {record["kind"] for record in of_class.records}
