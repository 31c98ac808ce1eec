"""Role × topic and role × journal, deny by default."""

from __future__ import annotations

import pytest

from models.actor import Actor
from models.errors import Forbidden, NotFound, RollcallError
from models.journal import ORG
from models.school import class_record, school_record
from models.student import student_record
from models.team import team_record
from models.topic import parse_topic
from tests.handlers.places import SCHOOL
from tests.kit import CoreKit

ROLES: dict[str, list[tuple[str, str]]] = {
    "admin": [("admin", "org")],
    "school_admin": [("school_admin", "school:s1")],
    "office": [("office", "school:s1")],
    "viewer": [("viewer", "school:s1")],
    "teacher": [("teacher", "class:s1-c1")],
    "lead": [("lead", "team:t1")],
    "member": [("member", "team:t1")],
    "nobody": [],
    # Roles in scopes where they mean nothing must give nothing.
    "confused": [
        ("admin", "school:s1"),
        ("viewer", "org"),
        ("teacher", "school:s1"),
        ("lead", "school:s1"),
        ("office", "class:s1-c1"),
        ("school_admin", "team:t1"),
    ],
}

OF_SCHOOL = {"admin", "school_admin", "office", "viewer"}
TOPICS: dict[str, set[str]] = {
    "org": {"admin"},
    "school:s1": OF_SCHOOL,
    "summary:s1": OF_SCHOOL,
    "class:s1-c1": {*OF_SCHOOL, "teacher"},
    "class:s1-c2": OF_SCHOOL,
    "school:s2": {"admin"},
    "summary:s2": {"admin"},
    "class:s2-c1": {"admin"},
    "team:t1": {"admin", "lead", "member"},
    "team:t2": {"admin"},
    "user:somebody": set(),
    "user:u-admin": {"admin"},
    "school:s9": set(),
    "class:c9": set(),
    "team:t9": set(),
}
JOURNALS: dict[str, set[str]] = {
    "org": {"admin"},
    "school:s1": {"admin", "school_admin", "office"},
    "school:s2": {"admin"},
    "team:t1": {"admin", "lead", "member"},
    "team:t2": {"admin"},
    "user:somebody": set(),
    "user:u-admin": {"admin"},
    "class:s1-c1": set(),
    "summary:s1": set(),
    "school:s9": set(),
    "team:t9": set(),
}


class World:
    def __init__(self, core: CoreKit) -> None:
        self.core = core
        self.actors: dict[str, Actor] = {}

    async def open(self) -> None:
        for school in ("s1", "s2"):
            await self.core.put(ORG, school_record(school, **SCHOOL))
            for n in (1, 2):
                await self.core.put(f"school:{school}", class_record(f"{school}-c{n}", school, f"{n}A"))
            student = student_record(f"{school}-p1", school, given_name="Amy", family_name="Young")
            await self.core.put(f"school:{school}", {**student, "class_ids": [f"{school}-c1"]})
        for team in ("t1", "t2"):
            await self.core.put(ORG, team_record(team, "Sports day"))
        for name, roles in ROLES.items():
            self.actors[name] = await self.core.actor(f"u-{name}", roles=roles)


@pytest.fixture
async def world(core: CoreKit) -> World:
    made = World(core)
    await made.open()
    return made


async def allowed(world: World, check: str, *arguments: object) -> set[str]:
    """The names of those whom the check lets through; the others are refused and told nothing else."""
    names = set()
    for name, actor in world.actors.items():
        try:
            await getattr(world.core.core.access, check)(actor, *arguments)
            names.add(name)
        except (Forbidden, NotFound):
            pass
    return names


@pytest.mark.parametrize("topic", sorted(TOPICS))
async def test_a_topic_is_open_to_the_roles_of_the_table_only(world: World, topic: str) -> None:
    assert await allowed(world, "topic", parse_topic(topic)) == TOPICS[topic]


@pytest.mark.parametrize("room", sorted(JOURNALS))
async def test_a_journal_is_open_to_the_roles_of_the_table_only(world: World, room: str) -> None:
    assert await allowed(world, "journal", room, None) == JOURNALS[room]


@pytest.mark.parametrize(
    ("check", "id", "names"),
    [
        ("school", "s1", OF_SCHOOL),
        ("school", "s2", {"admin"}),
        ("school_profile", "s1", {*OF_SCHOOL, "teacher"}),
        ("school_profile", "s2", {"admin"}),
        ("student", "s1-p1", {*OF_SCHOOL, "teacher"}),
        ("student", "s2-p1", {"admin"}),
        ("student", "nobody", set()),
        ("team", "t1", {"admin", "lead", "member"}),
        ("task", "nothing", set()),
    ],
)
async def test_a_record_is_open_to_the_roles_of_its_scopes_only(
    world: World, check: str, id: str, names: set[str]
) -> None:
    assert await allowed(world, check, id) == names


async def test_a_teacher_reads_the_history_of_marks_of_their_class_only(world: World) -> None:
    for class_id in ("s1-c1", "s1-c2"):
        mark = {
            "kind": "mark",
            "id": f"m-{class_id}",
            "school_id": "s1",
            "class_id": class_id,
            "date": "2026-03-02",
            "period": "1",
            "student_id": "s1-p1",
            "code": "P",
            "minutes_late": None,
            "note": None,
            "source": "teacher",
            "by": "u",
            "at": "2026-03-02T08:00:00.000Z",
        }
        await world.core.put("school:s1", mark)
    teacher = world.actors["teacher"]
    await world.core.core.access.journal(teacher, "school:s1", "m-s1-c1")
    for record in ("m-s1-c2", "s1-p1", "s1-c1", "nothing"):
        with pytest.raises(Forbidden):
            await world.core.core.access.journal(teacher, "school:s1", record)


@pytest.mark.parametrize("name", ["nobody", "teacher", "lead"])
async def test_what_is_out_of_reach_looks_the_same_whether_it_exists_or_not(world: World, name: str) -> None:
    actor, topic = world.actors[name], world.core.core.access.topic
    answers = set()
    for there, not_there in (("school:s2", "school:s9"), ("class:s2-c1", "class:c9"), ("team:t2", "team:t9")):
        for wanted in (there, not_there):
            with pytest.raises(RollcallError) as caught:
                await topic(actor, parse_topic(wanted))
            answers.add((caught.value.code, caught.value.message.replace(wanted.partition(":")[2], "X")))
    assert {code for code, _ in answers} == {"forbidden"}
    assert len(answers) <= 3
