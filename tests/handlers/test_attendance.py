"""Setting and clearing one mark, through the dispatcher."""

from __future__ import annotations

import pytest

from models.action import Ack
from models.errors import Forbidden, Invalid, NotFound
from tests.handlers.school_day import TODAY, SchoolDay, one, open_school
from tests.kit import CoreKit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_a_teacher_marks_a_student(day: SchoolDay) -> None:
    mark = await day.mark(day.teacher, "p1", "L", minutes_late=5, note="Bus")
    assert mark == {
        "kind": "mark",
        "id": mark["id"],
        "seq": mark["seq"],
        "school_id": "s1",
        "class_id": "c1",
        "date": TODAY,
        "period": "1",
        "student_id": "p1",
        "code": "L",
        "minutes_late": 5,
        "note": "Bus",
        "source": "teacher",
        "by": "teacher",
        "by_name": "Tess Teacher",
        "at": "2026-03-02T08:30:00.000Z",
    }


async def test_the_first_mark_starts_register_tally_and_summary_in_its_commit(day: SchoolDay) -> None:
    before = len(day.core.commits)
    await day.mark(day.teacher, "p1", "P")
    (commit,) = day.core.commits[before:]
    kinds = [(entry.type, entry.data["kind"], entry.by, entry.op_id is None) for entry in commit.entries]
    assert kinds == [
        ("attendance.mark", "mark", "teacher", False),
        ("attendance.register", "register", None, True),
        ("attendance.tally", "tally", None, True),
        ("attendance.summary", "summary", None, True),
    ]
    assert (await day.records_of_day("register", TODAY))[0]["state"] == "open"
    assert (await day.tally())["counts"] == {"P": 1}
    assert (await day.tally())["on_roll"] == 3
    summary = await day.summary()
    assert (summary["counts"], summary["on_roll"], summary["registers"]) == (
        {"P": 1},
        4,
        {"open": 1, "taken": 0},
    )


