"""What a page in a browser tells its test: it posts `[what, data]` to `/told`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.parts.process import Child

LIMIT = 60.0


class Told:
    """What pages have told and nobody has asked for yet."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def hear(self, app: web.Application) -> None:
        """Take what the pages of this application tell."""
        app.router.add_post("/told", self._take)

    async def next(self, browser: Child) -> tuple[str, Any]:
        """What the page tells next."""
        try:
            async with asyncio.timeout(LIMIT):
                return await self._told.get()
        except TimeoutError:
            raise AssertionError(browser.story("told nothing")) from None

    async def _take(self, request: web.Request) -> web.Response:
        what, data = json.loads(await request.read())
        self._told.put_nowait((what, data))
        return web.Response()
