"""The same action sent twice, and conditions on what is there."""

from __future__ import annotations

import pytest

from models.errors import Conflict, Invalid
from tests.handlers.school_day import TODAY, SchoolDay, open_school
from tests.kit import CoreKit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_the_same_op_id_has_one_effect_and_one_answer(day: SchoolDay) -> None:
    payload = {**day.sheet(), "student_id": "p1", "code": "P"}
    first = await day.core.act(day.teacher, "attendance.mark", payload, op_id="op")
    await day.mark(day.teacher, "p1", "A")
    again = await day.core.act(day.teacher, "attendance.mark", payload, op_id="op")
    assert (again.data, again.seq, again.duplicate) == (first.data, first.seq, True)
    assert (await day.tally())["counts"] == {"A": 1}


async def test_mark_all_sent_again_answers_its_own_marks_only(day: SchoolDay) -> None:
    payload = {**day.sheet(), "code": "P", "except": ["p3"]}
    first = await day.core.act(day.teacher, "attendance.mark_all", payload, op_id="op")
    again = await day.core.act(day.teacher, "attendance.mark_all", payload, op_id="op")
    assert (again.data, again.seq, again.duplicate) == (first.data, first.seq, True)
    assert isinstance(again.data, list)
    assert [mark["student_id"] for mark in again.data] == ["p1", "p2"]


async def test_taking_sent_again_answers_as_before(day: SchoolDay) -> None:
    first = await day.core.act(day.teacher, "attendance.take", day.sheet(), op_id="op")
    again = await day.core.act(day.teacher, "attendance.take", day.sheet(), op_id="op")
    assert (again.data, again.duplicate) == (first.data, True)


async def test_if_seq_is_about_the_mark(day: SchoolDay) -> None:
    payload = {**day.sheet(), "student_id": "p1", "code": "P"}
    ack = await day.core.act(day.teacher, "attendance.mark", payload, if_seq=0)
    error = await day.core.refused(Conflict, day.teacher, "attendance.mark", payload, if_seq=0)
    assert error.current == ack.data
    clear = {**day.sheet(), "student_id": "p1"}
    await day.core.act(day.teacher, "attendance.clear", clear, if_seq=ack.seq)


async def test_if_seq_of_taking_is_about_the_register(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    (register,) = await day.records_of_day("register", TODAY)
    await day.core.refused(Conflict, day.teacher, "attendance.take", day.sheet(), if_seq=0)
    ack = await day.core.act(day.teacher, "attendance.take", day.sheet(), if_seq=register["seq"])
    await day.core.act(day.office, "attendance.reopen", day.sheet(), if_seq=ack.seq)


async def test_if_seq_says_nothing_about_many_marks(day: SchoolDay) -> None:
    payload = {**day.sheet(), "code": "P"}
    await day.core.refused(Invalid, day.teacher, "attendance.mark_all", payload, if_seq=0)
