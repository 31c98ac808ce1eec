"""Followers: whatever order and gaps the hints come in, entries are delivered in seq order, each once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

import tests.handlers.dispatch.counters  # noqa: F401 - declares the kind of record that is committed here
from app.storage.sqlite import SqliteStorage
from models.clock import rfc3339
from models.journal import Commit, Entry
from models.ports import StorageLost
from realtime.fanout_memory import FanoutMemory, Hub
from realtime.follower import FARTHEST, Followers
from tests.kit import MONDAY
from tests.waiting import until

ROOM = "school:s1"


class LosableStorage(SqliteStorage):
    """Reads fail while `lost`. `gate` holds questions for heads back until it is set."""

    lost = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = 0

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        self.held += 1
        await self.gate.wait()
        self.held -= 1
        return await super().heads(rooms)

    async def read(self, room: str, **options: object) -> list[Entry]:
        if self.lost:
            raise StorageLost("switched off")
        return await super().read(room, **options)  # type: ignore[arg-type]


class Delivered:
    """Remembers what was delivered."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.skips: list[tuple[int, str]] = []

    def entries(self, room: str, entries: Sequence[Entry]) -> None:
        self.seqs += [entry.seq for entry in entries]

    def skipped(self, room: str, seq: int, reason: str) -> None:
        self.skips.append((seq, reason))


class Node:
    def __init__(self, storage: LosableStorage, hub: Hub, compare: float = 0.05) -> None:
        self.storage = storage
        self.delivered = Delivered()
        self.fanout = FanoutMemory(hub)
        self.followers = Followers(storage, self.fanout, compare=compare)

    async def commit(self, count: int = 1, *, bulk: bool = False) -> Commit:
        """Append to the journal, and tell nobody."""
        first = (await self.storage.heads([ROOM]))[ROOM] + 1
        entries = tuple(
            Entry(
                ROOM,
                seq,
                "counter.add",
                {"kind": "counter", "id": f"c{seq}", "value": 1, "parity": 1, "seq": seq},
                "u1",
                rfc3339(MONDAY),
                f"op-{seq}",
                (ROOM,),
            )
            for seq in range(first, first + count)
        )
        commit = Commit(ROOM, self.storage.epoch, entries, bulk)
        await self.storage.append(commit)
        return commit


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[LosableStorage]:
    storage = LosableStorage(tmp_path / "rollcall.db")
    await storage.open()
    yield storage
    await storage.close()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def node(storage: LosableStorage, hub: Hub) -> AsyncIterator[Node]:
    async for node in _node(storage, hub):
        yield node


@pytest.fixture
async def other(storage: LosableStorage, hub: Hub) -> AsyncIterator[Node]:
    async for node in _node(storage, hub):
        yield node


async def _node(storage: LosableStorage, hub: Hub) -> AsyncIterator[Node]:
    node = Node(storage, hub)
    await node.followers.open(node.delivered)
    yield node
    await node.followers.close()


async def test_a_follower_begins_at_the_head(node: Node) -> None:
    await node.commit(3)
    follower = await node.followers.follow(ROOM)
    assert follower.delivered == 3
    node.followers.receive(await node.commit(2))
    assert node.delivered.seqs == [4, 5]


async def test_hints_in_any_order_with_losses_and_repetitions_deliver_everything_once(node: Node) -> None:
    await node.followers.follow(ROOM)
    commits = [await node.commit(n % 4 + 1) for n in range(60)]
    last = commits[-1].last
    hints = random.Random(7).choices(commits, k=90)
    for commit in hints:
        node.followers.receive(commit)
        await asyncio.sleep(0)
    await until(lambda: len(node.delivered.seqs) >= last)
    assert node.delivered.seqs == list(range(1, last + 1))


async def test_a_commit_that_nobody_told_of_is_found_by_comparing_heads(node: Node) -> None:
    await node.followers.follow(ROOM)
    await node.commit(2)
    await until(lambda: node.delivered.seqs == [1, 2])


async def test_a_commit_while_the_follower_starts_is_delivered_or_before_its_begin(node: Node) -> None:
    for _ in range(20):
        node.delivered.seqs.clear()
        starting = asyncio.create_task(node.followers.follow(ROOM))
        await asyncio.sleep(0)
        commit = await node.commit()
        node.followers.receive(commit)
        follower = await starting
        await until(lambda: follower.delivered == commit.last)  # noqa: B023
        node.followers.release(ROOM)


async def test_a_lost_storage_delays_but_loses_nothing(node: Node, storage: LosableStorage) -> None:
    await node.followers.follow(ROOM)
    await node.commit()
    storage.lost = True
    node.followers.receive(await node.commit())
    await asyncio.sleep(0)
    assert node.delivered.seqs == []
    storage.lost = False
    await until(lambda: node.delivered.seqs == [1, 2])


async def test_a_bulk_commit_is_skipped_with_a_reason(node: Node) -> None:
    await node.followers.follow(ROOM)
    node.followers.receive(await node.commit(400, bulk=True))
    node.followers.receive(await node.commit())
    assert (node.delivered.skips, node.delivered.seqs) == ([(400, "bulk")], [401])


async def test_a_hole_that_is_too_wide_is_skipped(node: Node) -> None:
    await node.followers.follow(ROOM)
    for _ in range(FARTHEST // 500 + 1):
        await node.commit(500)
    node.followers.receive(await node.commit())
    await until(lambda: bool(node.delivered.skips) or len(node.delivered.seqs) > FARTHEST)
    seen = set(node.delivered.seqs)
    assert all(seq in seen or seq <= node.delivered.skips[0][0] for seq in range(1, FARTHEST + 501))


async def test_a_room_is_followed_as_long_as_somebody_needs_it(node: Node) -> None:
    one = await node.followers.follow(ROOM)
    two = await node.followers.follow(ROOM)
    assert one is two
    node.followers.release(ROOM)
    assert node.followers.followed() == [ROOM]
    node.followers.release(ROOM)
    assert node.followers.followed() == []
    node.followers.receive(await node.commit())
    assert node.delivered.seqs == []


async def test_a_room_that_is_needed_again_while_it_starts_hears_the_fan_out(
    node: Node, storage: LosableStorage, hub: Hub
) -> None:
    other = Node(storage, hub, compare=3600)
    await other.followers.open(other.delivered)
    storage.gate.clear()
    gone = asyncio.create_task(other.followers.follow(ROOM))
    await until(lambda: storage.held == 1)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    again = asyncio.create_task(other.followers.follow(ROOM))
    storage.gate.set()
    await again
    node.fanout.publish(await node.commit())
    await until(lambda: other.delivered.seqs == [1])
    await other.followers.close()


async def test_another_nodes_commit_comes_through_the_fan_out(node: Node, other: Node) -> None:
    await node.followers.follow(ROOM)
    await other.followers.follow(ROOM)
    commit = await node.commit(3)
    node.followers.receive(commit)
    node.fanout.publish(commit)
    await until(lambda: other.delivered.seqs == [1, 2, 3])
    assert node.delivered.seqs == [1, 2, 3]
