"""Planned absences of a demo school, made by actions of its office, each with an op_id of its own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from app.demo.actions import act
from app.demo.plan import Size
from handlers.core import Core
from models.absence import school_days
from models.action import Ack
from models.actor import Actor
from models.school import DAYS


class DemoAbsence(NamedTuple):
    """An absence of some students of a class, all by number. `first` and `last`: which of the school days
    after today, 0 the first: today has no marks yet, as the README says.
    """

    class_number: int
    students: tuple[int, ...]
    first: int
    last: int
    code: str
    reason: str
    periods: tuple[str, ...] | None = None


ABSENCES = (
    DemoAbsence(1, (7,), 0, 2, "E", "Family celebration"),
    DemoAbsence(1, (12,), 0, 0, "E", "Dentist", ("1", "2")),
    DemoAbsence(2, (3, 4, 5, 6), 1, 1, "O", "Regional chess finals"),
)


async def plan_absences(core: Core, school_id: str, size: Size, today: date) -> int:
    """Plan the school's absences as far as they never were; how many actions that took. StorageLost, and
    RollcallError where something that somebody has changed is in the way.
    """
    days = school_days(DAYS, str(today + timedelta(days=1)), str(today + timedelta(weeks=1)))
    office = f"u-{school_id}-office"
    acks: list[Ack] = []
    for number, absence in enumerate(ABSENCES, 1):
        students = [place for place in absence.students if place <= size.students]
        if absence.class_number not in size.class_numbers or not students:
            continue
        payload = {
            "student_ids": [f"{school_id}-c{absence.class_number}-p{place}" for place in students],
            "from": days[absence.first],
            "to": days[absence.last],
            "periods": None if absence.periods is None else list(absence.periods),
            "code": absence.code,
            "reason": absence.reason,
        }
        op_id = f"demo-{school_id}-absence-{number}"
        actor = Actor(office, office, ())
        acks.append(await act(core, "attendance.plan", payload, actor=actor, op_id=op_id))
    return sum(not ack.duplicate for ack in acks)
