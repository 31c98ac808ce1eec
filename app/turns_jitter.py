"""Turns at a contended room where nodes cannot meet: whoever lost a race waits a little, each a different
while.
"""

from __future__ import annotations

import asyncio
import random

CONTENDED = 1.0
"""Seconds after a lost race in which a room counts as contended."""
LONGEST = 0.02
"""Seconds: about as long as a commit takes."""


class TurnsJitter:
    """As the port Turns."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def lost(self, room: str) -> None:
        """As Turns.lost."""
        self._until[room] = asyncio.get_running_loop().time() + CONTENDED

    async def take(self, room: str) -> bool:
        """As Turns.take: wait a little where the room is contended."""
        until = self._until.get(room)
        if until is None:
            return True
        if asyncio.get_running_loop().time() > until:
            del self._until[room]
            return True
        await asyncio.sleep(random.uniform(0, LONGEST))  # noqa: S311 - needs no secrecy
        return False

    def give(self, room: str) -> None:
        """Nobody waits for it."""

    async def close(self) -> None:
        """Nothing is held."""
