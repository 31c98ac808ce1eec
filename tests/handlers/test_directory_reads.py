from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from handlers.directory_reads import (
    classes_of_school,
    school_class,
    school_with_codes,
    schools_of_actor,
    students_of_class,
    teams_of_actor,
    users_for_actor,
)
from handlers.pages import After, Page
from models.actor import Actor
from models.errors import Forbidden, NotFound
from models.journal import ORG, Record
from models.school import class_record, school_record
from models.student import enrolment_record, student_record
from models.team import team_record
from tests.handlers.places import SCHOOL
from tests.kit import CoreKit

Read = Callable[..., Awaitable[Page]]


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    """Who sees everything: schools, classes and teams whose names are not in the order of their ids."""
    for n, name in enumerate(("South", "North", "Middle"), 1):
        await core.put(ORG, school_record(f"s{n}", **{**SCHOOL, "name": name}))
        for c, class_name in enumerate(("2A", "1A"), 1):
            await core.put(f"school:s{n}", class_record(f"s{n}-c{c}", f"s{n}", class_name))
        await core.put(ORG, team_record(f"t{n}", f"{name} sports"))
    return await core.actor("root", roles=[("admin", "org")], name="Zoe")


async def paged(read: Callable[[After | None], Awaitable[Page]]) -> list[str]:
    """The ids of all pages; each page but the last is full."""
    ids: list[str] = []
    after: After | None = None
    while True:
        items, after = await read(after)
        ids += [item["id"] for item in items]
        assert len(items) == 2 or after is None
        if after is None:
            return ids


async def schools(core: CoreKit, actor: Actor) -> list[str]:
    return await paged(
        lambda after: schools_of_actor(core.storage, core.core.rooms, actor, after=after, limit=2)
    )


async def test_an_admin_sees_all_schools_by_name(core: CoreKit, admin: Actor) -> None:
    assert await schools(core, admin) == ["s3", "s2", "s1"]


@pytest.mark.parametrize(
    ("roles", "seen"),
    [
        ([], []),
        ([("member", "team:t1")], []),
        ([("viewer", "school:s1")], ["s1"]),
        ([("teacher", "class:s2-c1"), ("teacher", "class:s2-c2")], ["s2"]),
        (
            [("office", "school:s1"), ("school_admin", "school:s2"), ("teacher", "class:s3-c1")],
            ["s3", "s2", "s1"],
        ),
        ([("office", "school:s9"), ("teacher", "class:s9-c1")], []),
    ],
)
async def test_others_see_the_schools_of_their_roles_and_classes(
    core: CoreKit, admin: Actor, roles: list[tuple[str, str]], seen: list[str]
) -> None:
    assert await schools(core, await core.actor(roles=roles)) == seen


async def test_a_school_comes_with_its_codes_in_full(core: CoreKit, admin: Actor) -> None:
    school = await core.storage.get(ORG, "school", "s1")
    assert school is not None
    told = school_with_codes(school)
    assert [code["code"] for code in told["codes"]] == ["P", "L", "A", "E", "O"]
    assert {**told, "codes": None} == {**school, "codes": None}
    fields = {"code", "label", "direction", "category", "late", "half", "roles", "colour"}
    assert set(told["codes"][0]) == fields


async def test_the_classes_of_a_school_come_by_name(core: CoreKit, admin: Actor) -> None:
    await core.put("school:s1", class_record("s1-c3", "s1", "1B"))
    ids = await paged(lambda after: classes_of_school(core.storage, "s1", after=after, limit=2))
    assert ids == ["s1-c2", "s1-c3", "s1-c1"]


async def test_one_class(core: CoreKit, admin: Actor) -> None:
    assert (await school_class(core.storage, "school:s1", "s1-c1"))["name"] == "2A"
    with pytest.raises(NotFound):
        await school_class(core.storage, "school:s1", "s2-c1")


async def a_student(core: CoreKit, id: str, family_name: str, *stays: tuple[str, str | None]) -> Record:
    for first_day, last_day in stays:
        await core.put("school:s1", enrolment_record("s1", "s1-c1", id, first_day, last_day))
    student = student_record(id, "s1", given_name="Amy", family_name=family_name)
    return await core.put("school:s1", {**student, "class_ids": ["s1-c1"]})


