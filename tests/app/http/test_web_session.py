"""Sessions of our own pages: the cookies, and from where a request counts on them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from multidict import CIMultiDict

from app.auth import ACCOUNT_BUDGET, SIGN_IN_BUDGET
from app.http.route import ROUTES, Token
from app.limits_memory import LimiterMemory
from models.actor import Actor
from models.errors import RateLimited
from models.ports import RefreshToken, StorageLost
from tests.app.client import Door, Reply
from tests.app.identity import PASSWORD

PAGE = {"X-Rollcall-Web": "1"}
ACCESS, REFRESH = "rollcall_access", "rollcall_refresh"
PATHS = {ACCESS: "/", REFRESH: "/api/web"}
LIVES = {ACCESS: "900", REFRESH: str(30 * 24 * 3600)}
FOREIGN = [
    "https://elsewhere.test",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "null",
    "",
    "file://",
    "ftp://{host}",
    "http://{host}.elsewhere.test",
    "http://elsewhere.test@{host}",
    "http://{host}/",
    "http://{host} http://elsewhere.test",
    "http://:99999",
]


class Jar:
    """The cookies of a page. Every request takes in what is set; the browser's rules are the tests' own."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.cookies: dict[str, str] = {}

    async def post(self, path: str, json: Any = None, headers: dict[str, str] | None = None) -> Reply:
        return await self.request("POST", path, json, headers)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return await self.request("GET", path, None, headers)

    async def request(self, method: str, path: str, json: Any, headers: dict[str, str] | None) -> Reply:
        """By default as a page of ours sends it."""
        sent = {**(PAGE if headers is None else headers), **self.header()}
        self.door.client.session.cookie_jar.clear()
        reply = await self.door.request(method, path, json=json, headers=sent)
        for name, morsel in cookies_of(reply).items():
            self.cookies[name] = morsel.value
            if morsel["max-age"] == "0":
                del self.cookies[name]
        return reply

    def header(self) -> dict[str, str]:
        """What the browser adds."""
        text = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": text} if text else {}

    async def sign_in(self, **headers: str) -> Reply:
        body = {"email": "admin@example.test", "password": PASSWORD}
        return await self.post("/api/web/sign-in", body, {**PAGE, **headers})


def cookies_of(reply: Reply) -> SimpleCookie:
    """What the answer sets."""
    found = SimpleCookie()
    for line in reply.headers.getall("Set-Cookie", ()):
        found.load(line)
    return found


def ends(jar: Jar) -> list[str | None]:
    """Why each session of the administrator has ended; None for one that is open."""
    return list(jar.door.identity.sessions_of("admin").values())


def own_host(door: Door) -> str:
    return f"{door.client.host}:{door.client.port}"


def cleared(reply: Reply) -> bool:
    """Whether the answer takes both cookies away."""
    found = cookies_of(reply)
    return {name: (morsel.value, morsel["max-age"], morsel["path"]) for name, morsel in found.items()} == {
        name: ("", "0", path) for name, path in PATHS.items()
    }


@pytest.fixture
def jar(door: Door, admin: Actor) -> Jar:
    """The cookies of a page, before anybody has signed in."""
    return Jar(door)


