"""Fan-out through a real Redis: what it does when Redis goes, hangs, is emptied, or carries nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from models.journal import Heard
from realtime.commit_message import LARGEST, BadMessage, heard_in, message_of
from realtime.fanout_redis import FanoutRedis
from realtime.redis_channels import LOST, QUEUED, SUBSCRIBED
from tests.contract.test_fanout import EPOCH, OTHER_ROOM, ROOM, Node, commit_of
from tests.parts.process import HOST, ServerProcess
from tests.waiting import until

PROBE = 0.5
"""Seconds between two numbers here, so that the tests need not wait for long."""

CHANNEL = f"rollcall:{EPOCH}:room:{ROOM}"

Open = Callable[..., Awaitable[Node]]


@pytest.fixture
async def open_node() -> AsyncIterator[Open]:
    """Opens nodes on an address, and closes them after the test."""
    async with AsyncExitStack() as stack:

        async def open_node(url: str, *rooms: str, epoch: str = EPOCH, linger: float = 10.0) -> Node:
            node = Node(FanoutRedis(url, epoch, probe=PROBE, linger=linger))
            for room in rooms:
                node.fanout.join(room)
            await node.open()
            stack.push_async_callback(node.fanout.close)
            return node

        yield open_node


async def healthy(*nodes: Node) -> None:
    """Wait until each has heard itself."""
    await until(lambda: all(node.fanout.healthy for node in nodes))


async def carries(one: Node, two: Node, seq: int) -> None:
    """A commit of the one comes to the other, once."""
    one.fanout.publish(commit_of(seq))
    await until(lambda: seq in two.seqs)
    assert two.seqs.count(seq) == 1


async def test_two_storages_on_one_redis_do_not_meet(redis_url: str, open_node: Open) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url, ROOM)
    stranger = await open_node(redis_url, ROOM, epoch="e2")
    await healthy(one, two, stranger)
    await carries(one, two, 1)
    stranger.fanout.publish(replace(commit_of(2), epoch="e2"))
    await carries(one, two, 3)
    assert (stranger.seqs, two.seqs) == ([], [1, 3])


GARBAGE = [
    b"",
    b"\n",
    b"x",
    b"x\n{}",
    b"x\n[]",
    b"x\nnull\nnull",
    b"\xff\xfe\n\xff",
    message_of(commit_of(7), b"x")[:-1],
    message_of(commit_of(7, 2), b"x").rpartition(b"\n")[0],
    message_of(commit_of(7), b"x") + b"\n{}",
    message_of(commit_of(7), b"x").replace(b'"seq":7', b'"seq":8'),
    message_of(commit_of(7), b"x").replace(b'"first":7', b'"first":0'),
    message_of(commit_of(7), b"x").replace(b'"first":7', b'"first":"7"'),
    message_of(commit_of(7), b"x").replace(b'"last":7', b'"last":6'),
    message_of(commit_of(7), b"x").replace(b'["school:s1",', b'["x",'),
    message_of(replace(commit_of(7), epoch="e2"), b"x"),
    message_of(commit_of(7, room=OTHER_ROOM), b"x"),
]


async def test_a_message_that_makes_no_sense_is_dropped_with_a_line(
    redis_url: str, open_node: Open, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await open_node(redis_url), await open_node(redis_url, ROOM)
    await healthy(one, two)
    async with Redis.from_url(redis_url) as client:
        for message in GARBAGE:
            assert await client.publish(CHANNEL, message) == 1
    await carries(one, two, 1)
    assert two.seqs == [1]
    lines = [record.message for record in caplog.records if record.name == "rollcall.fanout"]
    assert len(lines) == len(GARBAGE)
    assert all(line.startswith(f"a message about {ROOM} was dropped: ") for line in lines)


@given(st.binary(), st.integers(0, 400), st.integers(0, 400))
def test_any_bytes_are_a_message_or_refused(garbage: bytes, begin: int, length: int) -> None:
    message = message_of(commit_of(1, 3), b"sender")
    assert heard_in(message).entries == commit_of(1, 3).entries
    for broken in (garbage, message[:begin] + garbage + message[begin + length :]):
        with contextlib.suppress(BadMessage):
            heard = heard_in(broken)
            assert [entry.seq for entry in heard.entries] in ([], list(range(heard.first, heard.last + 1)))
            assert all(entry.data["seq"] == entry.seq for entry in heard.entries)


def test_a_commit_that_is_too_large_goes_without_its_entries() -> None:
    commit = commit_of(1, 3, note="x" * (LARGEST // 3))
    message = message_of(commit, b"x")
    assert len(message) < 1_000
    assert heard_in(message) == Heard(ROOM, EPOCH, 1, 3, ())


Fault = Callable[[ServerProcess, Node], Awaitable[None]]


async def restarted(server: ServerProcess, node: Node) -> None:
    server.stop()
    await server.start()


async def resumed_when_it_was_noticed(server: ServerProcess, node: Node) -> None:
    server.pause()
    await until(lambda: not node.fanout.healthy)
    server.resume()


async def resumed_at_once(server: ServerProcess, node: Node) -> None:
    server.pause()
    server.resume()


async def listeners_killed(server: ServerProcess, node: Node) -> None:
    async with Redis.from_url(server.url) as client:
        assert await client.client_kill_filter(_type="pubsub") >= 2


async def publishers_killed(server: ServerProcess, node: Node) -> None:
    async with Redis.from_url(server.url) as client:
        assert await client.client_kill_filter(_type="normal", skipme=True) >= 2


async def emptied(server: ServerProcess, node: Node) -> None:
    async with Redis.from_url(server.url) as client:
        await client.flushall()


LOSES_CONNECTIONS = [restarted, listeners_killed, publishers_killed]


@pytest.mark.parametrize("fault", [*LOSES_CONNECTIONS, resumed_when_it_was_noticed, resumed_at_once, emptied])
async def test_after_a_fault_everything_is_heard_again(
    fault: Fault, redis_server: ServerProcess, open_node: Open
) -> None:
    one, two = await open_node(redis_server.url), await open_node(redis_server.url, ROOM, OTHER_ROOM)
    await healthy(one, two)
    await carries(one, two, 1)
    two.missed.clear()
    await fault(redis_server, two)
    if fault in LOSES_CONNECTIONS:
        await until(lambda: {ROOM, OTHER_ROOM} <= set(two.missed))
    await healthy(one, two)
    await carries(one, two, 2)


class DeafRedis:
    """Answers like Redis, and lets nobody hear anything but what a test says."""

    def __init__(self) -> None:
        self.connections = 0
        self.said: list[bytes] = []
        self._listener: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.readline():
            match [await _word(reader) for _ in range(int(head[1:]))]:
                case [b"SUBSCRIBE", *channels]:
                    self._listener = writer
                    for channel in channels:
                        writer.write(_reply(b"subscribe", channel, b"1"))
                case [b"PUBLISH", channel, number]:
                    self.said.append(number)
                    writer.write(b":0\r\n")
                    self._echo(channel, number)
                case _:
                    writer.write(b"+OK\r\n")
        writer.close()

    def _echo(self, channel: bytes, number: bytes) -> None:
        """Anything but the number that was said."""
        assert self._listener is not None
        of_lost_connections, not_sent_yet = int(number) - LOST - 1, int(number) + 1
        for message in (b"0", b"x", b"", b"\xb2", b"%d" % of_lost_connections, b"%d" % not_sent_yet):
            self._listener.write(_reply(b"message", channel, message))


async def _word(reader: asyncio.StreamReader) -> bytes:
    length = int((await reader.readline())[1:])
    return (await reader.readexactly(length + 2))[:-2]


def _reply(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


async def test_only_the_number_that_was_sent_proves_that_it_is_heard(open_node: Open) -> None:
    deaf = DeafRedis()
    async with await asyncio.start_server(deaf.serve, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        node = await open_node(f"redis://{HOST}:{port}")
        heard: list[bool] = []
        for count in range(1, 8):
            await until(lambda: len(deaf.said) >= count)  # noqa: B023
            heard.append(node.fanout.healthy)
        assert heard == [False] * 7
        assert deaf.connections > 2
        await node.fanout.close()


async def test_it_is_not_healthy_while_the_connection_stands_but_nothing_comes(
    redis_server: ServerProcess, open_node: Open
) -> None:
    node = await open_node(redis_server.url, ROOM)
    await healthy(node)
    redis_server.pause()
    await until(lambda: not node.fanout.healthy)
    redis_server.resume()
    await healthy(node)


async def test_it_opens_without_redis_and_hears_once_it_is_there(
    redis_server: ServerProcess, open_node: Open, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.stop()
    with caplog.at_level(logging.INFO, "rollcall.redis"):
        one, two = await open_node(redis_server.url), await open_node(redis_server.url, ROOM)
        await until(lambda: len(caplog.records) >= 2)
        assert not one.fanout.healthy
        await redis_server.start()
        await healthy(one, two)
    await carries(one, two, 1)
    lines = [record.message for record in caplog.records if record.name == "rollcall.redis"]
    assert len(lines) == 4
    assert lines[0].startswith("Redis is lost, and what other nodes do is read from the storage: ")
    assert "Error 111 connecting to 127.0.0.1" in lines[0]
    assert lines[-1] == "Redis is heard"


async def test_what_cannot_be_published_is_dropped_and_counted(
    redis_server: ServerProcess, open_node: Open
) -> None:
    fanout = FanoutRedis(redis_server.url, EPOCH, probe=PROBE)
    two = await open_node(redis_server.url, ROOM)
    one = Node(fanout)
    fanout.publish(commit_of(1))
    assert fanout.dropped == 1
    await one.open()
    await healthy(one, two)
    redis_server.pause()
    large = commit_of(2, note="x" * 100_000)
    for _ in range(QUEUED):
        fanout.publish(large)
    assert fanout.dropped > QUEUED / 2
    redis_server.resume()
    await healthy(one, two)
    await carries(one, two, 9)
    await fanout.close()


async def test_many_rooms_are_joined_by_few_commands(redis_server: ServerProcess, open_node: Open) -> None:
    one, two = await open_node(redis_server.url), await open_node(redis_server.url)
    await healthy(one, two)
    rooms = [f"user:u{n}" for n in range(3 * SUBSCRIBED)]
    await two.join(*rooms)
    async with Redis.from_url(redis_server.url) as client:
        calls = (await client.info("commandstats"))["cmdstat_subscribe"]["calls"]
    assert calls <= 2 + 3 + 1
    one.fanout.publish(commit_of(1, room=rooms[-1]))
    await until(lambda: two.seqs == [1])


async def test_a_room_stays_subscribed_for_a_while_after_it_was_left(redis_url: str, open_node: Open) -> None:
    node = await open_node(redis_url, ROOM, linger=3 * PROBE)
    await healthy(node)

    async with Redis.from_url(redis_url) as client:

        async def subscribers() -> int:
            ((_, count),) = await client.pubsub_numsub(CHANNEL)
            return int(count)

        node.fanout.leave(ROOM)
        node.missed.clear()
        assert await subscribers() == 1
        node.fanout.join(ROOM)
        node.fanout.leave(ROOM)
        assert await subscribers() == 1

        async def left() -> bool:
            return await subscribers() == 0

        await until(left)
        assert node.missed == []
        node.fanout.join(ROOM)
        await until(lambda: node.missed == [ROOM])
        assert await subscribers() == 1