async def test_a_later_mark_of_the_sheet_leaves_the_register_alone(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await day.mark(day.teacher, "p2", "A")
    kinds = [entry.data["kind"] for entry in day.core.commits[-1].entries]
    assert kinds == ["mark", "tally", "summary"]
    await day.check_figures(TODAY)


async def test_a_new_code_takes_the_old_one_out_of_the_figures(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "A")
    await day.mark(day.teacher, "p1", "L", minutes_late=10)
    assert (await day.tally())["counts"] == {"L": 1}
    assert (await day.summary())["counts"] == {"L": 1}


async def test_a_new_mark_replaces_minutes_and_note(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "L", minutes_late=5, note="Bus")
    mark = await day.mark(day.teacher, "p1", "P")
    assert (mark["minutes_late"], mark["note"]) == (None, None)


async def test_marking_the_same_again_is_accepted_and_moves_no_figure(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await day.mark(day.teacher, "p1", "P", note="Sure")
    assert [entry.data["kind"] for entry in day.core.commits[-1].entries] == ["mark"]
    await day.check_figures(TODAY)


async def test_an_empty_note_is_no_note(day: SchoolDay) -> None:
    assert (await day.mark(day.teacher, "p1", "P", note=""))["note"] is None


async def test_a_batch_of_marks_derives_each_figure_once(day: SchoolDay) -> None:
    before = len(day.core.commits)
    marks = [
        (day.teacher, "attendance.mark", {**day.sheet(), "student_id": student_id, "code": code})
        for student_id, code in [("p1", "P"), ("p2", "A"), ("p3", "P"), ("p1", "L"), ("p2", "P")]
    ]
    assert all(isinstance(ack, Ack) for ack in await day.core.act_at_once(marks))
    (commit,) = day.core.commits[before:]
    kinds = [entry.data["kind"] for entry in commit.entries]
    assert kinds == ["mark"] * 5 + ["register", "tally", "summary"]
    assert (await day.tally())["counts"] == {"P": 2, "L": 1}
    await day.check_figures(TODAY)


async def test_a_rejected_mark_of_a_batch_leaves_the_figures_of_the_others_right(day: SchoolDay) -> None:
    marks = [
        (day.teacher, "attendance.mark", {**day.sheet(), "student_id": student_id, "code": code})
        for student_id, code in [("p1", "P"), ("p4", "P"), ("p2", "?"), ("p3", "A")]
    ]
    outcomes = await day.core.act_at_once(marks)
    assert [type(outcome) for outcome in outcomes] == [Ack, Invalid, Invalid, Ack]
    assert (await day.tally())["counts"] == {"P": 1, "A": 1}
    await day.check_figures(TODAY)


async def test_a_student_in_two_classes_is_counted_in_both_and_is_once_on_roll(day: SchoolDay) -> None:
    await day.mark(day.office, "p3", "P")
    await day.mark(day.office, "p3", "A", class_id="c2")
    assert (await day.tally())["counts"] == {"P": 1}
    assert (await day.tally("c2"))["counts"] == {"A": 1}
    summary = await day.summary()
    assert (summary["counts"], summary["on_roll"]) == ({"P": 1, "A": 1}, 4)


@pytest.mark.parametrize("student_id", ["p4", "nobody", "c1"])
async def test_only_students_on_roll_are_marked(day: SchoolDay, student_id: str) -> None:
    payload = {**day.sheet(), "student_id": student_id, "code": "P"}
    error = await day.core.refused(Invalid, day.teacher, "attendance.mark", payload)
    assert error.fields == {"student_id": ["is not on roll in this class on 2026-03-02"]}


async def test_a_student_is_marked_from_their_first_to_their_last_day(day: SchoolDay) -> None:
    await day.core.act(
        day.office,
        "enrolment.create",
        {"class_id": "c1", "student_id": "p4", "from": "2026-02-25", "to": "2026-02-27"},
    )
    for date in ("2026-02-25", "2026-02-27"):
        await day.mark(day.teacher, "p4", "P", date=date)
    for date in ("2026-02-24", "2026-02-28"):
        payload = {**day.sheet(date=date), "student_id": "p4", "code": "P"}
        await day.core.refused(Invalid, day.teacher, "attendance.mark", payload)
    await day.check_figures("2026-02-25", "2026-02-27")


@pytest.mark.parametrize("kind", ["class", "student"])
async def test_an_archived_class_or_student_is_not_marked(day: SchoolDay, kind: str) -> None:
    id = {"class": "c1", "student": "p1"}[kind]
    await day.core.act(day.head, f"{kind}.archive", {f"{kind}_id": id})
    payload = {**day.sheet(), "student_id": "p1", "code": "P"}
    error = await day.core.refused(Invalid, day.teacher, "attendance.mark", payload)
    assert error.fields == {f"{kind}_id": [f"is archived: unarchive the {kind} first"]}


async def test_an_archived_school_is_not_marked(day: SchoolDay) -> None:
    await day.core.act(day.admin, "school.archive", {"school_id": "s1"})
    for type in ("mark_all", "take"):
        payload = {**day.sheet(), **({"code": "P"} if type == "mark_all" else {})}
        error = await day.core.refused(Invalid, day.office, f"attendance.{type}", payload)
        assert error.fields == {"class_id": ["belongs to an archived school: unarchive the school first"]}


async def test_a_code_outside_the_schools_set_is_refused_with_the_codes_there_are(day: SchoolDay) -> None:
    payload = {**day.sheet(), "student_id": "p1", "code": "/"}
    error = await day.core.refused(Invalid, day.teacher, "attendance.mark", payload)
    assert error.fields == {"code": ["must be one of the school's codes; you may use: P L A E O"]}


async def test_the_codes_of_the_office_are_forbidden_to_teachers(core: CoreKit) -> None:
    day = await open_school(core, code_set="england")
    payload = {**day.sheet(), "student_id": "p1", "code": "I"}
    error = await core.refused(Forbidden, day.teacher, "attendance.mark", payload)
    assert list(error.fields or {}) == ["code"]
    for type in ("attendance.mark", "attendance.mark_all"):
        payload = {**day.sheet(), "code": "#", **({"student_id": "p1"} if type == "attendance.mark" else {})}
        await core.refused(Forbidden, day.teacher, type, payload)
    assert (await day.mark(day.office, "p1", "I"))["code"] == "I"
    assert (await day.mark(day.teacher, "p2", "/"))["code"] == "/"
    assert (await day.mark(day.teacher, "p3", "\\"))["code"] == "\\"


async def test_minutes_late_need_a_code_for_being_late(day: SchoolDay) -> None:
    payload = {**day.sheet(), "student_id": "p1", "code": "P", "minutes_late": 5}
    error = await day.core.refused(Invalid, day.teacher, "attendance.mark", payload)
    assert list(error.fields or {}) == ["minutes_late"]
    assert (await day.mark(day.teacher, "p1", "L"))["minutes_late"] is None


async def test_clearing_takes_the_mark_out_of_the_figures_and_keeps_its_history(day: SchoolDay) -> None:
    first = await day.mark(day.teacher, "p1", "L", minutes_late=5, note="Bus")
    ack = await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p1"})
    cleared = one(ack)
    assert [cleared[name] for name in ("code", "minutes_late", "note", "by")] == [None, None, None, "teacher"]
    assert cleared["by_name"] == "Tess Teacher"
    assert cleared["id"] == first["id"]
    assert (await day.tally())["counts"] == {}
    history = await day.core.storage.read(day.room, after=0, limit=10, record=first["id"])
    assert [entry.data["code"] for entry in history] == ["L", None]
    await day.check_figures(TODAY)


async def test_there_is_nothing_to_clear_where_there_is_no_mark(day: SchoolDay) -> None:
    payload = {**day.sheet(), "student_id": "p1"}
    await day.core.refused(NotFound, day.teacher, "attendance.clear", payload)
    await day.mark(day.teacher, "p1", "P")
    await day.core.act(day.teacher, "attendance.clear", payload)
    await day.core.refused(NotFound, day.teacher, "attendance.clear", payload)


async def test_the_mark_of_a_student_who_is_no_longer_on_roll_can_be_cleared(day: SchoolDay) -> None:
    await day.mark_all("P")
    ending = {"class_id": "c1", "student_id": "p1", "to": "2026-03-01"}
    await day.core.act(day.office, "enrolment.end", ending)
    await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p1"})
    assert (await day.tally())["counts"] == {"P": 2}
    await day.check_figures(TODAY)
