"""Access tokens: what they say, and everything that is no good one."""

from __future__ import annotations

import base64
import time
from typing import Any

import jwt
import orjson
import pytest

from app.sessions import Sessions
from app.tokens import JwtTokens
from models.errors import Unauthenticated
from models.session import user_room
from tests.app.identity import KEYS, Identity
from tests.kit import MONDAY, CoreKit

NOW = int(MONDAY.timestamp())
CLAIMS: dict[str, Any] = {"sub": "u1", "sid": "s-1", "iat": NOW, "exp": NOW + 900}


def signed(
    claims: dict[str, Any] | None = None,
    *,
    key: str = KEYS["first"],
    kid: object = "first",
    algorithm: str = "HS256",
) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(CLAIMS if claims is None else claims, key, algorithm=algorithm, headers=headers)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


@pytest.fixture
async def tokens(identity: Identity) -> JwtTokens:
    """Tokens of a node where `u1` has the session `s-1`."""
    await identity.token(await identity.account("u1", roles=[("teacher", "class:c1")]))
    return identity.tokens


class TestGoodTokens:
    async def test_says_who_and_which_session_and_nothing_else(self, tokens: JwtTokens) -> None:
        issued = tokens.issue("u1", "s-1")
        assert jwt.get_unverified_header(issued.text) == {"alg": "HS256", "kid": "first", "typ": "JWT"}
        assert jwt.decode(issued.text, options={"verify_signature": False}) == CLAIMS
        assert issued.expires_at == NOW + 15 * 60

    async def test_stands_for_the_user_in_the_session(self, tokens: JwtTokens) -> None:
        signed_in = await tokens.verify(tokens.issue("u1", "s-1").text)
        assert signed_in.actor.id == "u1"
        assert signed_in.actor.session_id == "s-1"
        assert signed_in.actor.roles == (("teacher", "class:c1"),)
        assert signed_in.expires_at == NOW + 900

    async def test_the_roles_are_those_of_now_not_those_of_the_sign_in(
        self, tokens: JwtTokens, identity: Identity
    ) -> None:
        text = tokens.issue("u1", "s-1").text
        await identity.account("u1", roles=[("viewer", "school:s1")])
        assert (await tokens.verify(text)).actor.roles == (("viewer", "school:s1"),)

    async def test_is_good_to_the_last_second(self, tokens: JwtTokens, core: CoreKit) -> None:
        text = tokens.issue("u1", "s-1").text
        core.clock.move(seconds=899)
        assert (await tokens.verify(text)).actor.id == "u1"

    async def test_the_clock_of_the_node_counts_not_that_of_the_library(self, tokens: JwtTokens) -> None:
        assert time.time() > NOW + 900
        assert (await tokens.verify(signed())).actor.id == "u1"


class TestBadTokens:
    @pytest.mark.parametrize(
        "token",
        [
            None,
            "",
            5,
            True,
            b"bytes",
            ["list"],
            {"token": "x"},
            "no token",
            "a.b.c",
            "...",
            "\ud800.x.y",
            "é.é.é",
            "x" * 100_000,
            f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(CLAIMS)}.",
            f"{part({'alg': 'none', 'kid': 'first'})}.{part(CLAIMS)}.",
            f"{part({'alg': 'None', 'kid': 'first'})}.{part(CLAIMS)}.",
            f"{part({'alg': ['HS256'], 'kid': 'first'})}.{part(CLAIMS)}.AA",
            f"{part(['HS256'])}.{part(CLAIMS)}.AA",
        ],
    )
    async def test_what_is_no_token_of_ours_is_refused(self, tokens: JwtTokens, token: object) -> None:
        with pytest.raises(Unauthenticated):
            await tokens.verify(token)

    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    @pytest.mark.parametrize(
        "token",
        [
            signed(key=KEYS["second"]),
            signed(key="x" * 64),
            signed(kid="second"),
            signed(kid="third"),
            signed(kid=None),
            signed(algorithm="HS384", key=KEYS["first"] * 2),
            signed(algorithm="HS512", key=KEYS["first"] * 2),
        ],
        ids=["wrong key", "made-up key", "wrong kid", "unknown kid", "no kid", "HS384", "HS512"],
    )
    async def test_only_hs256_with_the_named_key_counts(self, tokens: JwtTokens, token: str) -> None:
        with pytest.raises(Unauthenticated):
            await tokens.verify(token)

    async def test_another_algorithm_is_refused_even_with_the_right_key(self, identity: Identity) -> None:
        long_key = "k" * 64
        tokens = identity.tokens_with({"first": long_key})
        await identity.token(await identity.account("u1"))
        assert (await tokens.verify(signed(key=long_key))).actor.id == "u1"
        with pytest.raises(Unauthenticated):
            await tokens.verify(signed(key=long_key, algorithm="HS512"))

    async def test_a_changed_token_is_refused(self, tokens: JwtTokens) -> None:
        header, _, signature = tokens.issue("u1", "s-1").text.split(".")
        with pytest.raises(Unauthenticated):
            await tokens.verify(f"{header}.{part({**CLAIMS, 'sub': 'u2'})}.{signature}")

    @pytest.mark.parametrize("claim", sorted(CLAIMS))
    async def test_every_claim_is_needed(self, tokens: JwtTokens, claim: str) -> None:
        with pytest.raises(Unauthenticated):
            await tokens.verify(signed({name: value for name, value in CLAIMS.items() if name != claim}))

    @pytest.mark.parametrize(
        "claims",
        [
            {"sub": "u1\n"},
            {"sub": "$gt"},
            {"sid": {"$gt": ""}},
            {"sid": ""},
            {"iat": "soon"},
            {"iat": True},
            {"exp": "never"},
            {"exp": 1e300},
            {"exp": None},
            {"exp": True},
        ],
    )
    async def test_claims_of_another_type_are_refused(
        self, tokens: JwtTokens, claims: dict[str, Any]
    ) -> None:
        with pytest.raises(Unauthenticated):
            await tokens.verify(signed({**CLAIMS, **claims}))

    async def test_an_expired_token_is_refused(self, tokens: JwtTokens, core: CoreKit) -> None:
        text = tokens.issue("u1", "s-1").text
        core.clock.move(minutes=15)
        with pytest.raises(Unauthenticated, match="expired"):
            await tokens.verify(text)

    async def test_another_nodes_clock_may_be_a_little_ahead(self, tokens: JwtTokens) -> None:
        assert (await tokens.verify(signed({**CLAIMS, "iat": NOW + 60}))).actor.id == "u1"
        with pytest.raises(Unauthenticated):
            await tokens.verify(signed({**CLAIMS, "iat": NOW + 61}))

    async def test_a_user_who_is_gone_or_disabled_is_refused(
        self, tokens: JwtTokens, identity: Identity, core: CoreKit
    ) -> None:
        admin = await identity.account("admin", roles=[("admin", "org")])
        text = tokens.issue("u1", "s-1").text
        await core.act(admin, "user.disable", {"user_id": "u1"})
        for token in (text, signed({**CLAIMS, "sub": "nobody"})):
            with pytest.raises(Unauthenticated):
                await tokens.verify(token)

    async def test_the_server_itself_cannot_be_signed_in_as(self, tokens: JwtTokens) -> None:
        with pytest.raises(Unauthenticated):
            await tokens.verify(signed({**CLAIMS, "sub": "system"}))

    async def test_a_session_of_somebody_else_is_none(self, tokens: JwtTokens, identity: Identity) -> None:
        await identity.account("u2")
        with pytest.raises(Unauthenticated):
            await tokens.verify(signed({**CLAIMS, "sub": "u2"}))


