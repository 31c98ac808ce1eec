"""Turns at a contended room by a short lock in Redis. Without Redis: a short wait, as `TurnsJitter`."""

from __future__ import annotations

import asyncio
import random
import secrets

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.turns_jitter import TurnsJitter
from realtime.redis_address import redis_pool

TTL = 250
"""Milliseconds after which a turn is over by itself: its node may be dead."""
LONGEST = 0.25
"""Seconds that a node waits for its turn at most."""
LOOK = 0.004
"""Seconds between two tries, more or less."""
AWAY = 1.0
"""Seconds in which a Redis that did not answer is not asked again."""

GIVE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"
"""Ends a turn unless it is another node's by now."""


class TurnsRedis:
    """As the port Turns. `epoch` is the storage's, so that two installations on one Redis do not meet."""

    def __init__(self, url: str, epoch: str) -> None:
        self._redis = Redis(connection_pool=redis_pool(url, "rollcall-turns"))
        self._prefix = f"rollcall:{epoch}:turn:"
        self._me = secrets.token_hex(8)
        self._without = TurnsJitter()
        self._away_until = 0.0
        self._giving: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let go of Redis."""
        for task in self._giving:
            task.cancel()
        await asyncio.gather(*self._giving, return_exceptions=True)
        await self._redis.connection_pool.disconnect()

    async def take(self, room: str) -> None:
        """As Turns.take."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            await self._without.take(room)
            return
        try:
            async with asyncio.timeout(LONGEST):
                while True:
                    if await self._redis.set(self._prefix + room, self._me, nx=True, px=TTL):
                        return
                    await asyncio.sleep(random.uniform(LOOK / 2, 2 * LOOK))  # noqa: S311
        except TimeoutError:
            return
        except (RedisError, OSError):
            self._away_until = loop.time() + AWAY

    def give(self, room: str) -> None:
        """As Turns.give."""
        if asyncio.get_running_loop().time() < self._away_until:
            return
        task = asyncio.create_task(self._give(room))
        self._giving.add(task)
        task.add_done_callback(self._giving.discard)

    async def _give(self, room: str) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                await self._redis.eval(GIVE, 1, self._prefix + room, self._me)
        except (TimeoutError, RedisError, OSError):
            self._away_until = asyncio.get_running_loop().time() + AWAY
