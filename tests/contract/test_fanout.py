"""The Fanout port, over every adapter: two nodes of one storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from models.journal import Commit, Entry, Heard
from models.ports import Fanout
from realtime.fanout_memory import FanoutMemory, Hub
from realtime.fanout_redis import FanoutRedis
from tests.waiting import until

EPOCH = "e1"
ROOM = "school:s1"
OTHER_ROOM = "team:t1"


def commit_of(first: int, count: int = 1, *, room: str = ROOM, bulk: bool = False, **more: Any) -> Commit:
    """A commit of marks in which every second entry is a derived one."""
    entries = tuple(
        Entry(
            room,
            seq,
            "attendance.mark" if seq % 2 else "attendance.tally",
            {"kind": "mark", "id": f"m{seq}", "seq": seq, "note": None, **more},
            "u1" if seq % 2 else None,
            "2026-03-02T08:30:00.000Z",
            f"op-{seq}" if seq % 2 else None,
            (room, "class:c1") if seq % 2 else (room,),
        )
        for seq in range(first, first + count)
    )
    return Commit(room, EPOCH, entries, bulk)


class Node:
    """A node's fan-out, with what came to it."""

    def __init__(self, fanout: Fanout) -> None:
        self.fanout = fanout
        self.heard: list[Commit | Heard] = []
        self.missed: list[str] = []

    @property
    def seqs(self) -> list[int]:
        return [entry.seq for heard in self.heard for entry in heard.entries]

    async def open(self) -> None:
        await self.fanout.open(self.heard.append, self.missed.append)

    async def join(self, *rooms: str) -> None:
        """Join, and wait until what others publish there comes."""
        for room in rooms:
            self.fanout.join(room)
        if not isinstance(self.fanout, FanoutMemory):
            await until(lambda: set(rooms) <= set(self.missed))


@pytest.fixture(params=["memory", "redis"])
def new_fanout(request: pytest.FixtureRequest) -> Callable[[], Fanout]:
    if request.param == "memory":
        hub = Hub()
        return lambda: FanoutMemory(hub)
    url = request.getfixturevalue("redis_url")
    return lambda: FanoutRedis(url, EPOCH)


@pytest.fixture
async def nodes(new_fanout: Callable[[], Fanout]) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes that are open and hear."""
    one, two = Node(new_fanout()), Node(new_fanout())
    for node in (one, two):
        await node.open()
    await until(lambda: one.fanout.healthy and two.fanout.healthy)
    yield one, two
    for node in (one, two):
        await node.fanout.close()


async def test_a_commit_comes_as_it_is_to_others_who_joined_its_room(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await one.join(ROOM)
    await two.join(ROOM)
    commit = commit_of(5, 3, note="Zoë\n\t\x00 \u2028 “x” \\ 🙂", list=[1, 2.5, True, None, {"a": []}])
    one.fanout.publish(commit)
    await until(lambda: two.heard)
    (heard,) = two.heard
    assert (heard.room, heard.epoch, heard.first, heard.last, heard.bulk) == (ROOM, EPOCH, 5, 7, False)
    assert heard.entries == commit.entries
    two.fanout.publish(commit_of(8))
    await until(lambda: one.heard)
    assert one.seqs == [8]
    assert two.seqs == [5, 6, 7]


async def test_commits_of_one_node_come_in_order_each_once(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await two.join(ROOM)
    for first in range(1, 1_000, 3):
        one.fanout.publish(commit_of(first, 3))
    await until(lambda: len(two.seqs) >= 999)
    assert two.seqs == list(range(1, 1_000))


async def test_only_rooms_that_are_joined_are_heard(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await two.join(ROOM, OTHER_ROOM)
    two.fanout.leave(OTHER_ROOM)
    one.fanout.publish(commit_of(1, room="school:s2"))
    one.fanout.publish(commit_of(1, room=OTHER_ROOM))
    one.fanout.publish(commit_of(1))
    await until(lambda: two.heard)
    assert [heard.room for heard in two.heard] == [ROOM]


async def test_a_room_that_is_joined_again_is_heard_again(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    for seq in range(1, 6):
        await two.join(ROOM)
        one.fanout.publish(commit_of(seq))
        await until(lambda: seq in two.seqs)  # noqa: B023
        two.fanout.leave(ROOM)
    assert two.seqs == [1, 2, 3, 4, 5]


async def test_a_bulk_commit_comes_as_one(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await two.join(ROOM)
    one.fanout.publish(commit_of(11, 400, bulk=True))
    await until(lambda: two.heard)
    (heard,) = two.heard
    assert (heard.first, heard.last, heard.bulk) == (11, 410, True)


async def test_nothing_is_raised_before_it_opens_and_after_it_is_closed(
    new_fanout: Callable[[], Fanout],
) -> None:
    node = Node(new_fanout())
    for _ in range(2):
        node.fanout.join(ROOM)
        node.fanout.publish(commit_of(1))
        node.fanout.leave(ROOM)
        await node.open()
        await node.fanout.close()
        await node.fanout.close()
    assert node.heard == []
