"""Two nodes of one storage, with writers on both, while Redis goes, hangs, is emptied, or lies: every viewer
gets every entry once, in order, chained."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.errors import Unavailable
from realtime.redis_address import redis_pool
from tests.parts.process import ServerProcess
from tests.realtime.kit import DoorKit
from tests.realtime.nodes import Viewer, open_nodes
from tests.school import make_school
from tests.waiting import until

ROOM = "school:s1"
TOPICS = (ROOM, "class:s1-c1")
SEED = 20260302

Fault = Callable[[ServerProcess, DoorKit], Awaitable[None]]


async def nothing(server: ServerProcess, node: DoorKit) -> None:
    """Redis lies all the same."""


async def killed(server: ServerProcess, node: DoorKit) -> None:
    server.stop()
    await until(lambda: not node.fanout.healthy)


async def restarted(server: ServerProcess, node: DoorKit) -> None:
    server.stop()
    await server.start()


async def paused(server: ServerProcess, node: DoorKit) -> None:
    server.pause()
    await until(lambda: not node.fanout.healthy)


async def paused_for_a_moment(server: ServerProcess, node: DoorKit) -> None:
    server.pause()
    await written(node, 20)
    server.resume()


async def emptied(server: ServerProcess, node: DoorKit) -> None:
    async with Redis.from_url(server.url) as client:
        await client.flushall()


async def listeners_killed(server: ServerProcess, node: DoorKit) -> None:
    async with Redis.from_url(server.url) as client:
        await client.client_kill_filter(_type="pubsub")


async def written(node: DoorKit, count: int) -> None:
    """Wait until so many more entries are in the room."""
    begin = (await node.core.storage.heads([ROOM]))[ROOM]

    async def there() -> bool:
        return (await node.core.storage.heads([ROOM]))[ROOM] >= begin + count

    await until(there, 20)


async def write(node: DoorKit, name: str) -> None:
    """Entries without end, every second one also of the class."""
    for number in itertools.count():
        record = {"kind": "tally", "id": f"{name}-{number % 50}", "date": "2026-03-02", "number": number}
        record |= {
            "school_id": "s1",
            "class_id": "s1-c1" if number % 2 else "none",
            "period": "1",
            "counts": {},
        }
        # Of two nodes that write to a room without a pause, one may lose every race for a while.
        with contextlib.suppress(Unavailable):
            await node.core.put(ROOM, record)


async def lie(url: str) -> None:
    """Publish again what was published in the room: late, twice, in another order."""
    chance = random.Random(SEED)
    heard: dict[bytes, None] = {}
    pool = redis_pool(url, "liar")
    try:
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await _lie(Redis(connection_pool=pool), heard, chance)
            await pool.disconnect()
            await asyncio.sleep(0.05)
    finally:
        await pool.disconnect()


async def _lie(client: Redis, heard: dict[bytes, None], chance: random.Random) -> None:
    async with client.pubsub() as listener:
        async with asyncio.timeout(1):
            await listener.psubscribe(f"rollcall:*:room:{ROOM}")
        async for message in listener.listen():
            if message["type"] == "pmessage" and message["data"] not in heard:
                heard[message["data"]] = None
                for old in chance.sample(list(heard), min(len(heard), chance.randrange(4))):
                    await client.publish(message["channel"], old)


@asynccontextmanager
async def going_on(*works: Awaitable[None]) -> AsyncIterator[None]:
    """Meanwhile these are done, none of which may fail."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome for outcome in outcomes if not isinstance(outcome, asyncio.CancelledError)] == []


@pytest.mark.parametrize(
    "fault", [nothing, killed, restarted, paused, paused_for_a_moment, emptied, listeners_killed]
)
async def test_two_nodes_converge_and_nothing_is_lost_or_doubled(
    fault: Fault, redis_server: ServerProcess, tmp_path: Path
) -> None:
    async with open_nodes(tmp_path / "rollcall.db", redis_server.url, "n1", "n2") as (one, two):
        school = await make_school(one.core)
        await until(lambda: one.fanout.healthy and two.fanout.healthy)
        viewers = [await Viewer.at(door, school.office, *TOPICS) for door in (one, two)]
        works = [write(one, "one"), write(one, "uno"), write(two, "two"), lie(redis_server.url)]
        async with going_on(*works):
            await written(one, 50)
            await fault(redis_server, two)
            await written(two, 50)
            viewers.append(await Viewer.at(two, school.office, *TOPICS))
            if fault is killed:
                await redis_server.start()
            redis_server.resume()
            await until(lambda: one.fanout.healthy and two.fanout.healthy, 10)
            await written(one, 50)
        for viewer in viewers:
            await viewer.has_all(one.core.storage, ROOM)
