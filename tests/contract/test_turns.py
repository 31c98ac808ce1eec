"""The port Turns: a hint that never fails, whatever becomes of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app import turns_redis
from app.turns_jitter import TurnsJitter
from app.turns_redis import TurnsRedis
from tests.parts.process import ServerProcess

ROOM = "school:s1"


@pytest.fixture
async def nodes(redis_url: str) -> AsyncIterator[list[TurnsRedis]]:
    async with AsyncExitStack() as stack:
        nodes = []
        for _ in range(3):
            node = TurnsRedis(redis_url, "epoch")
            stack.push_async_callback(node.close)
            nodes.append(node)
        yield nodes


@pytest.mark.parametrize("adapter", ["jitter", "redis"])
async def test_a_turn_is_had_and_given_again_and_again(adapter: str, nodes: list[TurnsRedis]) -> None:
    turns = TurnsJitter() if adapter == "jitter" else nodes[0]
    async with asyncio.timeout(5):
        for _ in range(10):
            await turns.take(ROOM)
            turns.give(ROOM)


async def test_one_node_at_a_time_has_the_turn(nodes: list[TurnsRedis]) -> None:
    having: list[int] = []
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        for _ in range(5):
            await nodes[number].take(ROOM)
            having.append(number)
            most = max(most, len(having))
            await asyncio.sleep(0.002)
            having.remove(number)
            nodes[number].give(ROOM)

    await asyncio.gather(*(work(number) for number in range(3)))
    assert most == 1


async def test_rooms_have_turns_of_their_own(nodes: list[TurnsRedis]) -> None:
    await nodes[0].take("school:s1")
    async with asyncio.timeout(turns_redis.LONGEST / 2):
        await nodes[1].take("school:s2")


async def test_the_turn_of_a_dead_node_is_soon_over(nodes: list[TurnsRedis]) -> None:
    await nodes[0].take(ROOM)
    async with asyncio.timeout(5):
        await nodes[1].take(ROOM)


async def test_a_turn_that_was_over_by_itself_is_not_anothers_to_give(nodes: list[TurnsRedis]) -> None:
    await nodes[0].take(ROOM)
    await asyncio.sleep(turns_redis.TTL / 1000)
    await nodes[1].take(ROOM)
    nodes[0].give(ROOM)
    await asyncio.gather(*nodes[0]._giving)
    begin = asyncio.get_running_loop().time()
    await nodes[2].take(ROOM)
    assert asyncio.get_running_loop().time() - begin > turns_redis.LONGEST / 10


async def test_without_redis_it_is_a_short_wait(redis_server: ServerProcess) -> None:
    turns = TurnsRedis(redis_server.url, "epoch")
    redis_server.stop()
    async with asyncio.timeout(5):
        for _ in range(20):
            await turns.take(ROOM)
            turns.give(ROOM)
    await turns.close()


async def test_a_redis_that_hangs_holds_nobody_up(redis_server: ServerProcess) -> None:
    turns = TurnsRedis(redis_server.url, "epoch")
    await turns.take(ROOM)
    redis_server.pause()
    async with asyncio.timeout(5):
        for _ in range(3):
            await turns.take(ROOM)
            turns.give(ROOM)
    await turns.close()
