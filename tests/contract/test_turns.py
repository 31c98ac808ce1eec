"""The port Turns: a hint that never fails, whatever becomes of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest

from app import turns_jitter, turns_redis
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


async def contended(nodes: Sequence[TurnsRedis], room: str = ROOM) -> None:
    """Make the room contended, and wait until all nodes know."""
    nodes[0].lost(room)
    await nodes[0].take(room)
    nodes[0].give(room)
    for node in nodes:
        while room not in node.contended:
            await node.take("school:other")
            node.give("school:other")
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("adapter", ["jitter", "redis"])
async def test_who_writes_alone_waits_for_nobody(adapter: str, nodes: list[TurnsRedis]) -> None:
    turns = TurnsJitter() if adapter == "jitter" else nodes[0]
    for _ in range(10):
        assert await turns.take(ROOM)
        turns.give(ROOM)


@pytest.mark.parametrize("adapter", ["jitter", "redis"])
async def test_after_a_lost_race_the_storage_is_to_be_asked(adapter: str, nodes: list[TurnsRedis]) -> None:
    turns = TurnsJitter() if adapter == "jitter" else nodes[0]
    turns.lost(ROOM)
    async with asyncio.timeout(5):
        assert not await turns.take(ROOM)
        turns.give(ROOM)
        assert await turns.take("school:s2")
        turns.give("school:s2")


@pytest.mark.parametrize("adapter", ["jitter", "redis"])
async def test_a_room_that_nobody_loses_races_in_is_free_again(
    adapter: str, nodes: list[TurnsRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = TurnsJitter() if adapter == "jitter" else nodes[0]
    turns.lost(ROOM)
    await turns.take(ROOM)
    turns.give(ROOM)
    async with asyncio.timeout(5 * turns_jitter.CONTENDED):
        while not await turns.take(ROOM) or ROOM in nodes[0].contended:
            turns.give(ROOM)
            await asyncio.sleep(0.01)


async def test_one_node_at_a_time_has_the_turn_of_a_contended_room(nodes: list[TurnsRedis]) -> None:
    await contended(nodes)
    having: list[int] = []
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        for _ in range(20):
            await nodes[number].take(ROOM)
            having.append(number)
            most = max(most, len(having))
            await asyncio.sleep(0.002)
            having.remove(number)
            nodes[number].give(ROOM)

    await asyncio.gather(*(work(number) for number in range(3)))
    assert most == 1


async def test_no_node_has_more_than_its_share_of_turns(nodes: list[TurnsRedis]) -> None:
    """Also where only one of them has ever lost a race."""
    await contended(nodes)
    had = [0, 0, 0]

    async def work(number: int) -> None:
        while sum(had) < 300:
            await nodes[number].take(ROOM)
            await asyncio.sleep(0.002)
            had[number] += 1
            nodes[number].give(ROOM)

    await asyncio.gather(*(work(number) for number in range(3)))
    assert max(had) <= 2 * min(had)


async def test_a_node_that_keeps_its_turn_knows_that_nobody_wrote(nodes: list[TurnsRedis]) -> None:
    await contended(nodes)
    first = await nodes[1].take(ROOM)
    nodes[1].give(ROOM)
    assert [first, await nodes[1].take(ROOM)] == [False, True]


async def test_rooms_have_turns_of_their_own(nodes: list[TurnsRedis]) -> None:
    await contended(nodes, "school:s1")
    await contended(nodes, "school:s2")
    await nodes[0].take("school:s1")
    async with asyncio.timeout(turns_redis.TTL / 2):
        await nodes[1].take("school:s2")


async def test_the_turn_of_a_dead_node_is_soon_over(nodes: list[TurnsRedis]) -> None:
    await contended(nodes)
    await nodes[0].take(ROOM)
    async with asyncio.timeout(5):
        await nodes[1].take(ROOM)
        await nodes[2].take(ROOM)


async def test_a_turn_that_was_over_by_itself_is_not_anothers_to_give(nodes: list[TurnsRedis]) -> None:
    await contended(nodes)
    await nodes[0].take(ROOM)
    await nodes[1].take(ROOM)
    nodes[0].give(ROOM)
    await nodes[0].close()
    begin = asyncio.get_running_loop().time()
    await nodes[2].take(ROOM)
    assert asyncio.get_running_loop().time() - begin > turns_redis.TTL / 10


async def test_without_redis_it_is_a_short_wait(redis_server: ServerProcess) -> None:
    turns = TurnsRedis(redis_server.url, "epoch")
    redis_server.stop()
    async with asyncio.timeout(5):
        for _ in range(20):
            turns.lost(ROOM)
            await turns.take(ROOM)
            turns.give(ROOM)
    await turns.close()


async def test_a_redis_that_hangs_holds_nobody_up(redis_server: ServerProcess) -> None:
    turns = TurnsRedis(redis_server.url, "epoch")
    await turns.take(ROOM)
    redis_server.pause()
    async with asyncio.timeout(5):
        for _ in range(3):
            turns.lost(ROOM)
            await turns.take(ROOM)
            turns.give(ROOM)
    await turns.close()
