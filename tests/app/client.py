"""A client of the HTTP door, and what it gets."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient

from models.actor import Actor
from tests.app.identity import Identity
from tests.kit import CoreKit

Client = TestClient[web.Request, web.Application]


class Reply:
    """An answer as the client got it."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json", self.body[:200]
        return orjson.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a refusal, whose body is checked on the way."""
        body = self.json
        assert body.keys() - {"op_id"} == {"ok", "error"}
        assert body["ok"] is False
        error: dict[str, Any] = body["error"]
        assert {"code", "message"} <= error.keys() <= {"code", "message", "fields", "current", "retry_after"}
        assert self.status >= 400
        return error

    @property
    def code(self) -> tuple[int, str]:
        """Status and code of a refusal."""
        return self.status, self.error["code"]

    @property
    def items(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.body[:500]
        assert self.json.keys() == {"items", "next_cursor"}
        items: list[dict[str, Any]] = self.json["items"]
        return items


class Door:
    """Sends requests, as an actor who has a session, or as nobody."""

    def __init__(self, identity: Identity, client: Client) -> None:
        self.identity = identity
        self.core: CoreKit = identity.core
        self.client = client
        self._tokens: dict[str, str] = {}

    async def token(self, actor: Actor) -> str:
        """The actor's access token."""
        if actor.id not in self._tokens:
            self._tokens[actor.id] = await self.identity.token(actor)
        return self._tokens[actor.id]

    async def request(
        self,
        method: str,
        path: str,
        *,
        by: Actor | None = None,
        json: Any = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Reply:
        """Send one request; `json` is its body."""
        headers = dict(headers or {})
        if by is not None:
            headers["Authorization"] = f"Bearer {await self.token(by)}"
        if json is not None:
            headers.setdefault("Content-Type", "application/json")
            more["data"] = orjson.dumps(json)
        async with self.client.request(method, path, headers=headers, **more) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, by: Actor | None = None, **more: Any) -> Reply:
        return await self.request("GET", path, by=by, **more)

    async def post(self, path: str, json: Any = None, by: Actor | None = None, **more: Any) -> Reply:
        return await self.request("POST", path, by=by, json=json, **more)
