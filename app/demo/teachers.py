"""Simulated teachers and offices: they take today's registers of the demo schools, so that boards move."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from app.demo.actions import act
from app.demo.history import demo_mark, teacher_of
from app.demo.plan import PERIODS
from handlers.core import Core
from models.attendance import TAKEN, Sheet, sheet_at
from models.errors import RollcallError
from models.journal import Record
from models.ports import Clock, StorageLost
from models.query import query
from models.tally import students_on_roll

TOGETHER = 3
"""Registers of a school that are taken at the same time."""
PAUSE = 1.0
"""Seconds that a teacher takes for a student, on average."""
SEED = 1

log = logging.getLogger("rollcall.demo")


class Teachers:
    """Those of all demo schools (ids and codes are the demo's).

    What is marked already stays as it is, a register that is taken stays taken; only late arrivals change
    what these teachers have marked themselves. `pause`: seconds for a student.
    """

    def __init__(self, core: Core, clock: Clock, pause: float = PAUSE) -> None:
        self._core = core
        self._clock = clock
        self._pause = pause
        self._chance = Random(SEED)  # noqa: S311 - needs no secrecy

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """They work as long as the context lasts."""
        work = asyncio.create_task(self._work(), name="simulated teachers")
        try:
            yield
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    async def _work(self) -> None:
        schools = await self._core.storage.find(query("school", room="org", order=("name",)))
        async with asyncio.TaskGroup() as group:
            for school in schools:
                group.create_task(self._keep_school(school["id"]))

    async def _keep_school(self, school_id: str) -> None:
        """Go on for ever; after what goes wrong, from the beginning."""
        while True:
            try:
                await self._one_day(school_id)
            except (StorageLost, RollcallError) as trouble:
                log.warning("simulated teachers of %s pause: %s", school_id, trouble)
            except Exception:
                log.exception("simulated teachers of %s", school_id)
            await asyncio.sleep(10 * self._pause)

    async def _one_day(self, school_id: str) -> None:
        """Take the registers that are left of today, then let students arrive late until the day is over."""
        school = await self._core.org.get("school", school_id)
        if school is None or school["archived"]:
            return
        now = self._clock.now().astimezone(ZoneInfo(school["time_zone"]))
        day = str(now.date())
        room = f"school:{school_id}"
        classes = await self._core.storage.find(query("class", room=room, order=("name",)))
        sheets = [
            sheet_at(school_id, one["id"], day, period)
            for period in _from_now_on(school["periods"], now)
            for one in self._chance.sample(classes, len(classes))
        ]
        waiting = iter(sheets)
        await asyncio.gather(*(self._take_registers(waiting) for _ in range(TOGETHER)))
        if sheets:
            await self._late_arrival(self._chance.choice(sheets))

    async def _take_registers(self, sheets: Iterator[Sheet]) -> None:
        for sheet in sheets:
            await self._take_register(sheet)

    async def _take_register(self, sheet: Sheet) -> None:
        """Mark everybody who is not, one after the other, and take the register."""
        room, teacher = f"school:{sheet.school_id}", teacher_of(sheet)
        if (user := await self._core.org.get("user", teacher)) is None or user["disabled"]:
            return
        register = await self._core.storage.get(room, "register", sheet.register_id)
        if register is not None and register["state"] == TAKEN:
            return
        actor = await self._core.org.actor(teacher)
        where = {"class_id": sheet.class_id, "date": sheet.date, "period": sheet.period}
        enrolments = await self._core.storage.find(query("enrolment", class_id=sheet.class_id))
        marked = {mark["student_id"] for mark in await self._core.storage.find(sheet.marks)}
        for student_id in sorted(students_on_roll(enrolments, sheet.date) - marked):
            await asyncio.sleep(self._pause * self._chance.uniform(0.2, 1.8))
            mark = demo_mark(SEED, sheet, student_id)
            said = {"code": mark.code, "minutes_late": mark.minutes_late, "note": mark.note}
            # A student who has left meanwhile, or a register that somebody has taken: on to the next.
            with suppress(RollcallError):
                await act(
                    self._core, "attendance.mark", {**where, "student_id": student_id, **said}, actor=actor
                )
        with suppress(RollcallError):
            await act(self._core, "attendance.take", where, actor=actor)

    async def _late_arrival(self, sheet: Sheet) -> None:
        """The office hears of somebody who has come after all."""
        marks = await self._core.storage.find(sheet.marks)
        absent = [mark for mark in marks if mark["code"] == "A" and mark["source"] == "teacher"]
        if not absent or await self._core.org.get("user", f"u-{sheet.school_id}-office") is None:
            return
        actor = await self._core.org.actor(f"u-{sheet.school_id}-office")
        late = {"code": "L", "minutes_late": self._chance.randint(5, 40)}
        fields = ("class_id", "date", "period", "student_id")
        mark = self._chance.choice(absent)
        await act(
            self._core, "attendance.mark", {**{field: mark[field] for field in fields}, **late}, actor=actor
        )


def _from_now_on(periods: Sequence[Record], now: datetime) -> list[str]:
    """The ids of a day's periods that the demo knows, those that are not over first."""
    known = {period["id"] for period in PERIODS}
    ids = [period["id"] for period in periods if period["id"] in known]
    over = sum(1 for period in periods if period["id"] in known and period["end"] <= f"{now:%H:%M}")
    return [*ids[over:], *ids[:over]]
