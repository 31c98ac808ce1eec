"""A small school made through actions: one class of three, and the people around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    school = School(
        admin=await core.actor(f"u-{school_id}-admin", roles=[("admin", "org")], name="Admin"),
        head=await core.actor(
            f"u-{school_id}-head", roles=[("school_admin", f"school:{school_id}")], name="Head"
        ),
        office=await core.actor(
            f"u-{school_id}-office", roles=[("office", f"school:{school_id}")], name="Office"
        ),
        viewer=await core.actor(
            f"u-{school_id}-viewer", roles=[("viewer", f"school:{school_id}")], name="Viewer"
        ),
        teacher=await core.actor(
            f"u-{school_id}-teacher", roles=[("teacher", f"class:{school_id}-c1")], name="Teacher"
        ),
        stranger=await core.actor(f"u-{school_id}-stranger", name="Stranger"),
    )
    create: list[tuple[str, dict[str, Any]]] = [
        (
            "school.create",
            {
                "school_id": school_id,
                "name": "Hill School",
                "time_zone": "UTC",
                "code_set": "simple",
                "periods": PERIODS,
            },
        ),
        ("class.create", {"school_id": school_id, "class_id": f"{school_id}-c1", "name": "1A"}),
    ]
    for n, name in enumerate(("Ada", "Grace", "Alan"), 1):
        student = f"{school_id}-c1-p{n}"
        create += [
            (
                "student.create",
                {
                    "school_id": school_id,
                    "student_id": student,
                    "given_name": name,
                    "family_name": f"Test{n}",
                },
            ),
            (
                "enrolment.create",
                {"class_id": f"{school_id}-c1", "student_id": student, "from": "2025-09-01"},
            ),
        ]
    for type, payload in create:
        await core.act(school.admin, type, payload)
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
