"""Planned absences, as tests ask for them and look at them."""

from __future__ import annotations

from typing import Any

from models.action import Ack
from models.journal import Record
from models.query import query
from tests.handlers.school_day import TODAY, SchoolDay


def a_plan(*student_ids: str, first: str = TODAY, last: str = TODAY, **more: Any) -> dict[str, Any]:
    return {"student_ids": list(student_ids), "from": first, "to": last, "reason": "Trip", **more}


def planned_range(*student_ids: str, first: str = TODAY, last: str = TODAY, **more: Any) -> dict[str, Any]:
    return {"student_ids": list(student_ids), "from": first, "to": last, **more}


async def plan(day: SchoolDay, *student_ids: str, **changes: Any) -> list[Record]:
    """Plan an absence; the answer's records."""
    return many(await day.core.act(day.office, "attendance.plan", a_plan(*student_ids, **changes)))


async def unplan(day: SchoolDay, *student_ids: str, **changes: Any) -> list[Record]:
    return many(await day.core.act(day.office, "attendance.unplan", planned_range(*student_ids, **changes)))


def many(ack: Ack) -> list[Record]:
    assert isinstance(ack.data, list)
    return ack.data


async def absences(day: SchoolDay) -> list[Record]:
    return await day.core.storage.find(query("absence", school_id="s1", order=("to", "from")))


def shape(records: list[Record]) -> list[tuple[str, str, str, list[str] | None]]:
    """Whose, from when to when, in which periods."""
    return sorted((r["student_id"], r["from"], r["to"], r["periods"]) for r in records)


async def marks(day: SchoolDay, date: str = TODAY) -> dict[tuple[str, str, str], tuple[str | None, str]]:
    """Code and source of the day's marks, by student, class and period."""
    found = await day.records_of_day("mark", date)
    return {(m["student_id"], m["class_id"], m["period"]): (m["code"], m["source"]) for m in found}
