"""Joins at a bounded rate: when everybody comes back at once, those who are there are served meanwhile."""

from __future__ import annotations

import asyncio
import math

from models.errors import Unavailable

JOINS = 2_000
"""Topics joined in a second on one node."""
BURST = 200
"""Joins that may come at once without waiting."""
LONGEST = 10.0
"""Seconds that a join waits for its turn at most."""


class Admission:
    """Turns in the order of the calls, so many a second."""

    def __init__(self, rate: int = JOINS, burst: int = BURST) -> None:
        self._gap = 1 / rate
        self._ahead = burst / rate
        self._next = 0.0

    async def enter(self) -> None:
        """Return when it is this one's turn. Unavailable with `retry_after` if that would take too long."""
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now - self._ahead) + self._gap
        if turn - now > LONGEST:
            raise Unavailable("Too many are joining; try again.", retry_after=math.ceil(turn - now))
        self._next = turn
        if turn > now:
            await asyncio.sleep(turn - now)