class TestKeys:
    async def test_a_new_key_signs_while_the_old_one_still_verifies(
        self, tokens: JwtTokens, identity: Identity
    ) -> None:
        old = tokens.issue("u1", "s-1").text
        rotated = identity.tokens_with({"new": "n" * 32, **KEYS})
        new = rotated.issue("u1", "s-1").text
        assert jwt.get_unverified_header(new)["kid"] == "new"
        assert (await rotated.verify(old)).actor.id == "u1"
        assert (await rotated.verify(new)).actor.id == "u1"

    async def test_a_key_that_was_taken_away_verifies_nothing(
        self, tokens: JwtTokens, identity: Identity
    ) -> None:
        old = tokens.issue("u1", "s-1").text
        with pytest.raises(Unauthenticated):
            await identity.tokens_with({"new": "n" * 32}).verify(old)

    @pytest.mark.parametrize("keys", [{}, {"a": "k" * 31}, {"a": "k" * 32, "b": ""}])
    def test_too_short_a_key_is_refused_at_the_start(self, identity: Identity, keys: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            identity.tokens_with(keys)


class TestSessions:
    async def test_a_session_that_ends_here_ends_at_once(self, tokens: JwtTokens, identity: Identity) -> None:
        text = tokens.issue("u1", "s-1").text
        await identity.auth.logout(await tokens.verify(text))
        with pytest.raises(Unauthenticated, match="session has ended"):
            await tokens.verify(text)

    async def test_a_session_that_was_never_begun_is_none(self, tokens: JwtTokens) -> None:
        with pytest.raises(Unauthenticated):
            await tokens.verify(tokens.issue("u1", "s-99").text)

    async def test_what_another_node_ends_has_ended_here_within_five_seconds(
        self, tokens: JwtTokens, identity: Identity, core: CoreKit
    ) -> None:
        elsewhere = Sessions(core.storage, core.clock)
        assert await elsewhere.is_open("u1", "s-1")
        await identity.auth.logout(await tokens.verify(tokens.issue("u1", "s-1").text))
        core.clock.move(seconds=5)
        assert not await elsewhere.is_open("u1", "s-1")

    async def test_an_open_session_is_read_once_in_five_seconds(
        self, tokens: JwtTokens, core: CoreKit
    ) -> None:
        sessions = Sessions(core.storage, core.clock)
        assert await sessions.is_open("u1", "s-1")
        await core.storage.close()
        core.clock.move(seconds=4.9)
        assert await sessions.is_open("u1", "s-1")

    async def test_what_ends_while_it_is_being_read_has_ended(
        self, tokens: JwtTokens, identity: Identity, core: CoreKit
    ) -> None:
        sessions = Sessions(core.storage, core.clock)
        signed_in = await tokens.verify(tokens.issue("u1", "s-1").text)
        read = core.storage.get

        async def read_then_end(room: str, kind: str, id: str) -> Any:
            found = await read(room, kind, id)
            await identity.auth.logout(signed_in)
            sessions.apply(core.commits[-1])
            return found

        core.storage.get = read_then_end  # type: ignore[method-assign]
        try:
            assert not await sessions.is_open("u1", "s-1")
        finally:
            core.storage.get = read  # type: ignore[method-assign]
        assert core.entries(user_room("u1"))[-1].data["reason"] == "signed_out"

    async def test_no_more_sessions_are_remembered_than_the_limit(
        self, identity: Identity, core: CoreKit
    ) -> None:
        actor = await identity.account("u1")
        sessions = Sessions(core.storage, core.clock, limit=2)
        for _ in range(4):
            await identity.token(actor)
        for session_id in identity.sessions_of("u1"):
            assert await sessions.is_open("u1", session_id)
        assert len(sessions._open) == 2
