from __future__ import annotations

from typing import Any

import orjson
import pytest

from handlers.dispatch.registry import ACTIONS
from handlers.user import hash_password
from models.actor import Actor
from models.errors import Conflict, Invalid, NotFound, Unauthenticated
from models.journal import ORG, Record
from models.team import member_id
from tests.handlers.places import EVE, a_user, open_directory
from tests.kit import CoreKit

OFFICE = [{"role": "office", "scope": "school:s1"}]


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    return await open_directory(core)


@pytest.fixture
async def head(core: CoreKit, admin: Actor) -> Actor:
    return await core.actor("head", roles=[("school_admin", "school:s1")])


async def members(core: CoreKit, team_id: str, user_id: str) -> list[Record | None]:
    """The membership as `org` and as the team's room have it."""
    id = member_id(team_id, user_id)
    return [await core.storage.get(room, "member", id) for room in (ORG, f"team:{team_id}")]


async def test_an_account_is_created_with_its_address_in_normal_form(core: CoreKit, admin: Actor) -> None:
    user = await a_user(core, admin, ("office", "school:s1"), email=" Eve@Example.TEST")
    assert user == {
        "kind": "user",
        "id": user["id"],
        "seq": user["seq"],
        "email": "eve@example.test",
        "name": "Eve Example",
        "roles": OFFICE,
        "scopes": ["school:s1"],
        "disabled": False,
        "preferences": {},
        "created_at": "2026-03-02T08:30:00.000Z",
    }


async def test_an_address_belongs_to_one_account(core: CoreKit, admin: Actor, head: Actor) -> None:
    eve = await a_user(core, admin)
    error = await core.refused(Conflict, admin, "user.create", {**EVE, "email": "EVE@example.test"})
    assert (list(error.fields or {}), error.current) == (["email"], None)
    payload = {"user_id": eve["id"], "set": {"email": "head@example.test"}}
    error = await core.refused(Conflict, admin, "user.update", payload)
    assert list(error.fields or {}) == ["set.email"]
    await core.act(admin, "user.update", {"user_id": eve["id"], "set": {"email": "EVE@example.test"}})


async def test_of_two_accounts_with_one_address_in_one_batch_the_first_is_created(
    core: CoreKit, admin: Actor
) -> None:
    outcomes = await core.act_all(
        admin, [("user.create", EVE), ("user.create", {**EVE, "email": "EVE@example.test"})]
    )
    assert [isinstance(outcome, Conflict) for outcome in outcomes] == [False, True]


async def test_an_address_that_was_given_up_may_be_used_again(core: CoreKit, admin: Actor) -> None:
    eve = await a_user(core, admin)
    await core.act(admin, "user.update", {"user_id": eve["id"], "set": {"email": "eva@example.test"}})
    await a_user(core, admin)


async def test_a_password_is_kept_as_a_hash_beside_the_journal(core: CoreKit, admin: Actor) -> None:
    password = "rollcall-demo"
    ack = await core.act(admin, "user.create", {**EVE, "password": password}, op_id="create-eve")
    assert isinstance(ack.data, dict)
    password_hash = await core.credentials.password_hash(ack.data["id"])
    assert password_hash is not None
    assert await core.passwords.verify(password, password_hash)
    again = await core.act(admin, "user.create", {**EVE, "password": password}, op_id="create-eve")
    assert (again.duplicate, again.data) == (True, ack.data)
    journal = await core.storage.read(ORG, after=0, limit=1000)
    told = orjson.dumps([[entry.to_wire() for entry in journal], ack.to_wire(), again.to_wire()]).decode()
    assert ack.data["id"] in told
    for secret in (password, password_hash, "password"):
        assert secret not in told


async def test_the_password_leaves_the_payload_before_it_goes_anywhere(core: CoreKit) -> None:
    payload = {**EVE, "password": "correct horse"}
    await hash_password(payload, core.passwords)
    assert set(payload) == {"email", "name", "_password_hash"}
    assert await core.passwords.verify("correct horse", payload["_password_hash"])


