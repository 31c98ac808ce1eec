"""Fixtures for tests through both doors of a node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from models.actor import Actor
from tests.realtime.kit import DoorKit, open_door


class Doors:
    """One node, and requests to its HTTP door."""

    def __init__(self, door: DoorKit, http: ClientSession) -> None:
        self.door = door
        self.http = http
        self._tokens: dict[str, str] = {}

    async def token(self, actor: Actor) -> str:
        """The actor's access token."""
        if actor.id not in self._tokens:
            self._tokens[actor.id] = await self.door.token(actor)
        return self._tokens[actor.id]

    async def post(self, actor: Actor, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """Status and body of a POST with a JSON body."""
        headers = {"Authorization": f"Bearer {await self.token(actor)}"}
        async with self.http.post(path, json=body, headers=headers) as response:
            return response.status, await response.json()


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    """A node with both doors over an empty SQLite file."""
    async with open_door(tmp_path / "rollcall.db") as door, ClientSession(door.url) as http:
        yield Doors(door, http)
