from __future__ import annotations

from typing import Any

import pytest

from models.actor import Actor
from models.errors import Conflict, Forbidden, Invalid, NotFound, RollcallError
from tests.handlers.places import SCHOOL, done, open_school
from tests.kit import CoreKit


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    actor = await core.actor(roles=[("admin", "org")])
    await open_school(core, actor, "s1", classes=0)
    return actor


@pytest.fixture
async def head(core: CoreKit) -> Actor:
    return await core.actor(roles=[("school_admin", "school:s1")])


def a_class(class_id: str, school_id: str = "s1") -> dict[str, Any]:
    return {"school_id": school_id, "class_id": class_id, "name": "1A"}


async def test_a_schools_admin_creates_classes_there(core: CoreKit, admin: Actor, head: Actor) -> None:
    chosen = await done(core, head, "class.create", a_class("s1-c1"))
    assert (chosen["id"], chosen["school_id"], chosen["archived"]) == ("s1-c1", "s1", False)
    given = await done(core, head, "class.create", {"school_id": "s1", "name": "1B"})
    assert given["id"].startswith("c-")


async def test_the_id_of_a_class_is_unique_across_all_schools(
    core: CoreKit, admin: Actor, head: Actor
) -> None:
    await open_school(core, admin, "s2", classes=1)
    error = await core.refused(Conflict, head, "class.create", a_class("s2-c1"))
    assert error.current is None
    await core.act(head, "class.create", a_class("s1-c1"))
    error = await core.refused(Conflict, head, "class.create", a_class("s1-c1"))
    assert (error.current or {})["id"] == "s1-c1"


async def test_of_two_classes_with_one_id_in_one_batch_the_first_is_created(
    core: CoreKit, admin: Actor
) -> None:
    outcomes = await core.act_all(admin, [("class.create", a_class("s1-c1"))] * 2)
    assert [isinstance(outcome, RollcallError) for outcome in outcomes] == [False, True]


async def test_a_class_needs_a_school_that_is_open(core: CoreKit, admin: Actor) -> None:
    await core.refused(NotFound, admin, "class.create", a_class("c1", "s9"))
    await core.act(admin, "school.archive", {"school_id": "s1"})
    error = await core.refused(Invalid, admin, "class.create", a_class("s1-c1"))
    assert list(error.fields or {}) == ["school_id"]


async def test_a_class_is_renamed_archived_and_taken_back(core: CoreKit, admin: Actor, head: Actor) -> None:
    await core.act(head, "class.create", a_class("s1-c1"))
    renamed = await done(core, head, "class.update", {"class_id": "s1-c1", "set": {"name": "2A"}})
    assert renamed["name"] == "2A"
    assert (await done(core, head, "class.archive", {"class_id": "s1-c1"}))["archived"] is True
    assert await done(core, head, "class.unarchive", {"class_id": "s1-c1"}) == {
        **renamed,
        "seq": renamed["seq"] + 2,
    }


@pytest.mark.parametrize("type", ["class.update", "class.archive", "class.unarchive"])
async def test_another_schools_class_is_out_of_reach(
    core: CoreKit, admin: Actor, head: Actor, type: str
) -> None:
    await open_school(core, admin, "s2", classes=1)
    more = {"set": {"name": "2A"}} if type == "class.update" else {}
    await core.refused(Forbidden, head, type, {"class_id": "s2-c1", **more})
    await core.refused(NotFound, head, type, {"class_id": "s1-c9", **more})


async def test_a_schools_admin_creates_no_classes_elsewhere(core: CoreKit, admin: Actor, head: Actor) -> None:
    await open_school(core, admin, "s2", classes=0)
    await core.refused(Forbidden, head, "class.create", a_class("s2-c1", "s2"))
    await core.refused(Forbidden, head, "class.create", a_class("s9-c1", "s9"))


async def test_a_change_to_a_class_reaches_its_own_topic(core: CoreKit, admin: Actor) -> None:
    await core.act(admin, "class.create", a_class("s1-c1"))
    await core.act(admin, "class.update", {"class_id": "s1-c1", "set": {"name": "2A"}})
    entry = core.entries("school:s1")[-1]
    assert (entry.type, entry.topics) == ("class.update", ("school:s1", "class:s1-c1"))


async def test_two_schools_that_choose_the_same_id_at_once_get_it_once(core: CoreKit) -> None:
    admin = await core.actor(roles=[("admin", "org")])
    for school in ("s1", "s2"):
        await core.act(admin, "school.create", {**SCHOOL, "school_id": school})
    for n in range(20):
        outcomes = await core.act_all(
            admin,
            [("class.create", {"school_id": s, "class_id": f"c{n}", "name": "1A"}) for s in ("s1", "s2")],
        )
        assert [isinstance(outcome, Conflict) for outcome in outcomes].count(True) == 1
