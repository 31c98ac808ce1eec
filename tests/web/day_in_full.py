"""A day at the demo's schools while the second lesson goes on, as pictures show it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from app.demo.history import demo_mark
from models.attendance import sheet_at
from tests.web.page import Server, today

SHOWN = "s1-c3"
"""The class whose register is shown."""

ODD = ((1, {"code": "L", "minutes_late": 12}), (3, {"code": "A"}))
"""What its teacher has said of students, by their places on the sheet."""

SEED = 1

PARTS = (1.0, 1.0, 0.7, 1.0, 1.0, 0.0, 1.0, 1.0, 0.4, 1.0, 1.0, 1.0, 1.0)
"""How much of the second lesson's register is done, class after class; a whole one is taken."""


def now() -> str:
    """In the second lesson, by the schools' clock."""
    return f"{today()}T10:12:00Z"


async def fill(server: Server, schools: int, classes: int, students: int) -> None:
    """Both lessons' registers; the second as far as the teachers have come."""
    server.set_clock(datetime.fromisoformat(now()) - datetime.now(UTC))
    parts = itertools.cycle(PARTS)
    for school, one in itertools.product(range(1, schools + 1), range(1, classes + 1)):
        class_id = f"s{school}-c{one}"
        actions = [*_register(class_id, "1", students, 1.0), *_register(class_id, "2", students, next(parts))]
        await server.act_all(f"teacher{one}@s{school}.demo.test", actions)

    place, teacher = {"class_id": SHOWN, "date": today(), "period": "2"}, "teacher3@s1.demo.test"
    sheet = await server.get(teacher, f"/api/classes/{SHOWN}/registers/{today()}/2")
    ids = [one["student"]["id"] for one in sheet["students"]]
    odd = [("attendance.mark", {**place, "student_id": ids[at], **mark}) for at, mark in ODD]
    await server.act_all(teacher, odd)


def _register(class_id: str, period: str, students: int, part: float) -> Iterator[tuple[str, dict[str, Any]]]:
    place = {"class_id": class_id, "date": today(), "period": period}
    sheet = sheet_at(class_id.partition("-")[0], class_id, today(), period)
    for number in range(1, round(students * part) + 1):
        student_id = f"{class_id}-p{number}"
        mark = demo_mark(SEED, sheet, student_id)
        details = {"minutes_late": mark.minutes_late, "note": mark.note}
        said = {name: value for name, value in details.items() if value is not None}
        yield "attendance.mark", {**place, "student_id": student_id, "code": mark.code, **said}
    if part == 1.0:
        yield "attendance.take", place
