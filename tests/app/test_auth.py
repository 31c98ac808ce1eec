"""Signing in, staying signed in, signing out."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import orjson
import pytest

import handlers.session
from app.auth import ACCOUNT_BUDGET, AT_ONCE, SIGN_IN_BUDGET, WAITING, WRONG, Auth, Grant
from app.limits_memory import LimiterMemory
from app.passwords import BcryptPasswords
from models.actor import Actor
from models.errors import Conflict, Invalid, RateLimited, Unauthenticated, Unavailable
from models.journal import ORG
from models.session import user_room
from tests.app.identity import HERE, PASSWORD, Identity
from tests.kit import CoreKit
from tests.waiting import until

EMAIL = "u1@example.test"


@pytest.fixture
async def user(identity: Identity) -> Actor:
    """A user with a password."""
    return await identity.account("u1", roles=[("teacher", "class:c1")])


@pytest.fixture
def auth(identity: Identity) -> Auth:
    """Signing in, without limits."""
    return identity.auth


def limited(identity: Identity, *, address: str | None = None, account: str | None = None) -> Auth:
    return identity.auth_with(LimiterMemory({SIGN_IN_BUDGET: address, ACCOUNT_BUDGET: account}))


async def wrong(auth: Auth, email: str = EMAIL, password: str = "wrong", address: str = HERE) -> str:
    """The message of a sign-in that fails."""
    with pytest.raises(Unauthenticated) as caught:
        await auth.authenticate(email, password, address)
    return caught.value.message


class TestSigningIn:
    async def test_gives_tokens_and_the_public_profile(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        grant = (await auth.authenticate(EMAIL, PASSWORD, HERE)).to_wire()
        assert (await identity.tokens.verify(grant.pop("access_token"))).actor.id == "u1"
        session_id = grant.pop("refresh_token").partition(".")[0]
        assert list(identity.sessions_of("u1")) == [session_id]
        assert grant == {
            "token_type": "Bearer",
            "expires_in": 900,
            "user": {
                "id": "u1",
                "email": EMAIL,
                "name": "Ada Example",
                "roles": [{"role": "teacher", "scope": "class:c1"}],
                "disabled": False,
                "preferences": {},
            },
        }

    async def test_leaves_an_entry_by_the_user_in_their_own_room(
        self, core: CoreKit, auth: Auth, user: Actor
    ) -> None:
        await auth.authenticate(EMAIL, PASSWORD, HERE)
        [entry] = core.entries(user_room("u1"))
        assert (entry.type, entry.by, entry.op_id) == ("user.login", "u1", None)
        session_id = entry.data["id"]
        assert entry.data == {
            "kind": "session",
            "id": session_id,
            "seq": 1,
            "user_id": "u1",
            "at": "2026-03-02T08:30:00.000Z",
            "ended_at": None,
            "reason": None,
        }

    @pytest.mark.parametrize("email", ["U1@Example.TEST", "  u1@example.test "])
    async def test_takes_the_address_as_people_write_it(self, auth: Auth, user: Actor, email: str) -> None:
        assert (await auth.authenticate(email, PASSWORD, HERE)).user["id"] == "u1"

    async def test_begins_a_session_of_its_own_each_time(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        await asyncio.gather(*(auth.authenticate(EMAIL, PASSWORD, HERE) for _ in range(5)))
        assert list(identity.sessions_of("u1").values()) == [None] * 5

    async def test_works_with_real_hashes(self, core: CoreKit, identity: Identity, user: Actor) -> None:
        passwords = BcryptPasswords(rounds=4)
        await core.credentials.set_password_hash("u1", await passwords.hash("Grüße, 世界 und alle"))
        identity.passwords = passwords  # type: ignore[assignment]
        auth = identity.auth_with(identity.limiter)
        assert (await auth.authenticate(EMAIL, "Grüße, 世界 und alle", HERE)).user["id"] == "u1"
        for password in ("Grüße, 世界 und alles", "", "x" * 1_000, "nul\0nul"):
            await wrong(auth, password=password)
        await wrong(auth, "nobody@example.test")
        passwords.close()


class TestTheOneRefusal:
    async def test_is_the_same_whatever_does_not_fit(
        self, core: CoreKit, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        admin = await identity.account("admin", roles=[("admin", ORG)])
        await identity.account("gone")
        await core.act(admin, "user.disable", {"user_id": "gone"})
        await identity.account("none", password=None)
        assert {
            await wrong(auth),
            await wrong(auth, "nobody@example.test"),
            await wrong(auth, "not an address"),
            await wrong(auth, "gone@example.test", PASSWORD),
            await wrong(auth, "none@example.test"),
            await wrong(auth, ""),
        } == {WRONG}

    async def test_costs_one_comparison_whether_there_is_an_account_or_not(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        await wrong(auth, EMAIL, "guess")
        await wrong(auth, "nobody@example.test", "guess")
        assert identity.passwords.verified == [("guess", PASSWORD[::-1]), ("guess", None)]

    async def test_begins_no_session(self, core: CoreKit, auth: Auth, user: Actor) -> None:
        before = len(core.commits)
        await wrong(auth)
        await wrong(auth, "nobody@example.test")
        assert core.commits[before:] == []


class TestLimits:
    async def test_an_account_is_locked_after_too_many_wrong_passwords_for_the_right_one_too(
        self, identity: Identity, user: Actor
    ) -> None:
        auth = limited(identity, account="3/15 minutes")
        for _ in range(3):
            await wrong(auth)
        compared = len(identity.passwords.verified)
        with pytest.raises(RateLimited) as caught:
            await auth.authenticate(EMAIL.upper(), PASSWORD, "198.51.100.7")
        assert caught.value.retry_after is not None
        assert 0 < caught.value.retry_after <= 15 * 60
        assert len(identity.passwords.verified) == compared

    async def test_an_address_without_an_account_is_locked_alike(self, identity: Identity) -> None:
        auth = limited(identity, account="3/15 minutes")
        for _ in range(3):
            await wrong(auth, "nobody@example.test")
        with pytest.raises(RateLimited):
            await auth.authenticate("nobody@example.test", PASSWORD, HERE)

    async def test_the_lock_is_for_one_account(self, identity: Identity, user: Actor) -> None:
        await identity.account("u2")
        auth = limited(identity, account="1/15 minutes")
        await wrong(auth)
        assert (await auth.authenticate("u2@example.test", PASSWORD, HERE)).user["id"] == "u2"

    async def test_right_passwords_do_not_count(self, identity: Identity, user: Actor) -> None:
        auth = limited(identity, account="1/15 minutes")
        for _ in range(3):
            await auth.authenticate(EMAIL, PASSWORD, HERE)
        await wrong(auth)

    async def test_guessing_all_at_once_gains_no_more_than_one_guess(
        self, identity: Identity, user: Actor
    ) -> None:
        auth = limited(identity, account="10/15 minutes")
        guesses = (auth.authenticate(EMAIL, f"guess {i}", HERE) for i in range(100))
        outcomes = await asyncio.gather(*guesses, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unauthenticated, RateLimited}
        assert 10 <= len(identity.passwords.verified) <= 10 + AT_ONCE - 1

    async def test_attempts_are_limited_by_where_they_come_from(
        self, identity: Identity, user: Actor
    ) -> None:
        auth = limited(identity, address="2/15 minutes")
        await auth.authenticate(EMAIL, PASSWORD, HERE)
        await wrong(auth, "nobody@example.test")
        with pytest.raises(RateLimited):
            await auth.authenticate(EMAIL, PASSWORD, HERE)
        assert (await auth.authenticate(EMAIL, PASSWORD, "198.51.100.7")).user["id"] == "u1"

    async def test_no_more_wait_for_their_turn_than_the_bound(self, identity: Identity, user: Actor) -> None:
        gate = asyncio.Event()
        verify = identity.passwords.verify

        async def slow(password: str, password_hash: str | None) -> bool:
            await gate.wait()
            return await verify(password, password_hash)

        identity.passwords.verify = slow  # type: ignore[method-assign]
        waiting = [
            asyncio.create_task(identity.auth.authenticate(EMAIL, PASSWORD, HERE)) for _ in range(WAITING)
        ]
        await until(lambda: identity.auth._waiting == WAITING)
        with pytest.raises(Unavailable) as caught:
            await identity.auth.authenticate(EMAIL, PASSWORD, HERE)
        assert caught.value.retry_after
        gate.set()
        assert len(await asyncio.gather(*waiting)) == WAITING
        assert (await identity.auth.authenticate(EMAIL, PASSWORD, HERE)).user["id"] == "u1"


async def dead(identity: Identity, grant: Grant) -> bool:
    """Whether neither token of the grant is good for anything."""
    with pytest.raises(Unauthenticated):
        await identity.tokens.verify(grant.access_token)
    with pytest.raises(Unauthenticated):
        await identity.auth.refresh(grant.refresh_token)
    return True


class TestRefreshing:
    async def test_gives_new_tokens_of_the_same_session(
        self, identity: Identity, auth: Auth, user: Actor, core: CoreKit
    ) -> None:
        first = await auth.authenticate(EMAIL, PASSWORD, HERE)
        core.clock.move(minutes=14)
        second = await auth.refresh(first.refresh_token)
        assert second.refresh_token != first.refresh_token
        core.clock.move(minutes=14)
        signed_in = await identity.tokens.verify(second.access_token)
        assert signed_in.actor.session_id == first.refresh_token.partition(".")[0]
        assert second.user == first.user
        assert len(identity.sessions_of("u1")) == 1

    async def test_a_token_that_comes_twice_ends_the_session_for_both_holders(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        first = await auth.authenticate(EMAIL, PASSWORD, HERE)
        second = await auth.refresh(first.refresh_token)
        with pytest.raises(Unauthenticated, match="used before"):
            await auth.refresh(first.refresh_token)
        assert list(identity.sessions_of("u1").values()) == ["reuse"]
        assert await dead(identity, first)
        assert await dead(identity, second)

    async def test_other_sessions_stay(self, identity: Identity, auth: Auth, user: Actor) -> None:
        other = await auth.authenticate(EMAIL, PASSWORD, HERE)
        first = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await auth.refresh(first.refresh_token)
        with pytest.raises(Unauthenticated):
            await auth.refresh(first.refresh_token)
        await identity.tokens.verify(other.access_token)
        await auth.refresh(other.refresh_token)

    async def test_of_two_uses_at_once_one_wins_and_the_session_ends(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        first = await auth.authenticate(EMAIL, PASSWORD, HERE)
        outcomes = await asyncio.gather(
            *(auth.refresh(first.refresh_token) for _ in range(2)), return_exceptions=True
        )
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, Grant)]
        [loser] = [outcome for outcome in outcomes if not isinstance(outcome, Grant)]
        assert isinstance(loser, Unauthenticated)
        assert list(identity.sessions_of("u1").values()) == ["reuse"]
        assert await dead(identity, winner)

    async def test_the_end_is_an_entry_by_the_user(self, core: CoreKit, auth: Auth, user: Actor) -> None:
        first = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await auth.refresh(first.refresh_token)
        core.clock.move(minutes=1)
        with pytest.raises(Unauthenticated):
            await auth.refresh(first.refresh_token)
        entry = core.entries(user_room("u1"))[-1]
        assert (entry.type, entry.by) == ("user.logout", "u1")
        assert entry.data["ended_at"] == entry.at == "2026-03-02T08:31:00.000Z"

    async def test_a_token_waits_thirty_days_and_its_successor_as_long_again(
        self, core: CoreKit, auth: Auth, user: Actor
    ) -> None:
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        for _ in range(2):
            core.clock.move(days=29, hours=23)
            grant = await auth.refresh(grant.refresh_token)
        core.clock.move(days=30)
        with pytest.raises(Unauthenticated):
            await auth.refresh(grant.refresh_token)

    @pytest.mark.parametrize(
        "token", ["", ".", "x", "s-2.", ".r-3", "s-9.r-3", "s-2.r-3.r-3", "a b.c", "{}.$gt"]
    )
    async def test_what_is_no_token_is_refused_and_ends_nothing(
        self, identity: Identity, auth: Auth, user: Actor, token: str
    ) -> None:
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        assert token != grant.refresh_token
        with pytest.raises(Unauthenticated):
            await auth.refresh(token)
        assert list(identity.sessions_of("u1").values()) == [None]
        await auth.refresh(grant.refresh_token)

    async def test_a_made_up_secret_counts_as_reuse(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        with pytest.raises(Unauthenticated):
            await auth.refresh(grant.refresh_token.partition(".")[0] + ".made-up")
        assert list(identity.sessions_of("u1").values()) == ["reuse"]

    async def test_the_roles_are_those_of_now(self, identity: Identity, auth: Auth, user: Actor) -> None:
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await identity.account("u1", roles=[("viewer", "school:s1")])
        assert (await auth.refresh(grant.refresh_token)).user["roles"] == [
            {"role": "viewer", "scope": "school:s1"}
        ]


class TestSigningOut:
    async def test_ends_this_session_only(self, identity: Identity, auth: Auth, user: Actor) -> None:
        stays = await auth.authenticate(EMAIL, PASSWORD, HERE)
        ends = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await auth.logout(await identity.tokens.verify(ends.access_token))
        assert await dead(identity, ends)
        await identity.tokens.verify(stays.access_token)
        assert list(identity.sessions_of("u1").values()) == [None, "signed_out"]

    async def test_everywhere_ends_all_sessions_of_the_user_and_nobody_elses(
        self, identity: Identity, auth: Auth, user: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(handlers.session, "ENDED_AT_ONCE", 2)
        await identity.account("u2")
        other = await auth.authenticate("u2@example.test", PASSWORD, HERE)
        grants = [await auth.authenticate(EMAIL, PASSWORD, HERE) for _ in range(5)]
        await auth.logout(await identity.tokens.verify(grants[0].access_token), everywhere=True)
        for grant in grants:
            assert await dead(identity, grant)
        assert set(identity.sessions_of("u1").values()) == {"signed_out"}
        await auth.refresh(other.refresh_token)

    async def test_a_refresh_token_of_the_user_ends_its_session_too(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        one = await auth.authenticate(EMAIL, PASSWORD, HERE)
        two = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await auth.logout(await identity.tokens.verify(one.access_token), refresh_token=two.refresh_token)
        assert await dead(identity, one)
        assert await dead(identity, two)

    async def test_a_refresh_token_of_somebody_else_ends_nothing_of_theirs(
        self, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        await identity.account("u2")
        other = await auth.authenticate("u2@example.test", PASSWORD, HERE)
        one = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await auth.logout(await identity.tokens.verify(one.access_token), refresh_token=other.refresh_token)
        await auth.refresh(other.refresh_token)

    async def test_twice_ends_it_once(
        self, identity: Identity, auth: Auth, user: Actor, core: CoreKit
    ) -> None:
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        signed_in = await identity.tokens.verify(grant.access_token)
        await asyncio.gather(auth.logout(signed_in), auth.logout(signed_in))
        assert [entry.type for entry in core.entries(user_room("u1"))] == ["user.login", "user.logout"]

    async def test_no_client_can_send_what_begins_or_ends_a_session(self, core: CoreKit, user: Actor) -> None:
        for type in ("user.login", "user.logout"):
            error = await core.refused(Invalid, user, type, {"user_id": "u1", "session_id": "s-1"})
            assert error.fields is not None
            assert "type" in error.fields


class TestWhatElseEndsSessions:
    async def test_a_disabled_user_is_out_and_stays_out_once_enabled_again(
        self, core: CoreKit, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        admin = await identity.account("admin", roles=[("admin", ORG)])
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        await core.act(admin, "user.disable", {"user_id": "u1"})
        assert await dead(identity, grant)
        assert list(identity.sessions_of("u1").values()) == ["disabled"]
        await core.act(admin, "user.enable", {"user_id": "u1"})
        assert await dead(identity, grant)
        await auth.authenticate(EMAIL, PASSWORD, HERE)

    async def test_a_new_password_ends_what_began_with_the_old_one(
        self, core: CoreKit, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        change = {"user_id": "u1", "_password_hash": await identity.passwords.hash("another password")}
        await core.core.dispatcher.run_internal("user.set_password", change)
        await core.core.consumers.idle()
        assert await dead(identity, grant)
        assert list(identity.sessions_of("u1").values()) == ["new_password"]
        await auth.authenticate(EMAIL, "another password", HERE)

    async def test_a_session_begun_later_outlives_a_second_reading_of_the_journal(
        self, core: CoreKit, identity: Identity, auth: Auth, user: Actor
    ) -> None:
        admin = await identity.account("admin", roles=[("admin", ORG)])
        await core.act(admin, "user.disable", {"user_id": "u1"})
        await core.act(admin, "user.enable", {"user_id": "u1"})
        core.clock.move(seconds=1)
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        [entry] = [entry for entry in core.entries(ORG) if entry.type == "user.disable"]
        await handlers.session.end_sessions_of_user(entry, core.core.consumers._effects)
        await identity.tokens.verify(grant.access_token)


class TestTheActions:
    async def test_a_login_that_comes_twice_begins_one_session(
        self, core: CoreKit, identity: Identity, user: Actor
    ) -> None:
        login = {"user_id": "u1", "session_id": "s-1"}
        for _ in range(2):
            await core.core.dispatcher.run_internal("user.login", login, user)
        assert len(core.entries(user_room("u1"))) == 1

    async def test_an_ended_session_is_not_begun_again(
        self, core: CoreKit, identity: Identity, user: Actor
    ) -> None:
        login = {"user_id": "u1", "session_id": "s-1"}
        run = core.core.dispatcher.run_internal
        await run("user.login", login, user)
        await run("user.logout", {**login, "before": None, "reason": "signed_out"}, user)
        await run("user.login", login, user)
        assert identity.sessions_of("u1") == {"s-1": "signed_out"}

    async def test_a_session_that_is_not_there_ends_without_an_entry(
        self, core: CoreKit, user: Actor
    ) -> None:
        logout = {"user_id": "u1", "session_id": "s-9", "before": None, "reason": "signed_out"}
        await core.core.dispatcher.run_internal("user.logout", logout, user)
        assert core.entries(user_room("u1")) == []


class TestSignUp:
    async def test_makes_an_account_without_roles(
        self, core: CoreKit, identity: Identity, auth: Auth
    ) -> None:
        sent = {"email": "New@example.test", "name": "New Person", "password": "a fine password"}
        ack = (await auth.sign_up(sent, HERE)).to_wire()
        assert ack["data"]["email"] == "new@example.test"
        assert ack["data"]["roles"] == []
        assert "password" not in orjson.dumps(ack).decode()
        assert (await auth.authenticate("new@example.test", "a fine password", HERE)).user["roles"] == []

    @pytest.mark.parametrize(
        ("sent", "field"),
        [
            ({"email": "new@example.test", "name": "New"}, "password"),
            ({"email": "new@example.test", "name": "New", "password": "short"}, "password"),
            ({"email": "new", "name": "New", "password": "a fine password"}, "email"),
            ({"email": "n@example.test", "name": "N", "password": "a fine password", "roles": []}, "roles"),
            ({"email": {"$gt": ""}, "name": "N", "password": "a fine password"}, "email"),
        ],
    )
    async def test_names_what_is_wrong(
        self, core: CoreKit, auth: Auth, sent: dict[str, object], field: str
    ) -> None:
        with pytest.raises(Invalid) as caught:
            await auth.sign_up(sent, HERE)
        assert caught.value.fields is not None
        assert field in caught.value.fields
        assert core.commits == []

    async def test_an_address_has_one_account(self, auth: Auth, user: Actor) -> None:
        sent = {"email": EMAIL.upper(), "name": "Somebody", "password": "a fine password"}
        with pytest.raises(Conflict):
            await auth.sign_up(sent, HERE)

    async def test_is_limited_by_where_it_comes_from(self, identity: Identity) -> None:
        auth = limited(identity, address="1/15 minutes")
        sent = {"email": "one@example.test", "name": "One", "password": "a fine password"}
        await auth.sign_up(sent, HERE)
        with pytest.raises(RateLimited):
            await auth.sign_up({**sent, "email": "two@example.test"}, HERE)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


class TestSecrets:
    async def test_stand_in_no_journal_log_or_file(
        self,
        core: CoreKit,
        identity: Identity,
        auth: Auth,
        user: Actor,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        grant = await auth.authenticate(EMAIL, PASSWORD, HERE)
        newer = await auth.refresh(grant.refresh_token)
        await wrong(auth, password="a wrong guess of mine")
        with pytest.raises(Unauthenticated):
            await auth.refresh(grant.refresh_token)
        secrets = [
            PASSWORD,
            "a wrong guess of mine",
            *(g.access_token for g in (grant, newer)),
            *(g.refresh_token for g in (grant, newer)),
        ]
        journal = orjson.dumps([entry.to_wire() for commit in core.commits for entry in commit.entries])
        files = await asyncio.to_thread(everything_in, tmp_path)
        assert b"u1@example.test" in files
        for secret in secrets:
            assert secret not in caplog.text
            assert secret.encode() not in journal
            assert secret.encode() not in files

    async def test_a_hash_stands_in_no_journal(self, core: CoreKit, identity: Identity, user: Actor) -> None:
        admin = await identity.account("admin", roles=[("admin", ORG)])
        sent = {"email": "new@example.test", "name": "New", "password": "a fine password"}
        ack = await core.act(admin, "user.create", sent)
        assert isinstance(ack.data, dict)
        kept = await core.credentials.password_hash(ack.data["id"])
        assert kept is not None
        journal = orjson.dumps([entry.to_wire() for commit in core.commits for entry in commit.entries])
        assert kept.encode() not in journal
        assert b"a fine password" not in journal