class TestSigningIn:
    async def test_puts_the_tokens_into_cookies_that_no_script_reads(self, jar: Jar) -> None:
        reply = await jar.sign_in()
        assert reply.status == 200
        found = cookies_of(reply)
        assert found.keys() == PATHS.keys()
        for name, morsel in found.items():
            assert (morsel["path"], morsel["max-age"]) == (PATHS[name], LIVES[name])
            assert (morsel["httponly"], morsel["samesite"], morsel["domain"]) == (True, "Strict", "")
            assert not morsel["secure"]

    async def test_ends_the_session_that_the_cookies_held(self, jar: Jar) -> None:
        await jar.sign_in()
        first = dict(jar.cookies)
        refused = await jar.post("/api/web/sign-in", {"email": "admin@example.test", "password": "wrong"})
        assert refused.status == 401
        assert ends(jar) == [None]
        await jar.sign_in()
        assert sorted(ends(jar), key=str) == [None, "signed_out"]
        jar.cookies = first
        assert (await jar.get("/api/users/me")).code == (401, "unauthenticated")

    async def test_puts_no_token_into_the_body(self, jar: Jar) -> None:
        first = await jar.sign_in()
        profile = (await jar.get("/api/users/me")).json
        assert first.json == {"user": profile, "expires_in": 900}
        second = await jar.post("/api/web/refresh")
        assert second.json == first.json
        for name, value in jar.cookies.items():
            assert value.encode() not in first.body + second.body, name
        assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "no-store"

    async def test_by_https_the_cookies_stay_with_https(self, jar: Jar) -> None:
        reply = await jar.sign_in(Origin=f"https://{own_host(jar.door)}")
        assert [morsel["secure"] for morsel in cookies_of(reply).values()] == [True, True]
        plain = await jar.sign_in(Origin=f"http://{own_host(jar.door)}")
        assert [morsel["secure"] for morsel in cookies_of(plain).values()] == ["", ""]

    async def test_is_refused_as_at_the_other_door_and_leaves_the_cookies(self, jar: Jar) -> None:
        await jar.sign_in()
        for email, password in (("admin@example.test", "wrong"), ("nobody@example.test", PASSWORD)):
            body = {"email": email, "password": password}
            reply = await jar.post("/api/web/sign-in", body)
            other = await jar.door.post("/api/users/authenticate", body)
            assert reply.code == (401, "unauthenticated")
            assert reply.body == other.body
            assert not cookies_of(reply)
        assert len({password_hash for _, password_hash in jar.door.identity.passwords.verified}) > 1
        assert len(jar.door.identity.passwords.verified) == 5

    async def test_shares_its_limits_with_the_other_door(self, jar: Jar) -> None:
        limiter = LimiterMemory({SIGN_IN_BUDGET: "3/minute", ACCOUNT_BUDGET: "2/minute"})
        jar.door.identity.auth._limiter = limiter
        for _ in range(2):
            wrong = {"email": "admin@example.test", "password": "wrong"}
            assert (await jar.post("/api/web/sign-in", wrong)).status == 401
        assert (await jar.sign_in()).code == (429, "rate_limited")
        with pytest.raises(RateLimited):
            limiter.spend(SIGN_IN_BUDGET, "127.0.0.1")

    async def test_names_what_is_wrong_with_the_request(self, jar: Jar) -> None:
        reply = await jar.post("/api/web/sign-in", {"email": 5})
        assert reply.code == (422, "invalid")
        assert reply.error["fields"].keys() == {"email", "password"}

    async def test_leaves_no_secret_in_the_log(self, jar: Jar, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        await jar.sign_in()
        secrets = [PASSWORD, *jar.cookies.values()]
        await jar.post("/api/web/refresh")
        await jar.post("/api/web/sign-out")
        assert [secret for secret in (*secrets, *jar.cookies.values()) if secret in caplog.text] == []


class TestRefreshing:
    async def test_makes_both_cookies_new(self, jar: Jar) -> None:
        await jar.sign_in()
        old = dict(jar.cookies)
        jar.door.core.clock.move(minutes=16)
        assert (await jar.get("/api/users/me")).code == (401, "unauthenticated")
        reply = await jar.post("/api/web/refresh")
        assert reply.status == 200
        found = cookies_of(reply)
        assert {name: (m["path"], m["max-age"]) for name, m in found.items()} == {
            name: (PATHS[name], LIVES[name]) for name in PATHS
        }
        assert [name for name in PATHS if jar.cookies[name] == old[name]] == []
        assert (await jar.get("/api/users/me")).status == 200

    async def test_with_a_used_cookie_ends_the_session_for_both_who_have_it(self, jar: Jar) -> None:
        await jar.sign_in()
        thief = Jar(jar.door)
        thief.cookies = dict(jar.cookies)
        assert (await jar.post("/api/web/refresh")).status == 200
        again = await thief.post("/api/web/refresh")
        assert again.code == (401, "unauthenticated")
        assert cleared(again)
        assert ends(jar) == ["reuse"]
        assert (await jar.get("/api/users/me")).code == (401, "unauthenticated")
        assert cleared(await jar.post("/api/web/refresh"))
        assert jar.cookies == {}

    @pytest.mark.parametrize("value", [None, "", "garbage", "{session}.r-99", "s-99.r-1", "x" * 5_000])
    async def test_without_a_good_cookie_takes_both_away(self, jar: Jar, value: str | None) -> None:
        await jar.sign_in()
        session_id = jar.cookies.pop(REFRESH).partition(".")[0]
        if value is not None:
            jar.cookies[REFRESH] = value.replace("{session}", session_id)
        reply = await jar.post("/api/web/refresh")
        assert reply.code == (401, "unauthenticated")
        assert cleared(reply)

    async def test_rotates_the_token_that_the_other_door_knows(self, jar: Jar) -> None:
        await jar.sign_in()
        body = {"refresh_token": jar.cookies[REFRESH]}
        assert (await jar.door.post("/api/users/refresh", body)).status == 200
        assert (await jar.post("/api/web/refresh")).code == (401, "unauthenticated")

    async def test_twice_at_the_same_moment_ends_the_session_too(self, jar: Jar) -> None:
        await jar.sign_in()
        tabs = [Jar(jar.door), Jar(jar.door)]
        for tab in tabs:
            tab.cookies = dict(jar.cookies)
        replies = await asyncio.gather(*(tab.post("/api/web/refresh") for tab in tabs))
        assert sorted(reply.status for reply in replies) == [200, 401]
        assert ends(jar) == ["reuse"]

    async def test_a_storage_that_is_away_takes_no_cookie(
        self, jar: Jar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await jar.sign_in()

        async def lost(session_id: str) -> RefreshToken | None:
            raise StorageLost("away")

        monkeypatch.setattr(jar.door.core.credentials, "refresh_token", lost)
        for path in ("/api/web/refresh", "/api/web/sign-out"):
            reply = await jar.post(path)
            assert reply.code == (503, "unavailable")
            assert not cookies_of(reply)

    async def test_the_access_cookie_is_not_enough(self, jar: Jar) -> None:
        await jar.sign_in()
        jar.cookies[REFRESH] = jar.cookies[ACCESS]
        assert (await jar.post("/api/web/refresh")).code == (401, "unauthenticated")


class TestSigningOut:
    async def test_ends_the_session_and_takes_both_cookies_away(self, jar: Jar) -> None:
        await jar.sign_in()
        old = dict(jar.cookies)
        reply = await jar.post("/api/web/sign-out")
        assert (reply.status, reply.json) == (200, {"ok": True})
        assert cleared(reply)
        assert ends(jar) == ["signed_out"]
        jar.cookies = old
        assert (await jar.get("/api/users/me")).code == (401, "unauthenticated")
        assert (await jar.post("/api/web/refresh")).code == (401, "unauthenticated")

    @pytest.mark.parametrize("gone", [ACCESS, REFRESH])
    async def test_one_of_the_cookies_is_enough(self, jar: Jar, gone: str) -> None:
        await jar.sign_in()
        del jar.cookies[gone]
        assert (await jar.post("/api/web/sign-out")).status == 200
        assert ends(jar) == ["signed_out"]

    async def test_an_expired_access_cookie_does_no_harm(self, jar: Jar) -> None:
        await jar.sign_in()
        jar.door.core.clock.move(minutes=16)
        assert (await jar.post("/api/web/sign-out")).status == 200
        assert ends(jar) == ["signed_out"]

    async def test_answers_the_same_to_who_is_not_signed_in(self, jar: Jar) -> None:
        for cookies in ({}, {ACCESS: "x", REFRESH: "y"}, {ACCESS: "", REFRESH: "s-1.r-1"}):
            jar.cookies = dict(cookies)
            reply = await jar.post("/api/web/sign-out")
            assert (reply.status, reply.json) == (200, {"ok": True})
            assert cleared(reply)

    async def test_a_refresh_that_is_under_way_does_not_keep_the_session(self, jar: Jar) -> None:
        await jar.sign_in()
        leaving = Jar(jar.door)
        leaving.cookies = {REFRESH: jar.cookies[REFRESH]}
        await jar.post("/api/web/refresh")
        assert (await leaving.post("/api/web/sign-out")).status == 200
        assert ends(jar) == ["signed_out"]
        assert (await jar.get("/api/users/me")).code == (401, "unauthenticated")


def with_origin(origin: str, door: Door) -> str:
    return origin.replace("{host}", own_host(door))


async def every_use(jar: Jar, headers: dict[str, str]) -> Iterable[Reply]:
    """What counts on cookies: the three routes, and any other by the access cookie."""
    body = {"email": "admin@example.test", "password": PASSWORD}
    mark = {"type": "school.create", "payload": {}, "op_id": "op-1"}
    return [
        await jar.post("/api/web/sign-in", body, headers),
        await jar.post("/api/web/refresh", None, headers),
        await jar.post("/api/web/sign-out", None, headers),
        await jar.get("/api/users/me", headers),
        await jar.request("HEAD", "/api/users/me", None, headers),
        await jar.request("PATCH", "/api/users/me", {"name": "New"}, headers),
        await jar.post("/api/actions", mark, headers),
        await jar.post("/api/users", {"email": "a@b.test", "name": "A"}, headers),
    ]


class TestCountingOnTheCookie:
    async def test_every_route_that_takes_a_token_takes_it(self, jar: Jar) -> None:
        await jar.sign_in()
        for route in ROUTES:
            if route.token in (Token.REQUIRED, Token.OPTIONAL) and "logout" not in route.path:
                path = route.path.format(**dict.fromkeys(route.parts(), "x1"))
                reply = await jar.request(route.method, path, None, None)
                assert reply.status not in (401, 403), path
        assert (await jar.post("/api/users/logout")).status == 200
        assert ends(jar) == ["signed_out"]

    @pytest.mark.parametrize("value", [None, "", "0", "true"])
    async def test_needs_a_header_that_no_page_from_elsewhere_can_send(
        self, jar: Jar, value: str | None
    ) -> None:
        await jar.sign_in()
        before = dict(jar.cookies)
        for reply in await every_use(jar, {} if value is None else {"X-Rollcall-Web": value}):
            assert reply.status == 403
            assert not cookies_of(reply)
            if reply.body:
                assert reply.error["code"] == "forbidden"
                assert "X-Rollcall-Web: 1" in reply.error["message"]
        assert jar.cookies == before
        assert ends(jar) == [None]

    @pytest.mark.parametrize("origin", FOREIGN)
    async def test_is_refused_to_a_page_from_elsewhere(self, jar: Jar, origin: str) -> None:
        await jar.sign_in()
        headers = {**PAGE, "Origin": with_origin(origin, jar.door)}
        for reply in await every_use(jar, headers):
            assert reply.status == 403
            assert not cookies_of(reply)
            if reply.body:
                assert reply.error["code"] == "forbidden"
                assert own_host(jar.door) in reply.error["message"]
        assert ends(jar) == [None]

    async def test_what_a_client_says_of_a_proxy_makes_no_origin_its_own(self, jar: Jar) -> None:
        await jar.sign_in()
        headers = {
            **PAGE,
            "Origin": "https://elsewhere.test",
            "X-Forwarded-Host": "elsewhere.test",
            "X-Forwarded-Proto": "https",
            "Forwarded": "host=elsewhere.test;proto=https",
        }
        assert {reply.status for reply in await every_use(jar, headers)} == {403}

    async def test_two_origins_are_one_too_many(self, jar: Jar) -> None:
        await jar.sign_in()
        headers = CIMultiDict({**PAGE, **jar.header(), "Origin": f"http://{own_host(jar.door)}"})
        headers.add("Origin", "https://elsewhere.test")
        async with jar.door.client.get("/api/users/me", headers=headers) as response:
            assert response.status == 403

    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_is_granted_to_our_own_pages(self, jar: Jar, scheme: str) -> None:
        await jar.sign_in()
        headers = {**PAGE, "Origin": f"{scheme}://{own_host(jar.door)}"}
        assert (await jar.get("/api/users/me", headers)).status == 200

    @pytest.mark.parametrize(
        ("host", "origin", "status"),
        [
            ("rollcall.test", "https://rollcall.test", 200),
            ("rollcall.test", "http://rollcall.test:80", 200),
            ("Rollcall.test:443", "https://rollcall.TEST", 200),
            ("[::1]:8000", "http://[::1]:8000", 200),
            ("rollcall.test", "https://rollcall.test:8443", 403),
            ("rollcall.test:8443", "https://rollcall.test", 403),
            ("rollcall.test", "https://other.rollcall.test", 403),
            ("rollcall.test", "https://rollcall.test.", 403),
            ("[::1", "http://[::1", 403),
        ],
    )
    async def test_host_and_port_are_what_counts(self, jar: Jar, host: str, origin: str, status: int) -> None:
        await jar.sign_in()
        headers = {**PAGE, "Host": host, "Origin": origin}
        assert (await jar.get("/api/users/me", headers)).status == status

    async def test_a_page_without_tls_is_not_ours_where_the_proxy_has_it(self, jar: Jar) -> None:
        await jar.sign_in()
        host = own_host(jar.door)
        for scheme, status in (("http", 403), ("https", 200)):
            headers = {**PAGE, "Origin": f"{scheme}://{host}", "X-Forwarded-Proto": "https"}
            assert (await jar.get("/api/users/me", headers)).status == status

    async def test_a_header_with_a_token_is_what_counts_where_there_is_one(
        self, jar: Jar, door: Door, admin: Actor
    ) -> None:
        await jar.sign_in()
        token = await door.token(admin)
        elsewhere = {"Origin": "https://elsewhere.test"}
        good = await jar.get("/api/users/me", {"Authorization": f"Bearer {token}", **elsewhere})
        assert good.status == 200
        for bad in ("Bearer x", "Basic x", ""):
            reply = await jar.get("/api/users/me", {**PAGE, "Authorization": bad})
            assert reply.code == (401, "unauthenticated")

    @pytest.mark.parametrize("value", ["", "garbage", "a.b.c"])
    async def test_a_cookie_that_is_no_good_is_no_sign_in(self, jar: Jar, value: str) -> None:
        jar.cookies = {ACCESS: value}
        for path in ("/api/users/me", "/api/users"):
            assert (await jar.get(path)).code == (401, "unauthenticated")

    async def test_no_other_origin_is_let_in_by_cors(self, jar: Jar) -> None:
        await jar.sign_in()
        asks = {
            "Origin": "https://elsewhere.test",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-rollcall-web",
        }
        for path in ("/api/web/refresh", "/api/users/me", "/api/actions"):
            reply = await jar.request("OPTIONS", path, None, asks)
            assert reply.status == 405
            assert [name for name in reply.headers if name.startswith("Access-Control")] == []
