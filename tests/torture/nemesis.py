"""Carries out what the schedule says."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.parts.process import Child, ServerProcess
from tests.parts.proxy import Proxy
from tests.torture.cluster import Cluster, Node
from tests.torture.idler import End, Idler
from tests.torture.schedule import Fault, Storm
from tests.torture.traffic import IN_ANOTHER_ORDER, ORDINARY, TWICE, Manner
from tests.torture.writer import Conduct

SLOW = 20_000
"""Bytes a second of a connection that is slowed."""

KEPT = 200
REPLAYED = 50
REDIS_LIMIT = 2.0
LISTEN_AGAIN = 0.2
"""Seconds until a Redis that is away is listened to again."""
EAVESDROP = "rollcall:*:room:*"
"""The channels of the fan-out (realtime/fanout_redis.py)."""

Work = Coroutine[Any, Any, None]


class Nemesis:
    """Does faults to a cluster, and undoes them. `done` counts those of each kind; `ends` what became of
    clients that did not read.
    """

    def __init__(
        self,
        cluster: Cluster,
        conduct: Conduct,
        idler: Callable[[Node, bool], Idler],
        chance: random.Random,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.ends: Counter[End] = Counter()
        self._cluster = cluster
        self._conduct = conduct
        self._idler = idler
        self._chance = chance
        self._over = asyncio.Event()
        self._idlers: set[asyncio.Task[None]] = set()
        self._heard: deque[tuple[bytes, bytes]] = deque(maxlen=KEPT)

    async def rage(self, storm: Storm) -> None:
        """One storm, from its first fault until the last one is undone; clients that do not read stay."""
        async with asyncio.TaskGroup() as group:
            for fault in storm.faults:
                group.create_task(self._carry_out(fault))

    async def eavesdrop(self) -> None:
        """Remember what nodes tell one another, to tell it again; until cancelled."""
        if self._cluster.redis is None:
            return
        while True:
            with suppress(RedisError, OSError):
                async with Redis.from_url(self._cluster.redis.url) as redis, redis.pubsub() as channels:
                    await channels.psubscribe(EAVESDROP)
                    async for message in channels.listen():
                        if message["type"] == "pmessage":
                            self._heard.append((message["channel"], message["data"]))
            await asyncio.sleep(LISTEN_AGAIN)

    async def end(self) -> None:
        """Ask those clients that do not read what has become of them, until now."""
        self._over.set()
        if self._idlers:
            await asyncio.wait(self._idlers)

    async def _carry_out(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at)
        node = self._cluster.nodes[fault.node] if fault.node is not None else self._cluster.nodes[0]
        await self._act(fault, node)
        self.done[fault.kind] += 1

    async def _act(self, fault: Fault, node: Node) -> None:
        seconds = fault.seconds
        storage, door = node.storage, node.door
        ways: dict[str, Callable[[], Work]] = {
            "kill a node": lambda: self._kill_node(node, seconds),
            "stop a node": lambda: _stop(node.server, seconds),
            "cut a node off from the storage": lambda: _refuse(storage, seconds),
            "stall a node's way to the storage": lambda: _slow(storage, 0.0, seconds),
            "slow a node's way to the storage": lambda: _slow(storage, SLOW, seconds),
            "cut clients": lambda: _refuse(door, 0.0),
            "refuse clients": lambda: _refuse(door, seconds),
            "stall clients": lambda: _slow(door, 0.0, seconds),
            "slow clients": lambda: _slow(door, SLOW, seconds),
            "a client that never reads": lambda: self._idle(self._idler(node, False), seconds),
            "a client that only answers pings": lambda: self._idle(self._idler(node, True), seconds),
            "send twice": lambda: self._send(TWICE, seconds),
            "send in another order": lambda: self._send(IN_ANOTHER_ORDER, seconds),
        }
        if (server := self._cluster.storage) is not None:
            ways["stop the storage"] = lambda: _stop(server, seconds)
        if self._cluster.redis is not None and node.redis is not None:
            redis, way = self._cluster.redis, node.redis
            ways |= {
                "kill Redis": lambda: _restart(redis, seconds),
                "stop Redis": lambda: _stop(redis, seconds),
                "empty Redis": lambda: self._tell_redis(("FLUSHALL",)),
                "kill Redis's Pub/Sub clients": lambda: self._tell_redis(
                    ("CLIENT", "KILL", "TYPE", "pubsub")
                ),
                "publish old messages again": self._replay,
                "cut a node off from Redis": lambda: _refuse(way, seconds),
                "stall a node's way to Redis": lambda: _slow(way, 0.0, seconds),
            }
        await ways[fault.kind]()

    async def _kill_node(self, node: Node, seconds: float) -> None:
        node.gather_errors()
        node.server.kill()
        await asyncio.sleep(seconds)
        await node.come_back()

    async def _send(self, manner: Manner, seconds: float) -> None:
        self._conduct.manner = manner
        await asyncio.sleep(seconds)
        self._conduct.manner = ORDINARY

    async def _idle(self, idler: Idler, seconds: float) -> None:
        """Begun is done: it must not be in anybody's way, so nobody waits for its end."""

        async def stay() -> None:
            self.ends[await idler.stay(seconds, self._over)] += 1

        task = asyncio.create_task(stay())
        self._idlers.add(task)
        task.add_done_callback(self._idlers.discard)

    async def _replay(self) -> None:
        """Old messages again, in any order."""
        old = list(self._heard)
        old = self._chance.sample(old, min(REPLAYED, len(old)))
        await self._tell_redis(*(("PUBLISH", channel, message) for channel, message in old))

    async def _tell_redis(self, *commands: Sequence[Any]) -> None:
        if self._cluster.redis is None:
            return
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(REDIS_LIMIT), Redis.from_url(self._cluster.redis.url) as redis:
                for command in commands:
                    await redis.execute_command(*command)


async def _stop(process: Child, seconds: float) -> None:
    process.pause()
    try:
        await asyncio.sleep(seconds)
    finally:
        process.resume()


async def _restart(server: ServerProcess, seconds: float) -> None:
    server.kill()
    await asyncio.sleep(seconds)
    await server.start()


async def _refuse(proxy: Proxy, seconds: float) -> None:
    """Cut, and let nobody in for so long."""
    proxy.refuse()
    await asyncio.sleep(seconds)
    proxy.accept()


async def _slow(proxy: Proxy, bytes_per_second: float, seconds: float) -> None:
    proxy.slow(bytes_per_second)
    await asyncio.sleep(seconds)
    proxy.flow()
