"""Event consumers: at least once, in order per room, resumed after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tests.handlers.dispatch.counters  # noqa: F401 - declares the kind of record that is committed here
from app.storage.sqlite import SqliteStorage
from handlers.dispatch.consumers import TRIES, Consumers, ConsumerSpec, Effects
from models.action import Ack
from models.clock import rfc3339
from models.errors import Unavailable
from models.journal import Commit, Entry
from models.ports import StorageLost
from tests.kit import MONDAY
from tests.waiting import until


class Recorder:
    """A consumer that remembers what it got. `trouble`: exceptions it raises first, by seq."""

    def __init__(self) -> None:
        self.got: list[tuple[str, int]] = []
        self.trouble: dict[int, list[Exception]] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def consume(self, entry: Entry, effects: Effects) -> None:
        await self.gate.wait()
        if self.trouble.get(entry.seq):
            raise self.trouble[entry.seq].pop()
        self.got.append((entry.room, entry.seq))


class Node:
    """A storage, and consumers that can be restarted."""

    def __init__(self, storage: SqliteStorage) -> None:
        self.storage = storage
        self.recorder = Recorder()
        self.consumers = self._new()

    def _new(self) -> Consumers:
        async def run(type: str, payload: dict[str, object]) -> Ack:
            raise AssertionError("not used here")

        spec = ConsumerSpec("recorder", "team", frozenset({"counter.add"}), self.recorder.consume)
        return Consumers([spec], Effects(self.storage, run))

    async def restart(self) -> None:
        await self.consumers.close()
        self.consumers = self._new()
        await self.consumers.open()

    async def commit(self, room: str, first: int, *types: str) -> Commit:
        entries = tuple(
            Entry(
                room,
                first + i,
                type,
                {"kind": "counter", "id": "c", "value": i, "parity": 0, "seq": first + i},
                "u1",
                rfc3339(MONDAY),
                f"op-{first + i}",
                (room,),
            )
            for i, type in enumerate(types)
        )
        commit = Commit(room, self.storage.epoch, entries)
        await self.storage.append(commit)
        return commit


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    storage = SqliteStorage(tmp_path / "rollcall.db")
    await storage.open()
    node = Node(storage)
    yield node
    node.recorder.gate.set()
    await node.consumers.close()
    await storage.close()


async def test_entries_of_the_wanted_rooms_and_types_come_in_order(node: Node) -> None:
    node.consumers.offer(await node.commit("team:t1", 1, "counter.add", "other", "counter.add"))
    node.consumers.offer(await node.commit("school:s1", 1, "counter.add"))
    node.consumers.offer(await node.commit("team:t1", 4, "counter.add"))
    await node.consumers.idle()
    assert node.recorder.got == [("team:t1", 1), ("team:t1", 3), ("team:t1", 4)]
    assert await node.storage.cursor("recorder", "team:t1") == 4


async def test_what_was_not_handled_before_a_crash_is_handled_after_it(node: Node) -> None:
    node.recorder.gate.clear()
    node.consumers.offer(await node.commit("team:t1", 1, "counter.add", "counter.add"))
    await node.commit("team:t2", 1, "counter.add")
    node.recorder.gate.set()
    await node.restart()
    await node.consumers.idle()
    assert sorted(set(node.recorder.got)) == [("team:t1", 1), ("team:t1", 2), ("team:t2", 1)]


async def test_after_a_restart_handled_entries_do_not_come_again(node: Node) -> None:
    node.consumers.offer(await node.commit("team:t1", 1, "counter.add"))
    await node.consumers.idle()
    await node.restart()
    await node.consumers.idle()
    assert node.recorder.got == [("team:t1", 1)]


@pytest.mark.parametrize("trouble", [StorageLost("away"), Unavailable()])
async def test_an_outage_is_waited_out_in_order(node: Node, trouble: Exception) -> None:
    node.recorder.trouble[1] = [trouble] * (TRIES + 1)
    node.consumers.offer(await node.commit("team:t1", 1, "counter.add", "counter.add"))
    await until(lambda: len(node.recorder.got) == 2, limit=60)
    assert node.recorder.got == [("team:t1", 1), ("team:t1", 2)]


async def test_an_entry_that_always_fails_is_logged_and_left_behind(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.recorder.trouble[1] = [RuntimeError("a mistake")] * TRIES
    node.consumers.offer(await node.commit("team:t1", 1, "counter.add", "counter.add"))
    await until(lambda: len(node.recorder.got) == 1, limit=30)
    assert node.recorder.got == [("team:t1", 2)]
    assert "gives up on team:t1/1" in caplog.text


async def test_one_can_wait_until_a_room_is_handled_up_to_a_seq(node: Node) -> None:
    node.recorder.gate.clear()
    node.consumers.offer(await node.commit("team:t1", 1, "counter.add"))
    assert not await node.consumers.settled("recorder", "team:t1", 1, limit=0.01)
    waiting = asyncio.create_task(node.consumers.settled("recorder", "team:t1", 1, limit=10))
    node.recorder.gate.set()
    assert await waiting
    assert node.recorder.got == [("team:t1", 1)]
