"""The client in a real browser: its queue in IndexedDB, over a killed browser and a server that is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from tests.client.conftest import Journal
from tests.client.programs import PASSWORD, ROOT
from tests.parts.browser import OpenPage
from tests.parts.process import HOST, Child
from tests.parts.serve import Rollcall
from tests.parts.told import Told

TEACHER = {"email": "teacher1@s1.demo.test", "password": PASSWORD}
SOCKET_IO = ROOT / "node_modules" / "socket.io-client" / "dist" / "socket.io.esm.min.js"


class Site:
    """Serves the pages, and hands everything else on to a server that may be away."""

    def __init__(self) -> None:
        self.url = ""
        self.server_url: str | None = None
        self._told = Told()
        self._http = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_get("/page.html", _file(ROOT / "tests/client/browser/page.html"))
        app.router.add_get("/socket.io-client.js", _file(SOCKET_IO))
        app.router.add_static("/browser", ROOT / "tests/client/browser")
        app.router.add_static("/client", ROOT / "web/client/dist")
        self._told.hear(app)
        app.router.add_route("*", "/{path:.*}", self._hand_on)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        await self._http.close()
        await self._runner.cleanup()

    def page(self, run: str, **parameters: object) -> str:
        """The address of the page that runs a module."""
        return f"{self.url}/page.html?{urlencode({'run': run, **parameters})}"

    async def told(self, browser: Child) -> tuple[str, Any]:
        """What the page tells next."""
        return await self._told.next(browser)

    async def _hand_on(self, request: web.Request) -> web.Response:
        if self.server_url is None:
            return web.Response(status=502)
        content = await request.read()
        headers = {"Content-Type": request.headers.get("Content-Type", "text/plain")}
        url = self.server_url + request.path_qs
        async with self._http.request(request.method, url, data=content, headers=headers) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )


def _file(path: Path) -> Any:
    async def serve(request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return serve


@pytest.fixture
async def site(javascript_client: Path) -> AsyncIterator[Site]:
    site = Site()
    await site.open()
    try:
        yield site
    finally:
        await site.close()


async def test_a_store_keeps_what_it_should_for_whom_it_should(site: Site, open_page: OpenPage) -> None:
    browser = open_page(site.page("store"))
    assert await site.told(browser) == ("done", None)


async def test_marks_queued_offline_in_a_browser_that_is_killed_go_out_once_and_in_order(
    site: Site, open_page: OpenPage, server: Rollcall, journal: Journal
) -> None:
    async with aiohttp.request("POST", f"{server.url}/api/users/authenticate", json=TEACHER) as answer:
        signed_in = await answer.json()
    who = {"user": signed_in["user"]["id"], "token": signed_in["access_token"]}
    op_ids = [f"op-{n}" for n in range(1, 11)]

    browser = open_page(site.page("queue", **who, date=datetime.now(UTC).date(), count=len(op_ids)))
    assert await site.told(browser) == ("queued", [[op_id, "queued"] for op_id in op_ids])
    browser.kill()
    assert await journal.op_ids() == []

    site.server_url = server.url
    browser = open_page(site.page("queue", **who))
    assert await site.told(browser) == ("finished", [[op_id, "saved"] for op_id in op_ids])
    assert await site.told(browser) == ("done", None)
    assert await journal.op_ids() == op_ids
