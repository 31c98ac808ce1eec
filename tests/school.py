"""A small school made through actions: one class of three, and the people around it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from models.action import Ack
from models.actor import Actor
from tests.kit import CoreKit

TODAY = "2026-03-02"
"""The date of the tests' clock, in UTC."""

PERIODS = [
    {"id": "1", "name": "First", "start": "08:00", "end": "08:45"},
    {"id": "2", "name": "Second", "start": "09:00", "end": "09:45"},
]


@dataclass(frozen=True)
class School:
    """The school `s1` in UTC with the class `s1-c1` and its students `s1-c1-p1` to `-p3`."""

    admin: Actor
    head: Actor
    office: Actor
    viewer: Actor
    teacher: Actor
    stranger: Actor


async def make_school(core: CoreKit, school_id: str = "s1") -> School:
    """Make the school; ids begin with `school_id`."""
    roles = {
        "admin": [("admin", "org")],
        "head": [("school_admin", f"school:{school_id}")],
        "office": [("office", f"school:{school_id}")],
        "viewer": [("viewer", f"school:{school_id}")],
        "teacher": [("teacher", f"class:{school_id}-c1")],
        "stranger": [],
    }
    actors = await asyncio.gather(
        *(
            core.actor(f"u-{school_id}-{who}", roles=theirs, name=who.capitalize())
            for who, theirs in roles.items()
        )
    )
    school = School(**dict(zip(roles, actors, strict=True)))
    place = {"school_id": school_id, "name": "Hill School", "time_zone": "UTC", "code_set": "simple"}
    await core.act(school.admin, "school.create", {**place, "periods": PERIODS})
    await core.act(
        school.admin, "class.create", {"school_id": school_id, "class_id": f"{school_id}-c1", "name": "1A"}
    )
    students: list[tuple[str, dict[str, Any]]] = []
    enrolments: list[tuple[str, dict[str, Any]]] = []
    for n, name in enumerate(("Ada", "Grace", "Alan"), 1):
        student = {"student_id": f"{school_id}-c1-p{n}"}
        names = {"given_name": name, "family_name": f"Test{n}"}
        students.append(("student.create", {"school_id": school_id, **student, **names}))
        enrolments.append(
            ("enrolment.create", {"class_id": f"{school_id}-c1", **student, "from": "2025-09-01"})
        )
    for outcome in await core.act_all(school.admin, students) + await core.act_all(school.admin, enrolments):
        assert isinstance(outcome, Ack), outcome
    return school


def marking(student: int = 1, code: str = "P", *, school_id: str = "s1", **more: Any) -> dict[str, Any]:
    """The payload of an `attendance.mark` for one of the class's students, today in the first period."""
    return {
        "class_id": f"{school_id}-c1",
        "date": TODAY,
        "period": "1",
        "student_id": f"{school_id}-c1-p{student}",
        "code": code,
        **more,
    }
