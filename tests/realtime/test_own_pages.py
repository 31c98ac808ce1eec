"""Connections of our own pages, which sign in by a cookie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import orjson
import pytest
import socketio
from aiohttp import ClientSession, DummyCookieJar

from models.actor import Actor
from realtime.connection import Connection
from tests.realtime.kit import Client, DoorKit
from tests.school import School, marking

PASSWORD = "correct horse battery"
PAGE = {"X-Rollcall-Web": "1"}
# By polling alone the Python client sends no header of ours: tests/e2e/test_javascript.py has that.
TRANSPORTS = {"websocket": ["websocket"], "upgrade": ["polling", "websocket"]}
LIFE = 15 * 60


class Page:
    """A page of ours in a browser: its cookies, and what is sent with them."""

    def __init__(self, door: DoorKit, http: ClientSession) -> None:
        self.door = door
        self.http = http
        self.cookies: dict[str, str] = {}

    def headers(self, **more: str) -> dict[str, str]:
        """What the browser adds to whatever the page sends."""
        text = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Origin": self.door.url, **({"Cookie": text} if text else {}), **more}

    async def post(self, name: str, body: object = None) -> int:
        """A request to one of the routes for pages; its status."""
        headers = self.headers(**PAGE)
        async with self.http.post(f"/api/web/{name}", json=body or {}, headers=headers) as response:
            for line in response.headers.getall("Set-Cookie", ()):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
            return response.status

    async def sign_in(self, actor: Actor) -> Page:
        core = self.door.core
        await core.credentials.set_password_hash(actor.id, await core.passwords.hash(PASSWORD))
        user = await core.core.org.get("user", actor.id)
        assert user is not None
        assert await self.post("sign-in", {"email": user["email"], "password": PASSWORD}) == 200
        return self

    async def client(self, transports: list[str] | None = None) -> Client:
        client = Client(self.door.url, transports)
        self.door.clients.append(client)
        return await client.connect("cookie", self.headers())

    async def refused(self, **headers: str | None) -> dict[str, Any]:
        """The error by which a connection with these headers is refused; None stands for one left out."""
        sent = {**self.headers(), **headers}
        client = Client(self.door.url)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect("cookie", {name: value for name, value in sent.items() if value is not None})
        [refusal] = client.all("connect_error")
        await client.close()
        if not isinstance(refusal, dict):
            return {"code": None, "message": str(refusal)}
        error: dict[str, Any] = refusal["data"]
        assert refusal["message"] == error["code"]
        return error


@pytest.fixture
async def page(door: DoorKit) -> AsyncIterator[Page]:
    """A page to which nobody has signed in."""
    async with ClientSession(door.url, cookie_jar=DummyCookieJar()) as http:
        yield Page(door, http)


@pytest.fixture
async def teacher(page: Page, school: School) -> Page:
    """The page of a teacher."""
    return await page.sign_in(school.teacher)


def connection_of(door: DoorKit, actor: Actor) -> Connection:
    (connection,) = door.gateway.connections_of(actor.id)
    return connection


def now(door: DoorKit) -> int:
    return int(door.core.clock.now().timestamp())


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=list(TRANSPORTS))
async def test_a_page_connects_by_its_cookie(
    teacher: Page, school: School, door: DoorKit, transports: list[str]
) -> None:
    client = await teacher.client(transports)
    assert client.all("ready")[0]["user"]["id"] == school.teacher.id
    assert (await client.act("attendance.mark", marking(), "op-1"))["ok"]
    assert connection_of(door, school.teacher).socket.request is None


async def test_a_page_from_elsewhere_does_not_connect(teacher: Page) -> None:
    for origin in ("https://elsewhere.test", "null", "http://127.0.0.1:1"):
        error = await teacher.refused(Origin=origin)
        # This the transport says, before anybody is asked.
        assert error["code"] is None
    more = {"Origin": "https://elsewhere.test", "X-Forwarded-Host": "elsewhere.test"}
    error = await teacher.refused(**more, **{"X-Forwarded-Proto": "https"})
    assert error["code"] == "forbidden"
    assert "elsewhere.test" in error["message"]


async def test_a_cookie_counts_only_with_the_origin_of_the_page(teacher: Page) -> None:
    error = await teacher.refused(Origin=None)
    assert error["code"] == "forbidden"
    assert "Origin" in error["message"]


async def test_by_polling_the_request_counts_that_asks_for_the_connection(
    teacher: Page, page: Page, school: School, door: DoorKit
) -> None:
    async def answer_to(headers: dict[str, str]) -> str:
        """What the server says to a connection that its own page has opened and that is asked for so."""
        path = "/socket.io/?EIO=4&transport=polling"
        async with page.http.get(path, headers=teacher.headers()) as response:
            sid = orjson.loads((await response.text())[1:])["sid"]
        async with page.http.post(f"{path}&sid={sid}", data='40{"token":"cookie"}', headers=headers):
            pass
        async with page.http.get(f"{path}&sid={sid}") as response:
            return await response.text()

    cookie = {"Cookie": teacher.headers()["Cookie"]}
    assert '"unauthenticated"' in await answer_to({"Origin": door.url})
    assert '"forbidden"' in await answer_to(cookie)
    elsewhere = {"Origin": "https://elsewhere.test", "X-Forwarded-Host": "elsewhere.test"}
    elsewhere["X-Forwarded-Proto"] = "https"
    assert '"forbidden"' in await answer_to({**cookie, **elsewhere})
    assert (await answer_to({**cookie, "Origin": door.url})).startswith('40{"sid"')


async def test_our_pages_connect_through_a_proxy_that_takes_tls_off(teacher: Page, door: DoorKit) -> None:
    client = Client(door.url)
    door.clients.append(client)
    await client.connect("cookie", teacher.headers(Origin=door.url.replace("http:", "https:")))
    assert client.all("ready")


async def test_without_a_good_cookie_nobody_connects(page: Page, teacher: Page, door: DoorKit) -> None:
    assert (await page.refused(Cookie=None))["code"] == "unauthenticated"
    assert (await page.refused(Cookie="rollcall_access=x"))["code"] == "unauthenticated"
    refresh = teacher.cookies["rollcall_refresh"]
    assert (await page.refused(Cookie=f"rollcall_refresh={refresh}"))["code"] == "unauthenticated"
    door.core.clock.move(minutes=15)
    error = await teacher.refused()
    assert error["code"] == "unauthenticated"
    assert "expired" in error["message"]


async def test_the_word_is_no_token_where_no_page_asks(teacher: Page, door: DoorKit, school: School) -> None:
    client = await door.client(school.teacher, token=teacher.cookies["rollcall_access"])
    before = connection_of(door, school.teacher).expires_at
    door.core.clock.move(minutes=1)
    assert await teacher.post("refresh") == 200
    answer = await client.call("renew", {"token": "cookie"})
    assert answer["error"]["code"] == "unauthenticated"
    assert connection_of(door, school.teacher).expires_at == before


async def test_a_page_that_has_refreshed_stays(teacher: Page, school: School, door: DoorKit) -> None:
    client = await teacher.client()
    for _ in range(3):
        door.core.clock.move(minutes=14)
        assert await teacher.post("refresh") == 200
        refreshed = now(door)
        door.core.clock.move(seconds=30)
        # As long as the cookie's new token is good, not as if it had been made now; and the same once more.
        answer = await client.call("renew", {"token": "cookie"})
        assert answer == {"ok": True, "expires_at": refreshed + LIFE}
        assert connection_of(door, school.teacher).expires_at == refreshed + LIFE
    assert (await client.act("attendance.mark", marking(), "op-1"))["ok"]


async def test_a_page_that_has_not_refreshed_does_not_stay(
    teacher: Page, school: School, door: DoorKit
) -> None:
    client = await teacher.client()
    expires_at = connection_of(door, school.teacher).expires_at
    for minutes in (0, 7, 7):
        door.core.clock.move(minutes=minutes)
        answer = await client.call("renew", {"token": "cookie"})
        assert answer["error"]["code"] == "unauthenticated"
        assert "refresh" in answer["error"]["message"]
        assert connection_of(door, school.teacher).expires_at == expires_at
    assert await teacher.post("refresh") == 200
    assert (await client.call("renew", {"token": "cookie"}))["ok"]
    assert (await client.call("renew", {"token": "cookie"}))["error"]["code"] == "unauthenticated"


async def test_a_connection_by_cookie_ends_with_its_token(
    teacher: Page, school: School, door: DoorKit
) -> None:
    door.core.clock.move(minutes=14, seconds=59, milliseconds=800)
    client = await teacher.client()
    await client.gone()
    assert client.all("closing") == [{"code": "expired"}]


@pytest.mark.parametrize("by", ["sign-out", "journal"])
async def test_a_session_that_has_ended_is_not_renewed(
    teacher: Page, school: School, door: DoorKit, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    client = await teacher.client()
    connection = connection_of(door, school.teacher)
    door.core.clock.move(minutes=1)
    assert await teacher.post("refresh") == 200
    # The end has not come to this node's connections yet.
    monkeypatch.setattr(door.gateway._connections, "apply", lambda room, entries: None)
    if by == "journal":
        # The refresh token is still kept, as after a new password.
        payload = {"user_id": school.teacher.id, "session_id": None, "before": None, "reason": "new_password"}
        await door.core.core.dispatcher.run_internal("user.logout", payload, school.teacher)
    else:
        other = Page(door, teacher.http)
        other.cookies = dict(teacher.cookies)
        assert await other.post("sign-out") == 200
    answer = await client.call("renew", {"token": "cookie"})
    assert answer["error"]["code"] == "unauthenticated"
    assert connection.expires_at == now(door) - 60 + LIFE


async def test_a_disabled_user_is_not_renewed(
    teacher: Page, school: School, door: DoorKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await teacher.client()
    monkeypatch.setattr(door.gateway._connections, "apply", lambda room, entries: None)

    async def still_open(user_id: str, session_id: str, *, anew: bool = False) -> bool:
        return True

    monkeypatch.setattr(door.sessions, "is_open", still_open)
    door.core.clock.move(minutes=1)
    assert await teacher.post("refresh") == 200
    await door.core.act(school.admin, "user.disable", {"user_id": school.teacher.id})
    assert (await client.call("renew", {"token": "cookie"}))["error"]["code"] == "unauthenticated"


async def test_a_real_token_renews_a_connection_by_cookie_too(
    teacher: Page, school: School, door: DoorKit
) -> None:
    client = await teacher.client()
    door.core.clock.move(minutes=1)
    assert await teacher.post("refresh") == 200
    token = teacher.cookies["rollcall_access"]
    assert (await client.call("renew", {"token": token}))["expires_at"] == now(door) + LIFE
    door.core.clock.move(minutes=1)
    assert await teacher.post("refresh") == 200
    others = await door.token(school.office)
    assert (await client.call("renew", {"token": others}))["error"]["code"] == "forbidden"
    assert (await client.call("renew", {"token": "cookie"}))["error"]["code"] == "unauthenticated"


async def test_signing_out_of_a_page_closes_its_sockets(teacher: Page, door: DoorKit, school: School) -> None:
    others = await Page(door, teacher.http).sign_in(school.teacher)
    one, two, stays = await asyncio.gather(
        teacher.client(), teacher.client(["polling", "websocket"]), others.client()
    )
    assert await teacher.post("sign-out") == 200
    await asyncio.gather(one.gone(), two.gone())
    assert one.all("closing") == two.all("closing") == [{"code": "signed_out"}]
    assert (await stays.act("attendance.mark", marking(), "op-1"))["ok"]


async def test_a_refresh_cookie_that_comes_twice_closes_them_too(teacher: Page, door: DoorKit) -> None:
    client = await teacher.client()
    thief = Page(door, teacher.http)
    thief.cookies = dict(teacher.cookies)
    assert await thief.post("refresh") == 200
    assert await teacher.post("refresh") == 401
    await client.gone()
    assert client.all("closing") == [{"code": "signed_out"}]


async def test_who_was_renewed_stays_when_all_are_verified_again(
    teacher: Page, school: School, door: DoorKit
) -> None:
    client = await teacher.client()
    door.core.clock.move(minutes=10)
    assert await teacher.post("refresh") == 200
    assert (await client.call("renew", {"token": "cookie"}))["ok"]
    # The token that it came with has expired by now.
    door.core.clock.move(minutes=10)
    door.gateway.skipped("org", 1, "behind")
    door.gateway.skipped(f"user:{school.teacher.id}", 1, "behind")
    assert (await client.act("attendance.mark", marking(), "op-1"))["ok"]
    await asyncio.gather(*door.gateway._connections._tasks)
    assert client.connected
    assert client.all("closing") == []
