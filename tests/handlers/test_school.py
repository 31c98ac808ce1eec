from __future__ import annotations

import pytest

from models.actor import Actor
from models.errors import Conflict, Forbidden, Invalid, NotFound
from tests.handlers.places import PERIODS, SCHOOL, done, open_school
from tests.kit import CoreKit


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    return await core.actor(roles=[("admin", "org")])


@pytest.fixture
async def head(core: CoreKit) -> Actor:
    return await core.actor(roles=[("school_admin", "school:s1")])


async def test_a_school_gets_an_id_where_none_is_chosen(core: CoreKit, admin: Actor) -> None:
    school = await done(core, admin, "school.create", SCHOOL)
    assert school["id"].startswith("s-")
    assert (school["mark_days_back"], school["archived"]) == (7, False)


async def test_a_chosen_id_is_kept_and_cannot_be_used_again(core: CoreKit, admin: Actor) -> None:
    school = await open_school(core, admin, "s1")
    error = await core.refused(Conflict, admin, "school.create", {**SCHOOL, "school_id": "s1"})
    assert error.current == school
    assert list(error.fields or {}) == ["school_id"]


async def test_of_two_schools_with_one_id_in_one_batch_the_first_is_created(
    core: CoreKit, admin: Actor
) -> None:
    north, south = {**SCHOOL, "school_id": "s1"}, {**SCHOOL, "school_id": "s1", "name": "South"}
    first, second = await core.act_all(admin, [("school.create", north), ("school.create", south)])
    assert not isinstance(first, Conflict)
    assert isinstance(second, Conflict)
    assert (await core.storage.get("org", "school", "s1") or {})["name"] == "North"


async def test_a_school_shows_in_its_own_room(core: CoreKit, admin: Actor) -> None:
    await open_school(core, admin, "s1")
    shown = await core.storage.get("school:s1", "school", "s1")
    assert shown is not None
    assert shown["name"] == "North"


async def test_an_update_changes_what_it_names_and_nothing_else(
    core: CoreKit, admin: Actor, head: Actor
) -> None:
    before = await open_school(core, admin, "s1")
    late = {"id": "3", "name": "Third", "start": "08:00", "end": "08:50"}
    changes = {"name": "New North", "mark_days_back": 0, "periods": [*PERIODS, late]}
    after = await done(core, head, "school.update", {"school_id": "s1", "set": changes})
    assert after == {**before, **changes, "periods": [late, *PERIODS], "seq": after["seq"]}
    assert after["seq"] > before["seq"]


async def test_an_update_of_an_unknown_school_tells_only_an_admin(
    core: CoreKit, admin: Actor, head: Actor
) -> None:
    payload = {"school_id": "s9", "set": {"name": "Nowhere"}}
    await core.refused(NotFound, admin, "school.update", payload)
    await core.refused(Forbidden, head, "school.update", payload)


async def test_an_update_against_an_old_seq_is_a_conflict(core: CoreKit, admin: Actor) -> None:
    school = await open_school(core, admin, "s1")
    payload = {"school_id": "s1", "set": {"name": "New North"}}
    await core.act(admin, "school.update", payload, if_seq=school["seq"])
    error = await core.refused(Conflict, admin, "school.update", payload, if_seq=school["seq"])
    assert (error.current or {})["name"] == "New North"


async def test_a_new_school_without_an_id_meets_only_if_seq_0(core: CoreKit, admin: Actor) -> None:
    await core.refused(Conflict, admin, "school.create", SCHOOL, if_seq=7)
    await core.act(admin, "school.create", SCHOOL, if_seq=0)


async def test_a_school_is_archived_and_taken_back_by_an_admin_only(
    core: CoreKit, admin: Actor, head: Actor
) -> None:
    await open_school(core, admin, "s1")
    assert (await done(core, admin, "school.archive", {"school_id": "s1"}))["archived"] is True
    assert (await done(core, admin, "school.unarchive", {"school_id": "s1"}))["archived"] is False
    await core.refused(Forbidden, head, "school.archive", {"school_id": "s1"})
    await core.refused(Forbidden, head, "school.unarchive", {"school_id": "s1"})


@pytest.mark.parametrize("type", ["school.archive", "school.unarchive"])
async def test_an_unknown_school_cannot_be_archived(core: CoreKit, admin: Actor, type: str) -> None:
    await core.refused(NotFound, admin, type, {"school_id": "s9"})


async def test_a_wrong_field_is_named_and_nothing_is_written(core: CoreKit, admin: Actor) -> None:
    await open_school(core, admin, "s1")
    error = await core.refused(Invalid, admin, "school.update", {"school_id": "s1", "set": {"colour": "red"}})
    assert list(error.fields or {}) == ["set.colour"]


async def test_only_an_admin_creates_schools(core: CoreKit, head: Actor) -> None:
    await core.refused(Forbidden, head, "school.create", SCHOOL)
