"""The Credentials port: password hashes and refresh tokens."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from models.ports import Credentials, RefreshToken, Storage
from models.query import query
from tests.contract.conftest import Backend
from tests.contract.samples import ROOM, plain, put

TOKEN = RefreshToken("session-1", "u1", "hash-1", 1_800_000_000)


def next_token(token: RefreshToken, token_hash: str) -> RefreshToken:
    return dataclasses.replace(token, token_hash=token_hash, expires_at=token.expires_at + 60)


class TestPasswords:
    async def test_a_user_has_none_at_first(self, credentials: Credentials) -> None:
        assert await credentials.password_hash("u1") is None

    async def test_a_hash_is_kept_and_replaced(self, credentials: Credentials) -> None:
        await credentials.set_password_hash("u1", "$2b$12$first")
        await credentials.set_password_hash("u2", "$2b$12$other")
        await credentials.set_password_hash("u1", "$2b$12$second")
        assert await credentials.password_hash("u1") == "$2b$12$second"
        assert await credentials.password_hash("u2") == "$2b$12$other"

    async def test_hashes_survive_a_restart(self, backend: Backend, credentials: Credentials) -> None:
        await credentials.set_password_hash("u1", "$2b$12$first")
        credentials = backend.make_credentials(await backend.reopen())
        assert await credentials.password_hash("u1") == "$2b$12$first"

    async def test_many_at_once_are_all_kept(self, credentials: Credentials) -> None:
        await asyncio.gather(*(credentials.set_password_hash(f"u{i}", f"hash{i}") for i in range(100)))
        kept = await asyncio.gather(*(credentials.password_hash(f"u{i}") for i in range(100)))
        assert kept == [f"hash{i}" for i in range(100)]


class TestRefreshTokens:
    async def test_a_session_has_none_at_first(self, credentials: Credentials) -> None:
        assert await credentials.refresh_token("session-1") is None

    async def test_a_token_is_read_back_as_it_was_added(self, credentials: Credentials) -> None:
        await credentials.add_refresh_token(TOKEN)
        assert await credentials.refresh_token("session-1") == TOKEN

    async def test_rotation_replaces_the_token_that_it_names(self, credentials: Credentials) -> None:
        await credentials.add_refresh_token(TOKEN)
        new = next_token(TOKEN, "hash-2")
        assert await credentials.rotate_refresh_token("hash-1", new) is True
        assert await credentials.refresh_token("session-1") == new

    @pytest.mark.parametrize("old_hash", ["hash-0", "", "hash-1 ", "HASH-1"])
    async def test_rotation_from_another_token_changes_nothing(
        self, credentials: Credentials, old_hash: str
    ) -> None:
        await credentials.add_refresh_token(TOKEN)
        assert await credentials.rotate_refresh_token(old_hash, next_token(TOKEN, "hash-2")) is False
        assert await credentials.refresh_token("session-1") == TOKEN

    async def test_rotation_of_an_unknown_session_makes_none(self, credentials: Credentials) -> None:
        assert await credentials.rotate_refresh_token("hash-1", next_token(TOKEN, "hash-2")) is False
        assert await credentials.refresh_token("session-1") is None

    async def test_a_token_is_good_for_one_rotation(self, credentials: Credentials) -> None:
        await credentials.add_refresh_token(TOKEN)
        outcomes = await asyncio.gather(
            *(credentials.rotate_refresh_token("hash-1", next_token(TOKEN, f"new-{i}")) for i in range(20))
        )
        assert outcomes.count(True) == 1
        current = await credentials.refresh_token("session-1")
        assert current is not None
        assert current.token_hash == f"new-{outcomes.index(True)}"

    async def test_rotation_leaves_other_sessions_alone(self, credentials: Credentials) -> None:
        other = dataclasses.replace(TOKEN, session_id="session-2")
        await credentials.add_refresh_token(TOKEN)
        await credentials.add_refresh_token(other)
        await credentials.rotate_refresh_token("hash-1", next_token(TOKEN, "hash-2"))
        assert await credentials.refresh_token("session-2") == other

    async def test_tokens_survive_a_restart(self, backend: Backend, credentials: Credentials) -> None:
        await credentials.add_refresh_token(TOKEN)
        new = next_token(TOKEN, "hash-2")
        await credentials.rotate_refresh_token("hash-1", new)
        credentials = backend.make_credentials(await backend.reopen())
        assert await credentials.refresh_token("session-1") == new


class TestEndSessions:
    @pytest.fixture(autouse=True)
    async def sessions(self, credentials: Credentials) -> None:
        """Sessions a1, a2 and a3 of user a, b1 of user b."""
        for session_id in ("a1", "a2", "a3", "b1"):
            await credentials.add_refresh_token(RefreshToken(session_id, session_id[0], f"h-{session_id}", 1))

    async def alive(self, credentials: Credentials) -> list[str]:
        return [
            name for name in ("a1", "a2", "a3", "b1") if await credentials.refresh_token(name) is not None
        ]

    async def test_one_session(self, credentials: Credentials) -> None:
        assert await credentials.end_sessions("a", "a2") == ["a2"]
        assert await self.alive(credentials) == ["a1", "a3", "b1"]

    async def test_all_sessions_of_a_user(self, credentials: Credentials) -> None:
        assert sorted(await credentials.end_sessions("a")) == ["a1", "a2", "a3"]
        assert await self.alive(credentials) == ["b1"]

    async def test_the_session_of_another_user_is_left_alone(self, credentials: Credentials) -> None:
        assert await credentials.end_sessions("a", "b1") == []
        assert await self.alive(credentials) == ["a1", "a2", "a3", "b1"]

    async def test_ending_twice_ends_nothing_more(self, credentials: Credentials) -> None:
        await credentials.end_sessions("a")
        assert await credentials.end_sessions("a") == []
        assert await credentials.end_sessions("nobody") == []

    async def test_an_ended_session_cannot_be_rotated(self, credentials: Credentials) -> None:
        await credentials.end_sessions("a", "a1")
        assert await credentials.rotate_refresh_token("h-a1", RefreshToken("a1", "a", "new", 2)) is False
        assert await credentials.refresh_token("a1") is None

    async def test_an_end_survives_a_restart(self, backend: Backend, credentials: Credentials) -> None:
        await credentials.end_sessions("a")
        credentials = backend.make_credentials(await backend.reopen())
        assert await self.alive(credentials) == ["b1"]


async def test_no_secret_is_among_records_or_entries(credentials: Credentials, storage: Storage) -> None:
    await credentials.set_password_hash("u1", "secret")
    await credentials.add_refresh_token(TOKEN)
    await put(storage, ROOM, plain("u1"))
    assert [e.data for e in await storage.read(ROOM, after=0, limit=10)] == [plain("u1") | {"seq": 1}]
    assert await storage.find(query("plain", id="u1")) == [plain("u1") | {"seq": 1}]