@pytest.mark.parametrize(
    ("day", "on_roll"),
    [
        ("2025-08-31", []),
        ("2025-09-01", ["p2", "p3", "p1"]),
        ("2025-12-19", ["p2", "p3", "p1"]),
        ("2025-12-20", ["p3", "p1"]),
        ("2026-01-05", ["p2", "p3", "p4", "p1"]),
        ("2026-03-07", ["p2", "p4", "p1"]),
    ],
)
async def test_the_students_of_a_class_are_those_on_roll_that_day(
    core: CoreKit, admin: Actor, day: str, on_roll: list[str]
) -> None:
    await a_student(core, "p1", "Young", ("2025-09-01", None))
    await a_student(core, "p2", "Adams", ("2025-09-01", "2025-12-19"), ("2026-01-05", None))
    await a_student(core, "p3", "Baker", ("2025-09-01", "2026-03-06"))
    await a_student(core, "p4", "Baker", ("2026-01-05", None))
    await core.put("school:s1", enrolment_record("s1", "s1-c2", "p4", "2025-09-01", None))

    async def read(after: After | None) -> Page:
        return await students_of_class(core.storage, "school:s1", "s1-c1", day, after=after, limit=2)

    assert await paged(read) == on_roll


async def users(core: CoreKit, actor: Actor) -> list[str]:
    return await paged(lambda after: users_for_actor(core.storage, actor, after=after, limit=2))


async def test_an_admin_sees_all_users_and_a_schools_admin_those_of_the_school(
    core: CoreKit, admin: Actor
) -> None:
    head = await core.actor("head", roles=[("school_admin", "school:s1")], name="Head")
    both = await core.actor(
        "both", roles=[("school_admin", "school:s1"), ("school_admin", "school:s2")], name="Both"
    )
    await core.actor("teacher", roles=[("teacher", "class:s1-c1"), ("member", "team:t1")], name="Tom")
    await core.actor("office", roles=[("office", "school:s2"), ("office", "school:s1")], name="Olga")
    await core.actor("other", roles=[("teacher", "class:s2-c1")], name="Ann")
    await core.actor("nobody", name="Nemo")
    assert await users(core, admin) == ["other", "both", "head", "nobody", "office", "teacher", "root"]
    assert await users(core, head) == ["both", "head", "office", "teacher"]
    assert await users(core, both) == ["other", "both", "head", "office", "teacher"]


@pytest.mark.parametrize(
    "roles", [[], [("office", "school:s1")], [("teacher", "class:s1-c1")], [("lead", "team:t1")]]
)
async def test_nobody_else_sees_users(core: CoreKit, admin: Actor, roles: list[tuple[str, str]]) -> None:
    with pytest.raises(Forbidden):
        await users_for_actor(core.storage, await core.actor(roles=roles), limit=2)


@pytest.mark.parametrize(
    ("roles", "seen"),
    [
        ([("admin", "org")], ["t3", "t2", "t1"]),
        ([("lead", "team:t1"), ("member", "team:t2")], ["t2", "t1"]),
        ([("member", "team:t9")], []),
        ([("school_admin", "school:s1")], []),
    ],
)
async def test_an_actor_sees_their_own_teams(
    core: CoreKit, admin: Actor, roles: list[tuple[str, str]], seen: list[str]
) -> None:
    actor = await core.actor(roles=roles)
    assert await paged(lambda after: teams_of_actor(core.storage, actor, after=after, limit=2)) == seen


async def test_records_with_one_name_are_told_apart_by_their_ids(core: CoreKit, admin: Actor) -> None:
    fields: dict[str, Any] = {**SCHOOL, "name": "North"}
    for n in (4, 5, 6):
        await core.put(ORG, school_record(f"s{n}", **fields))
    office = await core.actor(roles=[("office", f"school:s{n}") for n in (6, 2, 5, 4)])
    assert await schools(core, office) == ["s2", "s4", "s5", "s6"]
    assert await schools(core, admin) == ["s3", "s2", "s4", "s5", "s6", "s1"]
