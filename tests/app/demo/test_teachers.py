"""Simulated teachers take the registers of today, and leave alone what people have marked."""

from __future__ import annotations

import asyncio

from app.demo.plan import PERIODS
from app.demo.teachers import Teachers
from models.action import Action
from models.attendance import sheet_at
from models.query import query
from tests.app.demo.kit import SMALL, check_figures, load
from tests.kit import CoreKit
from tests.waiting import until


async def taken(core: CoreKit) -> int:
    registers = await core.storage.find(query("register", school_id="s1"))
    return sum(1 for register in registers if register["state"] == "taken")


async def test_they_take_every_register_of_today_one_mark_at_a_time(core: CoreKit) -> None:
    await load(core)
    async with Teachers(core.core, core.clock, pause=0.0).at_work():
        await until(lambda: _is_whole(core), limit=60)
    day = str(core.clock.now().date())
    marks = await core.storage.find(query("mark", room="school:s1", school_id="s1"))
    assert {mark["date"] for mark in marks} == {day}
    assert len(marks) == SMALL.classes * SMALL.students * len(PERIODS)
    await check_figures(core)


async def _is_whole(core: CoreKit) -> bool:
    return await taken(core) == SMALL.classes * len(PERIODS)


async def test_what_people_have_marked_stays(core: CoreKit) -> None:
    await load(core)
    teacher = await core.core.org.actor("u-s1-teacher1")
    where = {"class_id": "s1-c1", "date": str(core.clock.now().date()), "period": "1"}
    mark = {**where, "student_id": "s1-c1-p1", "code": "O", "note": "with the choir"}
    await core.core.dispatcher.run(Action("attendance.mark", mark, "op-1", teacher))
    await core.core.dispatcher.run(Action("attendance.take", {**where, "period": "2"}, "op-2", teacher))
    async with Teachers(core.core, core.clock, pause=0.0).at_work():
        await until(lambda: _is_whole(core), limit=60)
    first = await core.storage.find(sheet_at("s1", "s1-c1", where["date"], "1").marks)
    assert [m["note"] for m in first if m["student_id"] == "s1-c1-p1"] == ["with the choir"]
    assert await core.storage.find(sheet_at("s1", "s1-c1", where["date"], "2").marks) == []


async def test_they_stop_when_the_server_does(core: CoreKit) -> None:
    await load(core)
    async with Teachers(core.core, core.clock, pause=0.01).at_work():
        await until(lambda: _has_begun(core), limit=30)
    assert not [task for task in asyncio.all_tasks() if "simulated" in task.get_name()]


async def _has_begun(core: CoreKit) -> bool:
    return bool(await core.storage.find(query("mark", room="school:s1", school_id="s1")))
