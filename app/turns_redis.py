"""Turns at a contended room by a queue in Redis. Without Redis: a short wait, as `TurnsJitter`.

A node that lost a race marks the room as contended, and from then on every node takes turns there: one that
went on without would win every race. A node keeps its turn for a slice of time, for commits that follow its
own need no look at the storage. Then the turn goes to the node that has waited longest.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from math import inf
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.turns_jitter import CONTENDED, TurnsJitter
from realtime.redis_address import redis_pool

SHORTEST, LONGEST = 0.005, 0.1
"""Seconds that a node keeps the turn after the first commit of it: within these, as long as that has taken,
for the first one also takes in what the others wrote.
"""
LOOK_EVERY = 0.2
"""Seconds between two looks at which rooms are contended, while the node writes."""
TTL = 0.3
"""Seconds after which a turn is over by itself: its node may be dead."""
WAITS = 2
"""How often a node waits that long for its turn, before it goes on without."""
ANSWER = 1.0
"""Seconds that Redis has for everything that one turn needs."""
AWAY = 1.0
"""Seconds in which a Redis that did not answer is not asked again."""

CONTENDED_MS = int(CONTENDED * 1_000)
TTL_MS = int(TTL * 1_000)

NOW = """
local function now()
    local time = redis.call('time')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

TAKE = (
    NOW
    + """
local holder = redis.call('get', KEYS[1])
local free = not holder or holder == ARGV[1]
if ARGV[3] == '1' or not free then redis.call('zadd', KEYS[4], now() + ARGV[4], ARGV[5]) end
if not free then
    redis.call('del', KEYS[3])
    if not redis.call('lpos', KEYS[2], ARGV[1]) then redis.call('rpush', KEYS[2], ARGV[1]) end
    redis.call('pexpire', KEYS[2], ARGV[2])
    return 0
end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('lrem', KEYS[2], 0, ARGV[1])
return 1
"""
)
"""Takes the turn if no other node has it, else a place in the queue. The room is contended where that is so,
or the node has lost a race. KEYS: the room's turn, its queue, where the node is told, the contended rooms;
ARGV: the node, TTL_MS, 1 for a lost race, CONTENDED_MS, the room."""

CONTENDED_ROOMS = (
    NOW
    + """
redis.call('zremrangebyscore', KEYS[1], '-inf', now())
return redis.call('zrange', KEYS[1], 0, -1)
"""
)

GIVE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return end
local following = redis.call('lpop', KEYS[2])
if not following then return redis.call('del', KEYS[1]) end
redis.call('set', KEYS[1], following, 'PX', ARGV[2])
redis.call('rpush', KEYS[1] .. ':' .. following, 1)
redis.call('pexpire', KEYS[1] .. ':' .. following, ARGV[2])
"""
"""Gives the turn to the first in the queue and tells it; nothing if the turn is another node's by now. KEYS:
the room's turn, its queue; ARGV: the node, the TTL."""


@dataclass(slots=True)
class Slice:
    """The time in which a room's turn is this node's."""

    began: float
    """In seconds of the loop."""
    busy: bool = True
    """Between `take` and `give`."""
    timer: asyncio.TimerHandle | None = None
    """Ends it; set by the first `give`."""
    end: float = inf


