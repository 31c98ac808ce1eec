"""Turns at a contended room where nodes cannot meet: whoever lost a race waits a little, each a different
while.
"""

from __future__ import annotations

import asyncio
import random

LONGEST = 0.02
"""Seconds: about as long as a commit takes."""


class TurnsJitter:
    """As the port Turns."""

    async def take(self, room: str) -> None:
        """Wait a little."""
        await asyncio.sleep(random.uniform(0, LONGEST))  # noqa: S311 - needs no secrecy

    def give(self, room: str) -> None:
        """Nobody waits for it."""

    async def close(self) -> None:
        """Nothing is held."""
