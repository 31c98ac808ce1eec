import pytest

from app.demo.load import Outcome
from app.demo.passwords import DEMO_PASSWORD
from app.demo.plan import accounts
from models.action import Action
from models.actor import SYSTEM
from models.errors import Invalid
from models.journal import ORG
from models.query import query
from tests.app.demo.kit import SMALL, holders, load, set_password
from tests.kit import CoreKit


async def test_everybody_has_the_demo_password_by_one_hash(core: CoreKit) -> None:
    await load(core)
    users = await core.storage.find(query("user", room=ORG))
    hashes = {await core.credentials.password_hash(user["id"]) for user in users}
    (password_hash,) = hashes
    assert await core.passwords.verify(DEMO_PASSWORD, password_hash)


async def test_an_address_that_somebody_else_has_is_left_to_them(core: CoreKit) -> None:
    mine = {"email": "admin@demo.test", "name": "Ada Example", "password": "my own password", "roles": []}
    await core.core.dispatcher.run(Action("user.create", mine, "op-1", SYSTEM))
    await load(core)
    (user,) = await core.storage.find(query("user", room=ORG, email="admin@demo.test"))
    assert user["name"] == "Ada Example"
    assert await core.storage.get(ORG, "user", "u-admin") is None
    assert await core.passwords.verify("my own password", await core.credentials.password_hash(user["id"]))
    assert await core.storage.get(ORG, "user", "u-s1-head") is not None


async def test_who_has_the_demo_password_is_known_exactly(core: CoreKit) -> None:
    await load(core)
    everybody = {account.id for account in accounts(SMALL)}
    assert await holders(core) == everybody
    await set_password(core, "u-admin", "another password")
    await core.core.dispatcher.run(Action("user.disable", {"user_id": "u-s1-head"}, "op-1", SYSTEM))
    assert await holders(core) == everybody - {"u-admin", "u-s1-head"}
    await set_password(core, "u-admin", DEMO_PASSWORD)
    assert await holders(core) == everybody - {"u-s1-head"}
    await core.core.dispatcher.run(Action("user.enable", {"user_id": "u-s1-head"}, "op-2", SYSTEM))
    assert await holders(core) == everybody


async def test_other_people_with_that_password_are_not_demo_accounts(core: CoreKit) -> None:
    for number, email in enumerate(["demo@school.example", "admin@demo.test.example", "x@mydemo.test"]):
        payload = {"email": email, "name": "Ada Example", "password": DEMO_PASSWORD, "roles": []}
        await core.core.dispatcher.run(Action("user.create", payload, f"op-{number}", SYSTEM))
    assert await holders(core) == set()


async def test_a_given_password_replaces_the_demo_password_and_ends_its_sessions(core: CoreKit) -> None:
    await load(core)
    await set_password(core, "u-s1-head", "my own password")
    await core.core.dispatcher.run_internal("user.login", {"user_id": "u-admin", "session_id": "s-1"})
    outcome = await load(core, password="new password")
    assert outcome == Outcome(0, len(list(accounts(SMALL))) - 1)
    assert await holders(core) == set()
    for user_id, password in (("u-admin", "new password"), ("u-s1-head", "my own password")):
        assert await core.passwords.verify(password, await core.credentials.password_hash(user_id))
    (session,) = await core.storage.find(query("session", room="user:u-admin"))
    assert session["ended_at"] is not None


async def test_a_demo_with_its_own_password_has_no_demo_password(core: CoreKit) -> None:
    await load(core, password="new password")
    assert await holders(core) == set()
    assert await core.passwords.verify("new password", await core.credentials.password_hash("u-t1-member3"))


async def test_a_password_that_breaks_the_rules_is_refused_and_nothing_loaded(core: CoreKit) -> None:
    with pytest.raises(Invalid, match="at least 10 characters"):
        await load(core, password="short")
    assert await core.storage.heads([ORG]) == {ORG: 0}
