"""Cookies in a real browser: a page of the server works by them, and a page from elsewhere does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from app.http.pages import add_pages
from tests.kit import open_kit
from tests.parts.browser import OpenPage
from tests.parts.missing import missing
from tests.parts.node import ROOT
from tests.parts.process import HOST, Child
from tests.parts.told import Told
from tests.realtime.kit import DoorKit
from tests.school import make_school

SOCKET_IO = ROOT / "node_modules" / "socket.io-client" / "dist" / "socket.io.esm.min.js"
SCRIPTS = ROOT / "tests" / "e2e" / "browser"
PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/assets/page.js"></script>'
PASSWORD = "correct horse battery"


class Site:
    """Pages that run one script, what they tell, and which requests have come with a cookie."""

    def __init__(self) -> None:
        self.with_cookie: list[tuple[str, str, int]] = []
        self._told = Told()

    def prepare(self, app: web.Application, folder: Path, script: str) -> None:
        """Pages of the server."""
        (folder / "assets").mkdir(parents=True)
        (folder / "index.html").write_text(PAGE)
        (folder / "assets" / "page.js").write_text((SCRIPTS / script).read_text())
        (folder / "assets" / "socket.io.js").write_bytes(SOCKET_IO.read_bytes())
        self._told.hear(app)
        app.middlewares.append(self._look)
        add_pages(app, folder)

    def prepare_bare(self, app: web.Application, script: str) -> None:
        """The same without any header that would keep the page from asking elsewhere."""
        for address, text, kind in (
            ("/", PAGE, "text/html"),
            ("/assets/page.js", (SCRIPTS / script).read_text(), "text/javascript"),
        ):
            app.router.add_get(address, _sending(text, kind))
        self._told.hear(app)

    async def all_told(self, browser: Child) -> list[tuple[str, Any]]:
        """What the page tells until it is done."""
        told = []
        while (last := await self._told.next(browser))[0] not in ("done", "error"):
            told.append(last)
        return [*told, last]

    @web.middleware
    async def _look(self, request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        if "rollcall_access" in request.cookies and request.path != "/told":
            self.with_cookie.append((request.headers.get("Origin", ""), request.path, answer.status))
        return answer


def _sending(text: str, kind: str) -> Any:
    async def send(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind)

    return send


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[DoorKit]:
    """A node that is not open yet."""
    async with open_kit(tmp_path / "rollcall.db") as core:
        yield DoorKit(core)


async def test_a_page_of_the_server_works_by_cookies_and_one_from_elsewhere_does_not(
    door: DoorKit, tmp_path: Path, open_page: OpenPage
) -> None:
    if not SOCKET_IO.is_file():
        missing("socket.io-client", "install Node 18 or newer with npm, and run scripts/test")
    own, other = Site(), Site()
    await door.open(lambda app: own.prepare(app, tmp_path / "own", "own.mjs"))
    elsewhere = web.Application()
    other.prepare_bare(elsewhere, "other.mjs")
    runner = web.AppRunner(elsewhere, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        teacher = (await make_school(door.core)).teacher
        await door.core.credentials.set_password_hash(teacher.id, await door.core.passwords.hash(PASSWORD))
        user = await door.core.core.org.get("user", teacher.id)
        assert user is not None
        next_page = f"http://{HOST}:{runner.addresses[0][1]}/?{urlencode({'target': door.url})}"
        account = {"email": user["email"], "password": PASSWORD, "next": next_page}
        browser = open_page(f"{door.url}/?{urlencode(account)}")

        assert await own.all_told(browser) == [
            ("signed in", {"status": 200, "scripts": ""}),
            ("me", teacher.id),
            ("websocket", teacher.id),
            ("not refreshed", False),
            ("polling", teacher.id),
            ("not refreshed", False),
            ("refreshed", 200),
            ("done", None),
        ]
        # None of them sees an answer.
        tries = ("sign-out", "refresh", "logout", "read", "with the header", "polling", "websocket")
        assert await other.all_told(browser) == [*((each, "refused") for each in tries), ("done", None)]
        # They came with the cookies of the page, and none was counted.
        tried = [(path, status) for origin, path, status in own.with_cookie if origin in next_page and origin]
        assert tried == [
            ("/api/web/sign-out", 403),
            ("/api/web/refresh", 403),
            ("/api/users/logout", 403),
            ("/api/users/me", 403),
            ("/socket.io/", 400),
        ]
        ends = [entry.data["ended_at"] for entry in door.core.entries(f"user:{teacher.id}")]
        assert ends == [None]
    finally:
        await runner.cleanup()
        await door.close()
