"""Two real nodes of one MongoDB, as processes, and people at them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from models.journal import Record
from tests.parts.serve import App, Rollcall, Serve
from tests.realtime.kit import Client
from tests.waiting import until

PASSWORD = "rollcall-demo"
DEMO = ("--schools", "1", "--classes", "1", "--students", "3", "--teams", "1")
SETTINGS = {"ROLLCALL_LIMIT_ACTIONS": "off", "ROLLCALL_SECRET": "a-secret-that-is-long-enough-for-HS256"}


class Person:
    """An account of the demo, signed in once, who can speak to any node."""

    def __init__(self, email: str, http: aiohttp.ClientSession) -> None:
        self.email = email
        self.token = ""
        self.id = ""
        self._http = http

    async def sign_in(self, node: Rollcall) -> Person:
        body = {"email": self.email, "password": PASSWORD}
        async with self._http.post(f"{node.url}/api/users/authenticate", json=body) as response:
            grant = await response.json()
        assert response.status == 200, grant
        self.token, self.id = grant["access_token"], grant["user"]["id"]
        return self

    async def post(self, node: Rollcall, path: str, body: Record | None = None) -> Record:
        """Status 200, and the answer."""
        async with self._http.post(f"{node.url}{path}", json=body or {}, headers=self._headers) as response:
            answer: Record = await response.json()
        assert response.status == 200, answer
        return answer

    async def get(self, node: Rollcall, path: str) -> Any:
        async with self._http.get(f"{node.url}{path}", headers=self._headers) as response:
            return await response.json()

    async def act(self, node: Rollcall, type: str, op_id: str, **payload: Any) -> Record:
        """Send an action by HTTP; its ack."""
        ack = await self.post(node, "/api/actions", {"type": type, "op_id": op_id, "payload": payload})
        assert ack["ok"], ack
        return ack

    async def connect(self, node: Rollcall) -> Client:
        """A socket at the node, to be closed."""
        return await Client(node.url).connect(self.token)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@asynccontextmanager
async def two_nodes(
    serve: Serve, mongodb_url: str, redis_url: str = ""
) -> AsyncIterator[tuple[Rollcall, Rollcall, aiohttp.ClientSession]]:
    """Two nodes over a school of one class, and what carries requests to them."""
    env = {**SETTINGS, "ROLLCALL_DATABASE_URL": mongodb_url, "ROLLCALL_REDIS_URL": redis_url}
    demo = App(Path(), env, ("demo", *DEMO))
    demo.spawn()
    assert await demo.exited(60) == 0, demo.output
    nodes = [serve({**env, "ROLLCALL_NODE": name}) for name in ("one", "two")]
    for node in nodes:
        await node.wait_ready()
    async with aiohttp.ClientSession() as http:
        yield nodes[0], nodes[1], http


async def readiness(http: aiohttp.ClientSession, node: Rollcall) -> str:
    """What `/readyz` says."""
    async with http.get(f"{node.url}/readyz") as response:
        assert response.status == 200
        return str((await response.json())["status"])


async def becomes(http: aiohttp.ClientSession, status: str, *nodes: Rollcall, limit: float = 10.0) -> None:
    """Wait until `/readyz` says this at all nodes."""

    async def do() -> bool:
        return all([await readiness(http, node) == status for node in nodes])

    await until(do, limit)
