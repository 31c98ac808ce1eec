"""Schools, classes, students and teams that tests act on."""

from __future__ import annotations

from typing import Any

from models.actor import Actor
from models.journal import Record
from tests.kit import CoreKit

PERIODS = [
    {"id": "1", "name": "First", "start": "09:00", "end": "09:50"},
    {"id": "2", "name": "Second", "start": "10:00", "end": "10:50"},
]
EVE = {"email": "eve@example.test", "name": "Eve Example"}
SCHOOL: dict[str, Any] = {"name": "North", "time_zone": "UTC", "code_set": "simple", "periods": PERIODS}


async def done(core: CoreKit, actor: Actor, type: str, payload: dict[str, Any]) -> Record:
    """Run an action on one record; that record."""
    ack = await core.act(actor, type, payload)
    assert isinstance(ack.data, dict)
    return ack.data


async def open_school(core: CoreKit, admin: Actor, school_id: str, classes: int = 1) -> Record:
    """A school `ID` with the classes `ID-c1`, … ."""
    school = await done(core, admin, "school.create", {**SCHOOL, "school_id": school_id})
    for n in range(1, classes + 1):
        fields = {"school_id": school_id, "class_id": f"{school_id}-c{n}", "name": f"{n}A"}
        await core.act(admin, "class.create", fields)
    return school


async def new_student(
    core: CoreKit, admin: Actor, class_id: str, student_id: str, *, first_day: str = "2025-09-01"
) -> Record:
    """A student of the class's school, on the class's roll from a day on."""
    school_id = class_id.partition("-")[0]
    names = {"given_name": "Amy", "family_name": "Young"}
    await core.act(admin, "student.create", {"school_id": school_id, "student_id": student_id, **names})
    enrolment = {"class_id": class_id, "student_id": student_id, "from": first_day}
    return await done(core, admin, "enrolment.create", enrolment)


async def open_directory(core: CoreKit) -> Actor:
    """The schools s1 and s2 of one class each and the teams t1 and t2; the admin `root`, who made them."""
    admin = await core.actor("root", roles=[("admin", "org")])
    await open_school(core, admin, "s1")
    await open_school(core, admin, "s2")
    await core.act(admin, "team.create", {"team_id": "t1", "name": "Sports day"})
    await core.act(admin, "team.create", {"team_id": "t2", "name": "Library"})
    return admin


async def a_user(core: CoreKit, admin: Actor, *roles: tuple[str, str], **fields: Any) -> Record:
    """An account with these roles, for Eve unless other fields are given."""
    given = [{"role": role, "scope": scope} for role, scope in roles]
    return await done(core, admin, "user.create", {**EVE, "roles": given, **fields})
