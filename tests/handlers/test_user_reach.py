"""Whom an administrator reaches, and which roles they may give."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from models.actor import Actor
from models.errors import Forbidden, Invalid, NotFound
from tests.handlers.places import EVE, done, open_directory
from tests.kit import CoreKit

OFFICE = [{"role": "office", "scope": "school:s1"}]
TEACHER = [{"role": "teacher", "scope": "class:s1-c1"}]
ADMIN = [{"role": "admin", "scope": "org"}]
ELSEWHERE: list[list[tuple[str, str]]] = [
    [],
    [("office", "school:s2")],
    [("teacher", "class:s2-c1")],
    [("office", "school:s1"), ("office", "school:s2")],
    [("office", "school:s1"), ("member", "team:t1")],
    [("admin", "org"), ("office", "school:s1")],
]


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    return await open_directory(core)


@pytest.fixture
async def head(core: CoreKit, admin: Actor) -> Actor:
    return await core.actor("head", roles=[("school_admin", "school:s1")])


@pytest.mark.parametrize(
    ("role", "scope"),
    [("office", "school:s9"), ("teacher", "class:s9-c1"), ("lead", "team:t9")],
)
async def test_a_role_needs_a_place_that_is_there(core: CoreKit, admin: Actor, role: str, scope: str) -> None:
    payload = {**EVE, "roles": [*OFFICE, {"role": role, "scope": scope}]}
    error = await core.refused(Invalid, admin, "user.create", payload)
    assert list(error.fields or {}) == ["roles.1.scope"]


async def test_a_schools_admin_creates_users_with_roles_in_the_school(core: CoreKit, head: Actor) -> None:
    user = await done(core, head, "user.create", {**EVE, "roles": [*OFFICE, *TEACHER]})
    assert user["scopes"] == ["school:s1", "class:s1-c1"]
    ida = {
        "email": "ida@example.test",
        "name": "Ida",
        "roles": [{"role": "school_admin", "scope": "school:s1"}],
    }
    await core.act(head, "user.create", ida)


@pytest.mark.parametrize(
    "assignment",
    [
        {"role": "admin", "scope": "org"},
        {"role": "lead", "scope": "team:t1"},
        {"role": "member", "scope": "team:t1"},
        {"role": "office", "scope": "school:s2"},
        {"role": "office", "scope": "school:s9"},
        {"role": "teacher", "scope": "class:s2-c1"},
        {"role": "teacher", "scope": "class:s9-c1"},
    ],
)
async def test_a_schools_admin_gives_no_roles_beyond_the_school(
    core: CoreKit, head: Actor, assignment: dict[str, str]
) -> None:
    eve = await done(core, head, "user.create", {**EVE, "roles": OFFICE})
    ida = {"email": "ida@example.test", "name": "Ida", "roles": [*OFFICE, assignment]}
    await core.refused(Forbidden, head, "user.create", ida)
    await core.refused(
        Forbidden, head, "user.set_roles", {"user_id": eve["id"], "roles": [*OFFICE, assignment]}
    )


async def test_a_refused_role_does_not_tell_whether_its_place_exists(core: CoreKit, head: Actor) -> None:
    wires = []
    for school in ("s2", "s9"):
        for role, scope in (("office", f"school:{school}"), ("teacher", f"class:{school}-c1")):
            payload = {**EVE, "roles": [{"role": role, "scope": scope}]}
            error = await core.refused(Forbidden, head, "user.create", payload)
            wires.append(orjson.dumps(error.to_wire()).decode().replace(school, "SCHOOL"))
    assert wires[:2] == wires[2:]


async def test_a_schools_admin_makes_nobody_without_a_role(core: CoreKit, head: Actor) -> None:
    eve = await done(core, head, "user.create", {**EVE, "roles": OFFICE})
    ida = {"email": "ida@example.test", "name": "Ida"}
    for type, payload in [("user.create", ida), ("user.set_roles", {"user_id": eve["id"], "roles": []})]:
        error = await core.refused(Invalid, head, type, payload)
        assert list(error.fields or {}) == ["roles"]


@pytest.mark.parametrize(
    ("type", "more"),
    [
        ("user.update", {"set": {"name": "Mallory"}}),
        ("user.update", {"set": {"email": "mallory@example.test"}}),
        ("user.set_roles", {"roles": OFFICE}),
        ("user.disable", {}),
        ("user.enable", {}),
    ],
)
async def test_a_user_with_a_role_elsewhere_does_not_exist_for_a_schools_admin(
    core: CoreKit, admin: Actor, head: Actor, type: str, more: dict[str, Any]
) -> None:
    missing = await core.refused(NotFound, head, type, {"user_id": "u-none", **more}, if_seq=999)
    for roles in ELSEWHERE:
        eve = await core.actor(roles=roles)
        there = await core.refused(NotFound, head, type, {"user_id": eve.id, **more}, if_seq=999)
        assert there.message.replace(eve.id, "u-none") == missing.message
        assert there.current is None


async def test_a_schools_admin_changes_the_users_of_the_school(core: CoreKit, head: Actor) -> None:
    eve = await done(core, head, "user.create", {**EVE, "roles": [*OFFICE, *TEACHER]})
    payload = {"user_id": eve["id"], "set": {"name": "Eva", "email": "eva@example.test"}}
    eva = await done(core, head, "user.update", payload)
    assert (eva["name"], eva["email"]) == ("Eva", "eva@example.test")
    changed = await done(core, head, "user.set_roles", {"user_id": eve["id"], "roles": TEACHER})
    assert (changed["roles"], changed["scopes"]) == (TEACHER, ["class:s1-c1", "school:s1"])
    assert (await done(core, head, "user.disable", {"user_id": eve["id"]}))["disabled"] is True
    assert (await done(core, head, "user.enable", {"user_id": eve["id"]}))["disabled"] is False


@pytest.mark.parametrize("roles", [[], [("teacher", "class:s1-c1")], [("viewer", "school:s1")]])
async def test_everybody_changes_their_own_name_and_preferences(
    core: CoreKit, admin: Actor, roles: list[tuple[str, str]]
) -> None:
    eve = await core.actor("eve", roles=roles)
    changes = {"name": "Eva", "preferences": {"theme": "dark"}}
    user = await done(core, eve, "user.update", {"user_id": "eve", "set": changes})
    assert (user["name"], user["preferences"]) == ("Eva", {"theme": "dark"})
    address = {"user_id": "eve", "set": {"email": "eva@example.test"}}
    await core.refused(Forbidden, eve, "user.update", address)
    await core.refused(
        NotFound, eve, "user.update", {"user_id": "root", "set": {"name": "Mallory"}}, if_seq=1
    )


@pytest.mark.parametrize("type", ["user.set_roles", "user.disable", "user.enable"])
async def test_nobody_else_acts_on_accounts_not_even_their_own(
    core: CoreKit, admin: Actor, type: str
) -> None:
    eve = await core.actor("eve", roles=[("office", "school:s1"), ("lead", "team:t1")])
    more = {"roles": ADMIN} if type == "user.set_roles" else {}
    await core.refused(Forbidden, eve, type, {"user_id": "eve", **more})
    await core.refused(Forbidden, await core.actor("nobody"), type, {"user_id": "eve", **more})


async def test_who_may_not_create_accounts_costs_no_hash(core: CoreKit, admin: Actor) -> None:
    eve = await core.actor("eve", roles=[("office", "school:s1")])
    payload = {"email": "ida@example.test", "name": "Ida", "password": "short"}
    await core.refused(Forbidden, eve, "user.create", payload)


async def test_a_schools_admin_cannot_rise(core: CoreKit, head: Actor) -> None:
    await core.refused(Forbidden, head, "user.set_roles", {"user_id": "head", "roles": ADMIN})


async def test_the_last_admin_stays(core: CoreKit, admin: Actor) -> None:
    for roles in ([], OFFICE):
        error = await core.refused(Invalid, admin, "user.set_roles", {"user_id": "root", "roles": roles})
        assert list(error.fields or {}) == ["roles"]
    await core.act(admin, "user.set_roles", {"user_id": "root", "roles": [*ADMIN, *OFFICE]})


async def test_a_disabled_admin_does_not_count_as_one_who_is_left(core: CoreKit, admin: Actor) -> None:
    await core.actor("other", roles=[("admin", "org")])
    await core.act(admin, "user.disable", {"user_id": "other"})
    await core.refused(Invalid, admin, "user.set_roles", {"user_id": "root", "roles": []})
    await core.act(admin, "user.enable", {"user_id": "other"})
    await core.act(admin, "user.set_roles", {"user_id": "root", "roles": []})


async def test_two_admins_who_demote_each_other_at_once_leave_one(core: CoreKit, admin: Actor) -> None:
    other = await core.actor("other", roles=[("admin", "org")])
    outcomes = await core.act_all(
        admin,
        [("user.set_roles", {"user_id": id, "roles": []}) for id in ("other", "root")],
    )
    assert [isinstance(outcome, Invalid) for outcome in outcomes] == [False, True]
    await core.refused(Forbidden, other, "user.set_roles", {"user_id": "root", "roles": []})


async def test_the_server_itself_cannot_disable_the_last_admin(core: CoreKit, admin: Actor) -> None:
    with pytest.raises(Invalid):
        await core.core.dispatcher.run_internal("user.disable", {"user_id": "root"})


async def test_nobody_disables_themselves(core: CoreKit, admin: Actor, head: Actor) -> None:
    await core.actor("other", roles=[("admin", "org")])
    for actor in (admin, head):
        error = await core.refused(Invalid, actor, "user.disable", {"user_id": actor.id})
        assert list(error.fields or {}) == ["user_id"]
