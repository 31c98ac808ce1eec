"""Presence of several nodes through a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from realtime.presence_elsewhere import Elsewhere
from realtime.presence_life import ENTRIES
from realtime.presence_redis import CHANGES, PresenceRedis
from tests.contract.test_presence import OTHER_TOPIC, TOPIC, Node, user
from tests.parts.process import ServerProcess
from tests.waiting import until

EVERY = 0.1
"""Seconds between two exchanges here, so that the tests need not wait for long."""

ALIVE = 2
GRACE = 2.0

Open = Callable[..., Awaitable[Node]]


@pytest.fixture
async def open_node() -> AsyncIterator[Open]:
    """Opens nodes on an address, and closes them after the test."""
    async with AsyncExitStack() as stack:

        async def open_node(url: str, epoch: str = "e1") -> Node:
            node = Node(PresenceRedis(url, epoch, every=EVERY, alive=ALIVE, grace=GRACE))
            await node.open()
            stack.push_async_callback(node.presence.close)
            return node

        yield open_node


async def sees(node: Node, topic: str, *ids: str) -> None:
    """Wait until the node shows these users."""

    async def shows() -> bool:
        return await node.ids(topic) == list(ids)

    await until(shows)


async def test_users_of_other_nodes_are_there_and_come_and_go(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    one.presence.enter(TOPIC, "1", user("ann", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    await sees(one, TOPIC, "ann", "bob")
    await sees(two, TOPIC, "ann", "bob")
    one.changes.clear()
    two.presence.enter(TOPIC, "2", user("cy", 3))
    two.presence.leave(TOPIC, "1", "bob")
    await until(lambda: one.told(TOPIC) == [("bob", False), ("cy", True)])
    assert (one.presence.count(TOPIC), two.presence.count(TOPIC)) == (2, 2)
    assert await one.presence.users(TOPIC) == [user("ann", 1), user("cy", 3)]


async def test_a_user_on_two_nodes_is_there_once_until_gone_from_both(
    redis_url: str, open_node: Open
) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    one.presence.enter(TOPIC, "1", user("bob", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    two.presence.enter(TOPIC, "2", user("ann", 3))
    for node in (one, two):
        await until(lambda: _elsewhere(node).has(TOPIC, "bob"))  # noqa: B023
        await sees(node, TOPIC, "bob", "ann")
        assert await node.presence.users(TOPIC) == [user("bob", 1), user("ann", 3)]
        node.changes.clear()
    one.presence.enter(TOPIC, "2", user("ann", 4))
    one.presence.leave(TOPIC, "1", "bob")
    two.presence.enter(TOPIC, "3", user("cy", 5))
    await until(lambda: one.told(TOPIC) == [("cy", True)])
    await until(lambda: _elsewhere(two).has(TOPIC, "ann"))
    two.presence.leave(TOPIC, "1", "bob")
    two.presence.leave(TOPIC, "2", "ann")
    two.presence.leave(TOPIC, "3", "cy")
    await until(lambda: sorted(one.told(TOPIC)) == [("bob", False), ("cy", False), ("cy", True)])
    assert await one.presence.users(TOPIC) == [user("ann", 4)]
    assert two.told(TOPIC) == [("cy", True), ("bob", False), ("cy", False)]


def _elsewhere(node: Node) -> Elsewhere:
    assert isinstance(node.presence, PresenceRedis)
    return node.presence._elsewhere


async def test_who_was_there_before_the_first_connection_is_shown_and_not_told(
    redis_url: str, open_node: Open
) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    two.presence.enter(TOPIC, "1", user("bob", 1))
    await sees(one, TOPIC, "bob")
    one.presence.enter(TOPIC, "1", user("ann", 2))
    assert await one.ids(TOPIC) == ["bob", "ann"]
    two.presence.enter(TOPIC, "2", user("cy", 3))
    await until(lambda: one.told(TOPIC) == [("ann", True), ("cy", True)])


async def test_a_new_node_shows_everybody_at_once(redis_url: str, open_node: Open) -> None:
    one = await open_node(redis_url)
    one.presence.enter(TOPIC, "1", user("bob", 1))
    two = await open_node(redis_url)
    await sees(two, TOPIC, "bob")
    three = await open_node(redis_url)
    three.presence.enter(TOPIC, "1", user("ann", 2))
    assert await three.ids(TOPIC) == ["bob", "ann"]
    assert three.told(TOPIC) == [("ann", True)]


async def test_a_crowd_comes_whole(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    two.presence.enter(TOPIC, "0", user("zoe"))
    ids = {f"u{number}" for number in range(3 * CHANGES + 7)}
    for id in ids:
        one.presence.enter(TOPIC, id, user(id))
    await until(lambda: two.presence.count(TOPIC) == len(ids) + 1)
    assert {id for id, there in two.told(TOPIC) if there} == ids | {"zoe"}
    for id in ids:
        one.presence.leave(TOPIC, id, id)
    await until(lambda: two.presence.count(TOPIC) == 1)


async def test_the_users_of_a_node_that_stops_are_gone_at_once(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    one.presence.enter(TOPIC, "1", user("ann", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    await sees(one, TOPIC, "ann", "bob")
    await two.presence.close()
    await until(lambda: one.told(TOPIC)[-1] == ("bob", False), limit=ALIVE)
    assert await one.ids(TOPIC) == ["ann"]


async def test_the_users_of_a_node_that_dies_are_gone_soon(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    one.presence.enter(TOPIC, "1", user("ann", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    two.presence.enter(TOPIC, "2", user("ann", 3))
    two.presence.enter(OTHER_TOPIC, "2", user("ann", 3))
    await sees(one, TOPIC, "ann", "bob")
    await die(two)
    await until(lambda: one.told(TOPIC)[-1] == ("bob", False), limit=ALIVE + GRACE + 2)
    assert await one.ids(TOPIC) == ["ann"]
    assert await one.ids(OTHER_TOPIC) == []
    three = await open_node(redis_url)
    await sees(three, TOPIC, "ann")
    assert await three.ids(OTHER_TOPIC) == []


async def die(node: Node) -> None:
    """The node does nothing any more, and tells nobody."""
    presence = node.presence
    assert isinstance(presence, PresenceRedis)
    task, presence._task = presence._task, None
    assert task is not None
    task.cancel()
    await asyncio.wait([task])
    await presence._redis.connection_pool.disconnect()


async def restarted(server: ServerProcess) -> None:
    server.stop()
    await server.start()


async def paused_for_a_moment(server: ServerProcess) -> None:
    server.pause()
    server.resume()


async def emptied(server: ServerProcess) -> None:
    async with Redis.from_url(server.url) as client:
        await client.flushall()


async def connections_killed(server: ServerProcess) -> None:
    async with Redis.from_url(server.url) as client:
        await client.client_kill_filter(_type="normal", skipme=True)


@pytest.mark.parametrize("fault", [restarted, paused_for_a_moment, emptied, connections_killed])
async def test_a_short_fault_is_not_noticed_and_what_comes_after_it_is(
    fault: Callable[[ServerProcess], Awaitable[None]], redis_server: ServerProcess, open_node: Open
) -> None:
    one, two = await open_node(redis_server.url), await open_node(redis_server.url)
    one.presence.enter(TOPIC, "1", user("ann", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    await sees(one, TOPIC, "ann", "bob")
    await sees(two, TOPIC, "ann", "bob")
    one.changes.clear()
    await fault(redis_server)
    two.presence.enter(TOPIC, "2", user("cy", 3))
    await sees(one, TOPIC, "ann", "bob", "cy")
    three = await open_node(redis_server.url)
    await sees(three, TOPIC, "ann", "bob", "cy")
    two.presence.leave(TOPIC, "1", "bob")
    await sees(one, TOPIC, "ann", "cy")
    assert one.told(TOPIC) == [("cy", True), ("bob", False)]


async def test_without_redis_a_node_shows_its_own_users_and_with_it_all(
    redis_server: ServerProcess, open_node: Open
) -> None:
    one, two = await open_node(redis_server.url), await open_node(redis_server.url)
    one.presence.enter(TOPIC, "1", user("ann", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    await sees(one, TOPIC, "ann", "bob")
    redis_server.stop()
    await until(lambda: one.told(TOPIC)[-1] == ("bob", False))
    two.presence.leave(TOPIC, "1", "bob")
    two.presence.enter(TOPIC, "2", user("cy", 3))
    assert await one.ids(TOPIC) == ["ann"]
    one.changes.clear()
    await redis_server.start()
    await sees(one, TOPIC, "ann", "cy")
    await sees(two, TOPIC, "ann", "cy")
    assert one.told(TOPIC) == [("cy", True)]


async def test_who_comes_and_goes_while_redis_is_away_is_forgotten(open_node: Open) -> None:
    node = await open_node("redis://127.0.0.1:1")
    node.presence.enter(TOPIC, "0", user("ann"))
    for number in range(5 * CHANGES):
        node.presence.enter(TOPIC, "1", user(f"u{number}"))
        node.presence.leave(TOPIC, "1", f"u{number}")
    presence = node.presence
    assert isinstance(presence, PresenceRedis)
    assert len(presence._dirty) > 4 * CHANGES
    await until(lambda: len(presence._dirty) <= 1 + CHANGES)


async def commands_of_exchanges(client: Redis, count: int) -> dict[str, float]:
    """What Redis is asked in each of the next exchanges of all nodes, while nobody comes or goes."""

    async def calls() -> dict[str, int]:
        stats = await client.info("commandstats")
        return {name: stat["calls"] for name, stat in stats.items() if name != "cmdstat_info"}

    begin = await calls()

    async def enough() -> dict[str, int] | None:
        now = await calls()
        return now if now["cmdstat_exec"] >= begin["cmdstat_exec"] + count else None

    end = await until(enough)
    assert end is not None
    exchanges = end["cmdstat_exec"] - begin["cmdstat_exec"]
    return {
        name: (end[name] - begin.get(name, 0)) / exchanges for name in end if end[name] != begin.get(name)
    }


async def test_a_crowd_that_stays_costs_no_more_than_a_few(
    redis_server: ServerProcess, open_node: Open
) -> None:
    one, two = await open_node(redis_server.url), await open_node(redis_server.url)
    two.presence.enter(TOPIC, "0", user("zoe"))
    costs = []
    async with Redis.from_url(redis_server.url) as client:
        for begin, end in ((0, 10), (10, 2_000)):
            for number in range(begin, end):
                one.presence.enter(TOPIC, f"{number}", user(f"u{number}"))
            await until(lambda: two.presence.count(TOPIC) == end + 1)  # noqa: B023
            await commands_of_exchanges(client, 4)
            costs.append(await commands_of_exchanges(client, 6))
    once = ("set", "smembers", "mget", "xread", "expire", "multi", "exec")
    assert costs == [{f"cmdstat_{name}": 1.0 for name in once}] * 2


async def test_everything_in_redis_expires_and_is_bounded(redis_url: str, open_node: Open) -> None:
    one = await open_node(redis_url)
    one.presence.enter(TOPIC, "0", user("ann"))
    await sees(await open_node(redis_url), TOPIC, "ann")
    async with Redis.from_url(redis_url) as client:
        keys = [key async for key in client.scan_iter("*")]
        assert len(keys) >= 4
        assert all(key.startswith(b"rollcall:e1:presence:") for key in keys)
        for key in keys:
            assert await client.ttl(key) > 0
        for _ in range(ENTRIES + 10):
            await client.xadd("rollcall:e1:presence:changes", {"node": "x", "facts": b"[]"})
        one.presence.enter(TOPIC, "1", user("bob"))

        async def short() -> bool:
            return bool(await client.xlen("rollcall:e1:presence:changes") <= 2 * ENTRIES)

        await until(short)


async def test_what_makes_no_sense_is_dropped(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    one.presence.enter(TOPIC, "1", user("ann", 1))
    two.presence.enter(TOPIC, "1", user("bob", 2))
    await sees(one, TOPIC, "ann", "bob")
    async with Redis.from_url(redis_url) as client:
        async for key in client.scan_iter(f"*:{TOPIC}"):
            await client.hset(key, mapping={b"\xff": b"[]", "x": b"{", "y": b"3"})
        for facts in (b"", b"3", b"{", b"[3]", b"[[1, 2, 3]]", b"[[]]", b"[[[], {}, null, 4, 5]]"):
            await client.xadd("rollcall:e1:presence:changes", {"node": "x", "facts": facts})
        await client.xadd("rollcall:e1:presence:changes", {"node": b"\xff"})
        await client.xadd("rollcall:e1:presence:changes", {"facts": "[]"})
    two.presence.enter(TOPIC, "2", user("cy", 3))
    await sees(one, TOPIC, "ann", "bob", "cy")
    await sees(await open_node(redis_url), TOPIC, "ann", "bob", "cy")


async def test_an_exchange_that_goes_wrong_is_not_the_last(
    redis_url: str, open_node: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url)
    presence = one.presence
    assert isinstance(presence, PresenceRedis)

    async def exchange() -> bool:
        raise RuntimeError("broken off")

    with monkeypatch.context() as broken:
        broken.setattr(presence, "_exchange", exchange)
        await until(lambda: "broken off" in caplog.text)
    one.presence.enter(TOPIC, "1", user("ann"))
    await sees(two, TOPIC, "ann")


async def test_two_storages_on_one_redis_do_not_meet(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url, "e1"), await open_node(redis_url, "e2")
    third = await open_node(redis_url, "e1")
    for node, id in ((one, "ann"), (two, "bob"), (third, "cy")):
        node.presence.enter(TOPIC, "1", user(id))
    await sees(one, TOPIC, "ann", "cy")
    assert await two.ids(TOPIC) == ["bob"]
