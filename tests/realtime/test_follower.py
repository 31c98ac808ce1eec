"""Followers: whatever order and gaps the hints come in, entries are delivered in seq order, each once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tests.handlers.dispatch.counters  # noqa: F401 - declares the kind of record that is committed here
from app.storage.sqlite import SqliteStorage
from models.clock import rfc3339
from models.journal import Commit, Entry, Heard
from models.ports import StorageLost
from realtime.fanout_memory import FanoutMemory, Hub
from realtime.follower import FARTHEST, READERS, Followers
from tests.kit import MONDAY
from tests.waiting import until

ROOM = "school:s1"


class LosableStorage(SqliteStorage):
    """Reads fail while `lost`, and are counted. `gate` holds all answers back until it is set."""

    lost = False
    lost_heads = 0
    reads = 0
    most_at_once = 0
    reading = 0

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = 0

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        if self.lost_heads:
            self.lost_heads -= 1
            raise StorageLost("switched off")
        answer = await super().heads(rooms)
        self.held += 1
        await self.gate.wait()
        self.held -= 1
        return answer

    async def read(self, room: str, **options: object) -> list[Entry]:
        if self.lost:
            raise StorageLost("switched off")
        self.reads += 1
        self.reading += 1
        self.most_at_once = max(self.most_at_once, self.reading)
        answer = await super().read(room, **options)  # type: ignore[arg-type]
        self.held += 1
        await self.gate.wait()
        self.held -= 1
        self.reading -= 1
        return answer


class Delivered:
    """Remembers what was delivered."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.skips: list[tuple[int, str]] = []

    def entries(self, room: str, entries: Sequence[Entry]) -> None:
        self.seqs += [entry.seq for entry in entries]

    def skipped(self, room: str, seq: int, reason: str) -> None:
        self.skips.append((seq, reason))


class DeafFanout(FanoutMemory):
    """Hears nothing that is published while `deaf`."""

    deaf = False

    def hear(self, commit: Commit) -> None:
        if not self.deaf:
            super().hear(commit)

    @property
    def healthy(self) -> bool:
        return not self.deaf


class Node:
    def __init__(
        self, storage: LosableStorage, hub: Hub, compare: float = 0.05, compare_deaf: float = 0.05
    ) -> None:
        self.storage = storage
        self.delivered = Delivered()
        self.fanout = DeafFanout(hub)
        self.followers = Followers(storage, self.fanout, compare=compare, compare_deaf=compare_deaf)

    async def commit(self, count: int = 1, *, bulk: bool = False, room: str = ROOM) -> Commit:
        """Append to the journal, and tell nobody."""
        first = (await SqliteStorage.heads(self.storage, [room]))[room] + 1
        entries = tuple(
            Entry(
                room,
                seq,
                "counter.add",
                {"kind": "counter", "id": f"c{seq}", "value": 1, "parity": 1, "seq": seq},
                "u1",
                rfc3339(MONDAY),
                f"op-{seq}",
                (room,),
            )
            for seq in range(first, first + count)
        )
        commit = Commit(room, self.storage.epoch, entries, bulk)
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


async def test_a_fan_out_that_does_not_hear_makes_heads_be_compared_more_often(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600, compare_deaf=0.05)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    await node.commit()
    node.fanout.deaf = True
    await until(lambda: node.delivered.seqs == [1])
    await node.followers.close()


async def test_where_something_may_have_been_missed_heads_are_compared_at_once(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600, compare_deaf=3600)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    await node.commit(2)
    node.followers.missed("team:t9")
    node.followers.missed(ROOM)
    await until(lambda: node.delivered.seqs == [1, 2])
    await node.followers.close()


async def test_what_may_have_been_missed_while_the_follower_starts_is_found(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600, compare_deaf=3600)
    await node.followers.open(node.delivered)
    storage.gate.clear()
    starting = asyncio.create_task(node.followers.follow(ROOM))
    await until(lambda: storage.held == 1)
    await node.commit(2)
    node.followers.missed(ROOM)
    await asyncio.sleep(0)
    storage.gate.set()
    assert (await starting).delivered == 0
    await until(lambda: node.delivered.seqs == [1, 2])
    await node.followers.close()


async def test_a_comparison_that_fails_is_made_again_soon(storage: LosableStorage, hub: Hub) -> None:
    node = Node(storage, hub, compare=3600, compare_deaf=0.05)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    await node.commit()
    storage.lost_heads = 2
    node.followers.missed(ROOM)
    await until(lambda: node.delivered.seqs == [1])
    assert storage.lost_heads == 0
    await node.followers.close()