async def test_no_refusal_repeats_the_password(
    core: CoreKit, admin: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    await a_user(core, admin)
    for password, error in [
        ("eve@example.test", Invalid),
        ("secret-9x", Invalid),
        ("correct horse", Conflict),
    ]:
        refusal = await core.refused(error, admin, "user.create", {**EVE, "password": password})
        assert password not in orjson.dumps(refusal.to_wire()).decode()
        assert password not in caplog.text


async def test_without_a_password_there_is_no_hash(core: CoreKit, admin: Actor) -> None:
    eve = await a_user(core, admin)
    assert await core.credentials.password_hash(eve["id"]) is None


async def test_a_role_in_a_team_makes_a_member_there(core: CoreKit, admin: Actor) -> None:
    eve = await a_user(core, admin, ("member", "team:t1"))
    for member in await members(core, "t1", eve["id"]):
        assert member is not None
        assert (member["role"], member["name"], member["user_id"]) == ("member", "Eve Example", eve["id"])


async def test_changed_roles_change_the_members_of_the_teams(core: CoreKit, admin: Actor) -> None:
    eve = await a_user(core, admin, ("member", "team:t1"))
    lead_of_both = [{"role": "lead", "scope": "team:t1"}, {"role": "lead", "scope": "team:t2"}]
    await core.act(admin, "user.set_roles", {"user_id": eve["id"], "roles": lead_of_both})
    for team in ("t1", "t2"):
        assert [(m or {}).get("role") for m in await members(core, team, eve["id"])] == ["lead", "lead"]
    await core.act(admin, "user.set_roles", {"user_id": eve["id"], "roles": lead_of_both[1:]})
    assert await members(core, "t1", eve["id"]) == [None, None]
    await core.act(admin, "user.set_roles", {"user_id": eve["id"], "roles": lead_of_both[1:]})
    assert [entry.type for entry in core.commits[-1].entries] == ["user.set_roles"]


async def test_members_follow_the_name_of_the_account(core: CoreKit, admin: Actor) -> None:
    eve = await a_user(core, admin, ("member", "team:t1"))
    await core.act(admin, "user.update", {"user_id": eve["id"], "set": {"name": "Eva"}})
    assert [(m or {}).get("name") for m in await members(core, "t1", eve["id"])] == ["Eva", "Eva"]
    before = len(core.entries("team:t1"))
    await core.act(admin, "user.update", {"user_id": eve["id"], "set": {"preferences": {"theme": "dark"}}})
    assert len(core.entries("team:t1")) == before


async def test_a_disabled_user_leaves_the_teams_and_comes_back_when_enabled(
    core: CoreKit, admin: Actor
) -> None:
    eve = await a_user(core, admin, ("lead", "team:t1"))
    await core.act(admin, "user.disable", {"user_id": eve["id"]})
    assert await members(core, "t1", eve["id"]) == [None, None]
    await core.act(admin, "user.update", {"user_id": eve["id"], "set": {"name": "Eva"}})
    assert await members(core, "t1", eve["id"]) == [None, None]
    await core.act(admin, "user.enable", {"user_id": eve["id"]})
    assert [(m or {}).get("role") for m in await members(core, "t1", eve["id"])] == ["lead", "lead"]


async def test_an_update_against_an_old_seq_is_a_conflict(core: CoreKit, admin: Actor) -> None:
    eve = await a_user(core, admin)
    payload = {"user_id": eve["id"], "set": {"name": "Eva"}}
    await core.act(admin, "user.update", payload, if_seq=eve["seq"])
    error = await core.refused(Conflict, admin, "user.update", payload, if_seq=eve["seq"])
    assert (error.current or {})["name"] == "Eva"


async def test_an_unknown_user_is_not_found_by_an_admin(core: CoreKit, admin: Actor) -> None:
    await core.refused(NotFound, admin, "user.update", {"user_id": "u-none", "set": {"name": "x"}})
    await core.refused(NotFound, admin, "user.set_roles", {"user_id": "u-none", "roles": []})
    for type in ("user.disable", "user.enable"):
        await core.refused(NotFound, admin, type, {"user_id": "u-none"})


@pytest.mark.parametrize("type", ["user.sign_up", "user.set_password"])
async def test_no_client_sends_what_only_the_server_does(core: CoreKit, admin: Actor, type: str) -> None:
    error = await core.refused(Invalid, admin, type, {})
    assert list(error.fields or {}) == ["type"]


async def sign_up(core: CoreKit, payload: dict[str, Any]) -> Record:
    """As the door does it: schema, hash, action."""
    spec = ACTIONS.get("user.sign_up")
    assert spec is not None
    assert spec.prepare is not None
    loaded = spec.schema.load(payload)
    await spec.prepare(loaded, core.passwords)
    ack = await core.core.dispatcher.run_internal("user.sign_up", loaded)
    await core.check()
    assert isinstance(ack.data, dict)
    return ack.data


async def test_who_signs_up_gets_an_account_without_roles(core: CoreKit, admin: Actor) -> None:
    user = await sign_up(core, {**EVE, "password": "correct horse"})
    assert (user["roles"], user["email"]) == ([], "eve@example.test")
    password_hash = await core.credentials.password_hash(user["id"])
    assert await core.passwords.verify("correct horse", password_hash)
    with pytest.raises(Conflict):
        await sign_up(core, {**EVE, "password": "correct horse"})
    told = orjson.dumps([entry.to_wire() for entry in core.entries(ORG)]).decode()
    assert "correct horse" not in told
    assert str(password_hash) not in told


async def test_a_new_password_replaces_the_hash_and_shows_only_that_it_did(
    core: CoreKit, admin: Actor
) -> None:
    eve = await a_user(core, admin, password="correct horse")
    new_hash = await core.passwords.hash("battery staple")
    payload = {"user_id": eve["id"], "_password_hash": new_hash}
    await core.core.dispatcher.run_internal("user.set_password", payload, await core.actor("door"))
    await core.check()
    entry = core.entries(ORG)[-1]
    assert (entry.type, entry.by, entry.data) == ("user.set_password", "door", {**eve, "seq": entry.seq})
    assert await core.credentials.password_hash(eve["id"]) == new_hash
    with pytest.raises(NotFound):
        await core.core.dispatcher.run_internal("user.set_password", {**payload, "user_id": "u-none"})
    assert await core.credentials.password_hash("u-none") is None


async def test_who_is_disabled_earlier_in_a_batch_does_nothing_later_in_it(
    core: CoreKit, admin: Actor
) -> None:
    other = await core.actor("other-admin", roles=[("admin", ORG)])
    outcomes = await core.act_at_once(
        [(admin, "user.disable", {"user_id": other.id}), (other, "user.create", EVE)]
    )
    assert [isinstance(outcome, Unauthenticated) for outcome in outcomes] == [False, True]
