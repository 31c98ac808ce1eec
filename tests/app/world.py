"""Two schools and two teams, with somebody in every role."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from models.action import Action
from models.actor import Actor
from tests.app.identity import Identity
from tests.kit import CoreKit

DAY = "2026-03-02"
PERIODS = [
    {"id": "1", "name": "First", "start": "08:00", "end": "09:00"},
    {"id": "2", "name": "Second", "start": "09:00", "end": "10:00"},
]


@dataclass(frozen=True)
class World:
    """Schools `s1` (class `c1` with students `p1` to `p3`, `c2` with `p4`) and `s2` (class `d1` with `q1`).

    Teams `t1`, which has the `tasks`, and `t2`.
    """

    core: CoreKit
    tasks: list[dict[str, Any]]
    admin: Actor
    lead: Actor
    member: Actor
    head: Actor
    office: Actor
    viewer: Actor
    teacher: Actor
    colleague: Actor
    stranger: Actor
    other_head: Actor
    other_teacher: Actor
    outsider: Actor


async def make_world(identity: Identity) -> World:
    """Build it by actions."""
    core = identity.core
    admin = await identity.account("admin", roles=[("admin", "org")], name="Admin")

    async def act(type: str, **payload: Any) -> Any:
        return (await core.core.dispatcher.run(Action(type, payload, core.op_id(), admin))).data

    async def school(id: str) -> None:
        zone = {"time_zone": "Europe/London", "code_set": "simple", "periods": PERIODS}
        await act("school.create", school_id=id, name=f"School {id}", **zone)

    async def school_class(id: str, school_id: str) -> None:
        await act("class.create", school_id=school_id, class_id=id, name=f"Class {id}")

    async def student(id: str, school_id: str, class_id: str) -> None:
        names = {"given_name": f"Given {id}", "family_name": f"Family {id}"}
        await act("student.create", school_id=school_id, student_id=id, **names)
        await act("enrolment.create", class_id=class_id, student_id=id, **{"from": "2026-01-05"})

    async def team(id: str) -> None:
        await act("team.create", team_id=id, name=f"Team {id}")

    async def user(id: str, role: str | None = None, scope: str = "") -> Actor:
        return await identity.account(id, roles=[(role, scope)] if role else [], name=id.capitalize())

    await asyncio.gather(school("s1"), school("s2"), team("t1"), team("t2"), user("lead"), user("member"))
    await asyncio.gather(
        school_class("c1", "s1"),
        school_class("c2", "s1"),
        school_class("d1", "s2"),
        act("team.add_member", team_id="t1", user_id="lead", role="lead"),
        act("team.add_member", team_id="t1", user_id="member", role="member"),
    )
    tasks: list[dict[str, Any]] = [
        {"title": "Paint the hall", "priority": "high", "assignees": ["member"]},
        {"title": "Order chalk", "labels": ["shop"]},
        {"title": "Call the plumber", "due": "2026-03-01T08:00:00Z"},
    ]
    made = await asyncio.gather(
        *(act("task.create", team_id="t1", **task) for task in tasks),
        *(student(id, "s1", "c1") for id in ("p1", "p2", "p3")),
        student("p4", "s1", "c2"),
        student("q1", "s2", "d1"),
    )
    others = await asyncio.gather(
        user("head", "school_admin", "school:s1"),
        user("office", "office", "school:s1"),
        user("viewer", "viewer", "school:s1"),
        user("teacher", "teacher", "class:c1"),
        user("colleague", "teacher", "class:c2"),
        user("stranger"),
        user("other_head", "school_admin", "school:s2"),
        user("other_teacher", "teacher", "class:d1"),
        user("outsider", "member", "team:t2"),
    )
    await core.core.consumers.idle()
    members = [await core.core.org.actor(id) for id in ("lead", "member")]
    return World(core, made[: len(tasks)], admin, *members, *others)
