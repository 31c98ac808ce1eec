"""A small school to mark in, and a recount of its figures that shares no code with what keeps them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.action import Ack
from models.actor import Actor
from models.journal import ORG, Record
from models.query import query
from models.school import class_record, school_record
from models.student import enrolment_record, student_in_class, student_record
from tests.kit import CoreKit

TODAY = "2026-03-02"
PERIODS = [
    {"id": "1", "name": "First", "start": "09:00", "end": "10:00"},
    {"id": "2", "name": "Second", "start": "10:00", "end": "11:00"},
]

ON_A_SHEET: dict[str, dict[str, str]] = {
    "attendance.mark": {"student_id": "p1", "code": "P"},
    "attendance.mark_all": {"code": "P"},
    "attendance.clear": {"student_id": "p1"},
    "attendance.take": {},
    "attendance.reopen": {},
}
"""Every action on a sheet, with what its payload needs besides the sheet."""


@dataclass
class SchoolDay:
    """School s1: class c1 with p1 to p3, class c2 with p3 and p4; a teacher of c1, and the office."""

    core: CoreKit
    teacher: Actor
    office: Actor
    head: Actor
    admin: Actor
    room: str = "school:s1"

    async def mark(self, actor: Actor, student_id: str, code: str, **changes: Any) -> Record:
        """Mark a student in class c1, period 1, today, unless told otherwise; the mark."""
        payload = {**self.sheet(), "student_id": student_id, "code": code, **changes}
        return one(await self.core.act(actor, "attendance.mark", payload))

    async def mark_all(
        self, code: str, *, by: str = "teacher", spared: Sequence[str] = (), **changes: Any
    ) -> list[Record]:
        """Mark class c1; the marks that were set."""
        payload = {**self.sheet(), "code": code, "except": list(spared), **changes}
        ack = await self.core.act(getattr(self, by), "attendance.mark_all", payload)
        assert isinstance(ack.data, list)
        return ack.data

    async def planned(self, student_id: str, code: str = "E") -> Record:
        """A mark as a planned absence leaves it."""
        mark = await self.mark(self.office, student_id, code)
        return await self.core.put(self.room, {**mark, "source": "planned"})

    async def take(self) -> Record:
        """The teacher takes the register; the register."""
        return one(await self.core.act(self.teacher, "attendance.take", self.sheet()))

    async def enrol(self, student_id: str, first: str, last: str | None = None, *, into: str = "c1") -> None:
        payload = {"class_id": into, "student_id": student_id, "from": first, "to": last}
        await self.core.act(self.office, "enrolment.create", payload)

    async def end(self, student_id: str, last: str, *, of: str = "c1") -> None:
        payload = {"class_id": of, "student_id": student_id, "to": last}
        await self.core.act(self.office, "enrolment.end", payload)

    def sheet(self, **changes: Any) -> dict[str, Any]:
        """The payload fields of class c1, period 1, today."""
        return {"class_id": "c1", "date": TODAY, "period": "1", **changes}

    async def tally(self, class_id: str = "c1", day: str = TODAY, period: str = "1") -> Record:
        tallies = [
            tally
            for tally in await self.records_of_day("tally", day)
            if (tally["class_id"], tally["period"]) == (class_id, period)
        ]
        assert len(tallies) == 1
        return tallies[0]

    async def summary(self, day: str = TODAY) -> Record:
        summaries = await self.records_of_day("summary", day)
        assert len(summaries) == 1
        return summaries[0]

    async def records_of_day(self, kind: str, day: str) -> list[Record]:
        return await self.core.storage.find(query(kind, school_id="s1", date=day))

    async def check_figures(self, *days: str) -> None:
        """Assert that the tallies and summaries of the days are what a recount gives."""
        for day in days:
            await self._check_day(day)

    async def _check_day(self, day: str) -> None:
        enrolments = await self.core.storage.find(query("enrolment", room=self.room, order=("class_id",)))
        covering = [e for e in enrolments if e["from"] <= day and (e["to"] is None or day <= e["to"])]
        roll = {(e["class_id"], e["student_id"]) for e in covering}
        marks = await self.records_of_day("mark", day)
        counted = [m for m in marks if m["code"] is not None and (m["class_id"], m["student_id"]) in roll]
        registers = await self.records_of_day("register", day)
        tallies = await self.records_of_day("tally", day)
        summaries = await self.records_of_day("summary", day)
        assert len(summaries) == (1 if registers else 0)
        assert {_place(r) for r in registers} <= {_place(t) for t in tallies}
        assert {_place(m) for m in marks} <= {_place(t) for t in tallies}
        set_by_somebody = {_place(m) for m in marks if m["source"] != "planned" and m["code"] is not None}
        assert set_by_somebody <= {_place(r) for r in registers}
        for tally in tallies:
            own = Counter(m["code"] for m in counted if _place(m) == _place(tally))
            assert tally["counts"] == dict(own)
            assert tally["on_roll"] == sum(class_id == tally["class_id"] for class_id, _ in roll)
        for summary in summaries:
            begun = {_place(r) for r in registers}
            assert summary["counts"] == dict(Counter(m["code"] for m in counted if _place(m) in begun))
            assert summary["on_roll"] == len({student_id for _, student_id in roll})
            states = Counter(r["state"] for r in registers)
            assert summary["registers"] == {"open": states["open"], "taken": states["taken"]}


def _place(record: Record) -> tuple[str, str, str]:
    return (record["class_id"], record["date"], record["period"])


def one(ack: Ack) -> Record:
    """The one record that an action is about."""
    assert isinstance(ack.data, dict)
    return ack.data


async def open_school(
    core: CoreKit, *, time_zone: str = "UTC", code_set: str = "simple", mark_days_back: int = 7
) -> SchoolDay:
    """The school, with everybody on roll since September."""
    room = "school:s1"
    school = school_record(
        "s1",
        name="One",
        time_zone=time_zone,
        code_set=code_set,
        periods=PERIODS,
        mark_days_back=mark_days_back,
    )
    classes = {"c1": ["p1", "p2", "p3"], "c2": ["p3", "p4"]}
    records = [class_record(class_id, "s1", f"Class {class_id}") for class_id in classes]
    for student_id, family_name in {"p1": "Zhu", "p2": "Ångström", "p3": "Moreau", "p4": "Bauer"}.items():
        student = student_record(student_id, "s1", given_name="Kim", family_name=family_name)
        for class_id, students in classes.items():
            if student_id in students:
                student = student_in_class(student, class_id)
                records.append(enrolment_record("s1", class_id, student_id, "2025-09-01", None))
        records.append(student)
    await asyncio.gather(core.put(ORG, school), *(core.put(room, record) for record in records))
    teacher, office, head, admin = await asyncio.gather(
        core.actor("teacher", roles=[("teacher", "class:c1")], name="Tess Teacher"),
        core.actor("office", roles=[("office", "school:s1")], name="Olga Office"),
        core.actor("head", roles=[("school_admin", "school:s1")], name="Hilda Head"),
        core.actor("admin", roles=[("admin", "org")], name="Ada Admin"),
    )
    # The copy of the school arrives in its room by itself; no test is to take its commit for one of its own.
    await core.check()
    return SchoolDay(core, teacher, office, head, admin)