async def test_a_hole_is_read_once_however_many_hints_come_after_it(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    hole, *others = [await node.commit(3) for _ in range(30)]
    for commit in others:
        node.followers.receive(commit)
        await asyncio.sleep(0)
    await until(lambda: node.delivered.seqs == list(range(1, others[-1].last + 1)))
    assert storage.reads == 1
    node.followers.receive(hole)
    await asyncio.sleep(0)
    assert storage.reads == 1
    await node.followers.close()


async def test_a_hole_that_is_filled_while_it_is_read_delays_nothing(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    first, second, third = [await node.commit(2) for _ in range(3)]
    node.followers.receive(third)
    node.followers.receive(second)
    assert node.delivered.seqs == []
    node.followers.receive(first)
    assert node.delivered.seqs == [1, 2, 3, 4, 5, 6]
    await node.followers.close()


async def test_what_was_delivered_while_it_was_read_is_not_delivered_again(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    first, second, third, fourth = [await node.commit(2) for _ in range(4)]
    storage.gate.clear()
    node.followers.receive(fourth)
    await until(lambda: storage.held == 1)
    node.followers.receive(first)
    node.followers.receive(second)
    storage.gate.set()
    await until(lambda: len(node.delivered.seqs) >= 8)
    node.followers.receive(third)
    assert node.delivered.seqs == list(range(1, 9))
    assert storage.reads == 1
    await node.followers.close()


async def test_after_an_outage_only_some_rooms_are_read_at_the_same_time(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600)
    rooms = [f"team:t{n}" for n in range(3 * READERS)]
    await node.followers.open(node.delivered)
    await asyncio.gather(*map(node.followers.follow, rooms))
    for room in rooms:
        await node.commit(room=room)
    await node.followers.compare_heads()
    await until(lambda: len(node.delivered.seqs) == len(rooms))
    assert 1 < storage.most_at_once <= READERS
    await node.followers.close()


@pytest.mark.parametrize("told", [4, 3 + 10 * FARTHEST])
async def test_who_tells_of_entries_that_are_not_there_changes_nothing(
    node: Node, storage: LosableStorage, told: int
) -> None:
    follower = await node.followers.follow(ROOM)
    await node.commit(3)
    for _ in range(3):
        node.followers.receive(Heard(ROOM, storage.epoch, told, told, ()))
        await until(lambda: node.delivered.seqs == [1, 2, 3])
    await until(lambda: follower._repair is None)
    reads = storage.reads
    await node.followers.compare_heads()
    await asyncio.sleep(0)
    assert storage.reads == reads
    node.followers.receive(await node.commit())
    assert (node.delivered.seqs, node.delivered.skips) == ([1, 2, 3, 4], [])


async def test_a_bulk_commit_of_another_node_is_skipped_once_it_is_next(
    storage: LosableStorage, hub: Hub
) -> None:
    node = Node(storage, hub, compare=3600)
    await node.followers.open(node.delivered)
    await node.followers.follow(ROOM)
    before = await node.commit(2)
    bulk = await node.commit(400, bulk=True)
    node.followers.receive(Heard(ROOM, storage.epoch, bulk.first, bulk.last, (), bulk=True))
    node.followers.receive(before)
    assert (node.delivered.seqs, node.delivered.skips) == ([1, 2], [(402, "bulk")])
    await node.followers.close()


COMMIT, HINT, HINT_OF_MANY, LIE, PAUSE, COMPARE, LOSE = range(7)

steps = st.lists(
    st.one_of(
        st.tuples(st.just(COMMIT), st.integers(1, 4)),
        st.tuples(st.sampled_from([HINT, HINT, HINT, HINT_OF_MANY]), st.integers(0, 30)),
        st.tuples(st.just(LIE), st.integers(1, 3 * FARTHEST)),
        st.tuples(st.sampled_from([PAUSE, COMPARE, LOSE]), st.integers(0, 3)),
    ),
    min_size=5,
    max_size=60,
)


def test_whatever_is_lost_repeated_or_out_of_order_each_entry_is_delivered_once_in_order(
    tmp_path: Path,
) -> None:
    storage = LosableStorage(tmp_path / "rollcall.db")
    rooms = (f"team:t{number}" for number in itertools.count())
    with asyncio.Runner() as runner:

        @settings(max_examples=120, suppress_health_check=list(HealthCheck))
        @given(steps=steps)
        def each_entry_once_in_order(steps: list[tuple[int, int]]) -> None:
            runner.run(_deliver(storage, next(rooms), steps))

        runner.run(storage.open())
        each_entry_once_in_order()
        runner.run(storage.close())


async def _deliver(storage: LosableStorage, room: str, steps: list[tuple[int, int]]) -> None:
    node = Node(storage, Hub(), compare=3600)
    await node.followers.open(node.delivered)
    follower = await node.followers.follow(room)
    commits: list[Commit] = []
    head = 0
    for step, number in steps:
        if step == COMMIT:
            commits.append(await node.commit(number, room=room))
            head = commits[-1].last
        elif step == HINT and commits:
            node.followers.receive(commits[number % len(commits)])
        elif step == HINT_OF_MANY and commits:
            commit = commits[number % len(commits)]
            node.followers.receive(Heard(room, commit.epoch, commit.first, commit.last, ()))
        elif step == LIE:
            node.followers.receive(Heard(room, storage.epoch, head + number, head + 2 * number, ()))
        elif step == PAUSE:
            for _ in range(4**number):
                await asyncio.sleep(0)
        elif step == COMPARE and not storage.lost:
            await node.followers.compare_heads()
        elif step == LOSE:
            storage.lost = number > 1
    storage.lost = False
    node.followers.missed(room)
    await until(lambda: follower.delivered == head)
    assert (node.delivered.seqs, node.delivered.skips) == (list(range(1, head + 1)), [])
    await node.followers.close()