class TurnsRedis:
    """As the port Turns. `epoch` is the storage's, so that two installations on one Redis do not meet."""

    def __init__(self, url: str, epoch: str) -> None:
        self._redis = Redis(connection_pool=redis_pool(url, "rollcall-turns"))
        self._prefix = f"rollcall:{epoch}:turn:"
        self._me = secrets.token_hex(8)
        self._without = TurnsJitter()
        self._away_until = 0.0
        self._lost: set[str] = set()
        self.contended: frozenset[str] = frozenset()
        """The rooms that are known to be contended."""
        self._slices: dict[str, Slice] = {}
        self._giving: dict[str, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._in_use = asyncio.Event()

    async def close(self) -> None:
        """Let go of Redis, after giving every turn."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        for room in list(self._slices):
            self._end(room)
        await asyncio.gather(*self._giving.values())
        await self._redis.connection_pool.disconnect()

    def lost(self, room: str) -> None:
        """As Turns.lost."""
        self._lost.add(room)
        self._without.lost(room)

    async def take(self, room: str) -> bool:
        """As Turns.take."""
        self._in_use.set()
        if self._looking is None:
            self._looking = asyncio.create_task(self._keep_looking(), name="look for contended rooms")
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return await self._without.take(room)
        if room not in self.contended and room not in self._lost:
            return True
        mine = self._slices.get(room)
        if mine is not None and loop.time() < mine.end:
            mine.busy = True
            return True
        if mine is not None:
            self._end(room)
        if giving := self._giving.get(room):
            await asyncio.wait([giving])
        try:
            async with asyncio.timeout(WAITS * TTL + ANSWER):
                if await self._queue(room):
                    self._slices[room] = Slice(loop.time())
        except (TimeoutError, RedisError, OSError):
            self._go_without()
        return False

    def give(self, room: str) -> None:
        """As Turns.give. The slice goes on for the room's next commit, unless its time is over."""
        mine = self._slices.get(room)
        if mine is None:
            return
        mine.busy = False
        loop = asyncio.get_running_loop()
        if mine.timer is None:
            took = loop.time() - mine.began
            mine.timer = loop.call_later(min(max(SHORTEST, took), LONGEST), self._over, room)
            mine.end = mine.timer.when()
        elif loop.time() >= mine.end:
            self._end(room)

    async def _queue(self, room: str) -> bool:
        """Wait for the turn; whether it has come. TimeoutError, RedisError, OSError."""
        turn, queue, told = self._keys(room)
        keys = (turn, queue, told, self._prefix + "contended")
        for _ in range(WAITS):
            if lost := room in self._lost:
                self._lost.discard(room)
                self.contended |= {room}
            if await self._run(TAKE, keys, self._me, TTL_MS, int(lost), CONTENDED_MS, room):
                return True
            if await cast(Awaitable[object], self._redis.blpop([told], timeout=TTL)):
                return True
        await self._redis.lrem(queue, 0, self._me)
        return False

    def _over(self, room: str) -> None:
        if not self._slices[room].busy:
            self._end(room)

    def _end(self, room: str) -> None:
        """Give the turn to the node that waits next."""
        mine = self._slices.pop(room)
        if mine.timer is not None:
            mine.timer.cancel()
        self._giving[room] = asyncio.create_task(self._give(room), name=f"give the turn of {room}")

    async def _give(self, room: str) -> None:
        turn, queue, _ = self._keys(room)
        try:
            async with asyncio.timeout(ANSWER):
                await self._run(GIVE, (turn, queue), self._me, TTL_MS)
        except (TimeoutError, RedisError, OSError):
            self._go_without()
        finally:
            del self._giving[room]

    async def _keep_looking(self) -> None:
        while True:
            await self._in_use.wait()
            self._in_use.clear()
            try:
                async with asyncio.timeout(ANSWER):
                    rooms = await self._run(CONTENDED_ROOMS, (self._prefix + "contended",))
                self.contended = frozenset(room.decode() for room in cast(list[bytes], rooms))
            except (TimeoutError, RedisError, OSError):
                self._go_without()
            await asyncio.sleep(LOOK_EVERY)

    def _go_without(self) -> None:
        self._away_until = asyncio.get_running_loop().time() + AWAY

    def _keys(self, room: str) -> tuple[str, str, str]:
        """The room's turn, its queue, and where this node is told that the turn has come."""
        turn = self._prefix + room
        return turn, f"{turn}:queue", f"{turn}:{self._me}"

    async def _run(self, script: str, keys: Sequence[str], *arguments: str | int) -> object:
        return await cast(Awaitable[object], self._redis.eval(script, len(keys), *keys, *map(str, arguments)))
