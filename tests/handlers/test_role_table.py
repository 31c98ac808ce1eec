"""Role × action, deny by default, for every action that a client may send."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from handlers.core import load_handlers
from handlers.dispatch.registry import ACTIONS
from models.actor import Actor
from models.errors import Forbidden, NotFound, RollcallError, Unauthenticated
from models.journal import ORG, Record
from models.school import class_record, school_record
from models.student import enrolment_record, student_record
from models.team import member_record, team_record
from tests.handlers.places import SCHOOL, done
from tests.kit import CoreKit

TODAY = "2026-03-02"
PERIODS = [
    {"id": f"{n}", "name": f"Period {n}", "start": f"{n + 2:02}:00", "end": f"{n + 2:02}:50"}
    for n in range(1, 21)
]

HERE: dict[str, list[tuple[str, str]]] = {
    "admin": [("admin", "org")],
    "school_admin": [("school_admin", "school:s1")],
    "office": [("office", "school:s1")],
    "viewer": [("viewer", "school:s1")],
    "teacher": [("teacher", "class:s1-c1")],
    "lead": [("lead", "team:t1")],
    "member": [("member", "team:t1")],
    "nobody": [],
}
ELSEWHERE: dict[str, list[tuple[str, str]]] = {
    "school_admin elsewhere": [("school_admin", "school:s2")],
    "office elsewhere": [("office", "school:s2")],
    "viewer elsewhere": [("viewer", "school:s2")],
    "teacher of another class": [("teacher", "class:s1-c2"), ("teacher", "class:s2-c1")],
    "lead elsewhere": [("lead", "team:t2")],
    "member elsewhere": [("member", "team:t2")],
}
ACTORS = {**HERE, **ELSEWHERE}

ADMIN = {"admin"}
DIRECTORY = {"admin", "school_admin"}
OFFICE = {"admin", "school_admin", "office"}
MARKERS = {"admin", "school_admin", "office", "teacher"}
LEADS = {"admin", "lead"}
TEAM = {"admin", "lead", "member"}


class World:
    """Two schools and two teams, and what an action needs to be possible."""

    def __init__(self, core: CoreKit) -> None:
        self.core = core
        self.actors: dict[str, Actor] = {}
        self._count = itertools.count(1)

    async def open(self) -> None:
        for school in ("s1", "s2"):
            await self.core.put(ORG, school_record(school, **{**SCHOOL, "periods": PERIODS}))
            for n in (1, 2):
                await self.core.put(f"school:{school}", class_record(f"{school}-c{n}", school, f"{n}A"))
        for team in ("t1", "t2"):
            await self.core.put(ORG, team_record(team, "Sports day"))
        for name, roles in ACTORS.items():
            self.actors[name] = await self.core.actor(name.replace(" ", "-"), roles=roles)

    def number(self) -> int:
        return next(self._count)

    async def given(self, type: str, payload: dict[str, Any], actor: str = "admin") -> Record:
        return await done(self.core, self.actors[actor], type, payload)

    async def student(self, *, on_roll: bool = True) -> str:
        id = f"p{self.number()}"
        student = student_record(id, "s1", given_name="Amy", family_name="Young")
        await self.core.put("school:s1", {**student, "class_ids": ["s1-c1"] if on_roll else []})
        if on_roll:
            await self.core.put("school:s1", enrolment_record("s1", "s1-c1", id, "2025-09-01", None))
        return id

    async def user(self) -> str:
        return (await self.core.actor(roles=[("office", "school:s1")])).id

    async def member(self) -> str:
        user = await self.core.actor(roles=[("member", "team:t1")])
        await self.core.put(ORG, member_record("t1", {"id": user.id, "name": user.name}, "member"))
        return user.id

    async def task(self) -> str:
        return str((await self.given("task.create", {"team_id": "t1", "title": "Book the hall"}))["id"])

    def sheet(self) -> dict[str, Any]:
        return {"class_id": "s1-c1", "date": TODAY, "period": f"{self.number() % 20 + 1}"}


Build = Callable[[World], Awaitable[dict[str, Any]]]


def of(payload: dict[str, Any]) -> Build:
    async def build(world: World) -> dict[str, Any]:
        return payload

    return build


def of_student(**more: Any) -> Build:
    async def build(world: World) -> dict[str, Any]:
        return {"student_id": await world.student(), **more}

    return build


def of_user(**more: Any) -> Build:
    async def build(world: World) -> dict[str, Any]:
        return {"user_id": await world.user(), **more}

    return build


def of_task(**more: Any) -> Build:
    async def build(world: World) -> dict[str, Any]:
        return {"task_id": await world.task(), **more}

    return build


async def a_mark(world: World) -> dict[str, Any]:
    return {**world.sheet(), "student_id": await world.student(), "code": "P"}


async def a_sheet_with_students(world: World) -> dict[str, Any]:
    await world.student()
    return {**world.sheet(), "code": "P"}


async def a_mark_to_clear(world: World) -> dict[str, Any]:
    marked = await a_mark(world)
    await world.given("attendance.mark", marked, "teacher")
    return {name: value for name, value in marked.items() if name != "code"}


async def an_open_sheet(world: World) -> dict[str, Any]:
    return world.sheet()


async def a_taken_sheet(world: World) -> dict[str, Any]:
    sheet = world.sheet()
    await world.given("attendance.take", sheet)
    return sheet


async def a_plan(world: World) -> dict[str, Any]:
    return {"student_ids": [await world.student()], "from": TODAY, "to": "2026-03-06", "reason": "Trip"}


async def an_absence_to_cancel(world: World) -> dict[str, Any]:
    plan = await a_plan(world)
    await world.core.act(world.actors["admin"], "attendance.plan", plan)
    return {name: value for name, value in plan.items() if name != "reason"}


async def a_new_user(world: World) -> dict[str, Any]:
    roles = [{"role": "office", "scope": "school:s1"}]
    return {"email": f"new{world.number()}@example.test", "name": "Eve Example", "roles": roles}


async def an_enrolment(world: World) -> dict[str, Any]:
    return {"class_id": "s1-c1", "student_id": await world.student(on_roll=False), "from": TODAY}


async def an_end(world: World) -> dict[str, Any]:
    return {"class_id": "s1-c1", "student_id": await world.student(), "to": TODAY}


async def a_user_to_add(world: World) -> dict[str, Any]:
    return {"team_id": "t1", "user_id": await world.user(), "role": "member"}


async def a_member_to_remove(world: World) -> dict[str, Any]:
    return {"team_id": "t1", "user_id": await world.member()}


async def a_task_update(world: World) -> dict[str, Any]:
    task_id = await world.task()
    base_seq = (await world.core.storage.heads(["team:t1"]))["team:t1"]
    return {"task_id": task_id, "set": {"title": "Book the field"}, "base_seq": base_seq}


async def a_deleted_task(world: World) -> dict[str, Any]:
    task = {"task_id": await world.task()}
    await world.given("task.delete", task)
    return task


NAMED = {"set": {"name": "New"}}
STUDENT = {"school_id": "s1", "given_name": "Amy", "family_name": "Young"}

TABLE: dict[str, tuple[set[str], Build]] = {
    "attendance.mark": (MARKERS, a_mark),
    "attendance.mark_all": (MARKERS, a_sheet_with_students),
    "attendance.clear": (MARKERS, a_mark_to_clear),
    "attendance.take": (MARKERS, an_open_sheet),
    "attendance.reopen": (OFFICE, a_taken_sheet),
    "attendance.plan": (OFFICE, a_plan),
    "attendance.unplan": (OFFICE, an_absence_to_cancel),
    "class.create": (DIRECTORY, of({"school_id": "s1", "name": "3A"})),
    "class.update": (DIRECTORY, of({"class_id": "s1-c1", **NAMED})),
    "class.archive": (DIRECTORY, of({"class_id": "s1-c1"})),
    "class.unarchive": (DIRECTORY, of({"class_id": "s1-c1"})),
    "enrolment.create": (OFFICE, an_enrolment),
    "enrolment.end": (OFFICE, an_end),
    "school.create": (ADMIN, of(SCHOOL)),
    "school.update": (DIRECTORY, of({"school_id": "s1", **NAMED})),
    "school.archive": (ADMIN, of({"school_id": "s1"})),
    "school.unarchive": (ADMIN, of({"school_id": "s1"})),
    "student.create": (OFFICE, of(STUDENT)),
    "student.update": (OFFICE, of_student(set={"given_name": "Amelia"})),
    "student.archive": (OFFICE, of_student()),
    "student.unarchive": (OFFICE, of_student()),
    "task.create": (TEAM, of({"team_id": "t1", "title": "Book the hall"})),
    "task.update": (TEAM, a_task_update),
    "task.complete": (TEAM, of_task()),
    "task.reopen": (TEAM, of_task()),
    "task.assign": (TEAM, of_task(assignees=[])),
    "task.comment": (TEAM, of_task(text="Done soon.")),
    "task.move": (TEAM, of_task(after=None)),
    "task.delete": (LEADS, of_task()),
    "task.restore": (LEADS, a_deleted_task),
    "team.create": (ADMIN, of({"name": "Library"})),
    "team.update": (LEADS, of({"team_id": "t1", **NAMED})),
    "team.add_member": (LEADS, a_user_to_add),
    "team.remove_member": (LEADS, a_member_to_remove),
    "team.archive": (ADMIN, of({"team_id": "t1"})),
    "team.unarchive": (ADMIN, of({"team_id": "t1"})),
    "user.create": (DIRECTORY, a_new_user),
    "user.update": (DIRECTORY, of_user(**NAMED)),
    "user.set_roles": (DIRECTORY, of_user(roles=[{"role": "viewer", "scope": "school:s1"}])),
    "user.disable": (DIRECTORY, of_user()),
    "user.enable": (DIRECTORY, of_user()),
}
"""Who in HERE may do it, and a payload with which it can be done. The tasks are somebody else's: a member
deletes only their own."""


def refusal(type: str, name: str) -> type[RollcallError]:
    """What others are told: a record named by its own id does not exist for who has no role on its scopes."""
    noun = "student" if type.endswith("plan") else type.partition(".")[0]
    if type.endswith(".create") or noun not in ("student", "task", "user"):
        return Forbidden
    in_reach = {"student": {"viewer"}, "task": {"member"}}
    if noun == "user":
        return NotFound if type == "user.update" or name == "school_admin elsewhere" else Forbidden
    return Forbidden if name in in_reach[noun] else NotFound


@pytest.fixture
async def world(core: CoreKit) -> World:
    made = World(core)
    await made.open()
    return made


def test_the_table_names_every_action_that_a_client_may_send() -> None:
    load_handlers()
    assert sorted(TABLE) == [spec.type for spec in ACTIONS.public()]


async def answer(world: World, actor: Actor, type: str, payload: dict[str, Any]) -> str:
    """`may`, or the code of a refusal that wrote nothing and showed nothing."""
    await world.core.core.consumers.idle()
    before = len(world.core.commits)
    try:
        await world.core.act(actor, type, payload)
    except RollcallError as error:
        refused = error
    else:
        return "may"
    assert len(world.core.commits) == before
    assert refused.current is None
    return refused.code


@pytest.mark.parametrize("type", sorted(TABLE))
async def test_only_the_roles_of_the_table_may(world: World, type: str) -> None:
    allowed, build = TABLE[type]
    answers = {
        name: await answer(world, actor, type, await build(world)) for name, actor in world.actors.items()
    }
    expected = {name: "may" if name in allowed else refusal(type, name).code for name in ACTORS}
    assert answers == expected


async def test_who_is_disabled_may_nothing_whatever_the_roles(world: World) -> None:
    admin = world.actors["admin"]
    other = await world.core.actor("other-admin", roles=[("admin", "org")])
    await world.core.act(other, "user.disable", {"user_id": admin.id})
    for type, (_, build) in TABLE.items():
        if not type.startswith(("attendance", "task")):
            await world.core.refused(Unauthenticated, admin, type, await build(world))
