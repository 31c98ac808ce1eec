"""Who may act on marks and registers, and whose mark comes first."""

from __future__ import annotations

import pytest

from models.errors import Conflict, Forbidden, NotFound
from tests.handlers.school_day import ON_A_SHEET, TODAY, SchoolDay, open_school
from tests.kit import CoreKit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


every_action = pytest.mark.parametrize("type", list(ON_A_SHEET))


@pytest.mark.parametrize("by", ["office", "head", "admin"])
async def test_office_rights_give_the_source_office(day: SchoolDay, by: str) -> None:
    assert (await day.mark(getattr(day, by), "p1", "P"))["source"] == "office"


async def test_who_is_teacher_and_office_marks_as_the_office(day: SchoolDay) -> None:
    both = await day.core.actor("both", roles=[("teacher", "class:c1"), ("office", "school:s1")])
    assert (await day.mark(both, "p1", "P"))["source"] == "office"
    await day.take()
    assert (await day.mark(both, "p2", "P", date="2025-09-01"))["source"] == "office"
    assert (await day.mark(both, "p1", "A"))["code"] == "A"


async def test_the_office_of_another_school_is_a_teacher_here(day: SchoolDay) -> None:
    both = await day.core.actor("both", roles=[("teacher", "class:c1"), ("office", "school:s2")])
    assert (await day.mark(both, "p1", "P"))["source"] == "teacher"


async def test_a_teacher_does_not_overwrite_or_clear_an_office_mark(day: SchoolDay) -> None:
    mark = await day.mark(day.office, "p1", "E")
    payload = {**day.sheet(), "student_id": "p1"}
    for type, more in (("attendance.mark", {"code": "P"}), ("attendance.clear", {})):
        error = await day.core.refused(Conflict, day.teacher, type, {**payload, **more})
        assert error.current == mark
        assert "set by the office" in error.message


async def test_a_teacher_does_not_overwrite_or_clear_a_planned_mark(day: SchoolDay) -> None:
    mark = await day.planned("p1")
    payload = {**day.sheet(), "student_id": "p1"}
    for type, more in (("attendance.mark", {"code": "P"}), ("attendance.clear", {})):
        error = await day.core.refused(Conflict, day.teacher, type, {**payload, **more})
        assert error.current == mark
        assert "planned" in error.message


async def test_the_office_changes_every_mark(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "A")
    assert (await day.mark(day.office, "p1", "P"))["code"] == "P"
    await day.planned("p2")
    assert (await day.mark(day.head, "p2", "P"))["code"] == "P"
    assert (await day.mark(day.office, "p2", "A"))["code"] == "A"
    await day.check_figures(TODAY)


async def test_two_teachers_change_each_others_marks(day: SchoolDay) -> None:
    other = await day.core.actor("other", roles=[("teacher", "class:c1")])
    await day.mark(day.teacher, "p1", "A")
    assert (await day.mark(other, "p1", "P"))["by"] == "other"


async def test_what_the_office_has_cleared_a_teacher_may_set(day: SchoolDay) -> None:
    await day.mark(day.office, "p1", "E")
    await day.core.act(day.office, "attendance.clear", {**day.sheet(), "student_id": "p1"})
    assert (await day.mark(day.teacher, "p1", "P"))["source"] == "teacher"
    await day.check_figures(TODAY)


ALLOWED = {
    "attendance.mark": {"admin", "school_admin", "office", "teacher"},
    "attendance.mark_all": {"admin", "school_admin", "office", "teacher"},
    "attendance.clear": {"admin", "school_admin", "office", "teacher"},
    "attendance.take": {"admin", "school_admin", "office", "teacher"},
    "attendance.reopen": {"admin", "school_admin", "office"},
}
SCOPES = {"admin": "org", "teacher": "class:c1", "lead": "team:t1", "member": "team:t1"}


@every_action
@pytest.mark.parametrize("role", ["admin", "school_admin", "office", "teacher", "viewer", "lead", "member"])
async def test_each_role_may_do_what_the_table_says(day: SchoolDay, type: str, role: str) -> None:
    actor = await day.core.actor("someone", roles=[(role, SCOPES.get(role, "school:s1"))])
    if type in ("attendance.clear", "attendance.reopen"):
        await day.mark(day.teacher, "p1", "P")
    if type == "attendance.reopen":
        await day.take()
    payload = {**day.sheet(), **ON_A_SHEET[type]}
    if role in ALLOWED[type]:
        await day.core.act(actor, type, payload)
    else:
        await day.core.refused(Forbidden, actor, type, payload)


@every_action
@pytest.mark.parametrize(
    "roles",
    [[("teacher", "class:c2")], [("office", "school:s2")], [("school_admin", "school:s2")], []],
    ids=["other class", "other office", "other head", "nobody"],
)
async def test_nobody_acts_outside_their_scopes(
    day: SchoolDay, type: str, roles: list[tuple[str, str]]
) -> None:
    await day.mark(day.teacher, "p1", "P")
    stranger = await day.core.actor("stranger", roles=roles)
    await day.core.refused(Forbidden, stranger, type, {**day.sheet(), **ON_A_SHEET[type]})


async def test_an_unknown_class_is_not_found_only_for_who_reads_a_school(day: SchoolDay) -> None:
    payload = {**day.sheet(class_id="c9"), "student_id": "p1", "code": "P"}
    await day.core.refused(NotFound, day.office, "attendance.mark", payload)
    await day.core.refused(Forbidden, day.teacher, "attendance.mark", payload)
