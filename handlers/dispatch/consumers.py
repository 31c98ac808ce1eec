"""Event consumers: functions that follow the journals of some rooms with a durable cursor.

At least once, in order per room, resumed after a crash: the cursor is written after the entry was handled,
so what a consumer does must be idempotent. An entry that fails again and again is logged and left behind,
so that one mistake does not stop the room for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.action import Ack
from models.errors import Unavailable
from models.journal import Commit, Entry
from models.ports import Storage, StorageLost

READ = 256
AT_ONCE = 16
TRIES = 5
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0

log = logging.getLogger("rollcall.consumers")


class RunInternal(Protocol):
    """Runs an internal action as the server itself."""

    def __call__(self, type: str, payload: dict[str, Any]) -> Awaitable[Ack]: ...


@dataclass(frozen=True, slots=True)
class Effects:
    """What a consumer may do: read the storage, and run internal actions."""

    storage: Storage
    run: RunInternal


Consume = Callable[[Entry, Effects], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ConsumerSpec:
    """A consumer: its name is that of its cursor, `rooms` the noun of the rooms it follows, `types` what it
    wants (empty: all).
    """

    name: str
    rooms: str
    types: frozenset[str]
    consume: Consume


CONSUMERS: dict[str, ConsumerSpec] = {}


def subscribes(name: str, *, rooms: str, types: Sequence[str] = ()) -> Callable[[Consume], Consume]:
    """Declare a consumer of the entries of `rooms` (`org`, `school`, `team`, `user`) of these types."""

    def declare(consume: Consume) -> Consume:
        if name in CONSUMERS:
            raise ValueError(f"the consumer {name!r} is declared twice")
        CONSUMERS[name] = ConsumerSpec(name, rooms, frozenset(types), consume)
        return consume

    return declare


@dataclass(slots=True)
class _Reading:
    """One consumer in one room: how far it is, how far there is to go, and who waits for it."""

    cursor: int | None = None
    head: int = 0
    task: asyncio.Task[None] | None = None
    waiters: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)


class Consumers:
    """Runs the consumers of a node on what it commits, and at the start on what was left over."""

    def __init__(self, specs: Sequence[ConsumerSpec], effects: Effects) -> None:
        self._specs = tuple(specs)
        self._effects = effects
        self._storage = effects.storage
        self._readings: dict[tuple[str, str], _Reading] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._closed = False

    async def open(self) -> None:
        """Take up what is behind the cursors. StorageLost."""
        for spec in self._specs:
            for lag in await self._storage.lagging(spec.name, spec.rooms):
                self._wake(spec, lag.room, lag.head)

    async def close(self) -> None:
        """Stop; what is not handled yet is handled at the next start."""
        self._closed = True
        tasks = [reading.task for reading in self._readings.values() if reading.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def offer(self, commit: Commit) -> None:
        """A commit is durable: let the consumers of its room read on."""
        self.wake(commit.room, commit.last)

    def wake(self, room: str, head: int) -> None:
        """The room's journal is at `head`: let its consumers read on to there."""
        noun = room.partition(":")[0]
        for spec in self._specs:
            if spec.rooms == noun:
                self._wake(spec, room, head)

    async def settled(self, name: str, room: str, seq: int, limit: float) -> bool:
        """Wait until the consumer has handled the room up to `seq`; False if that takes longer than `limit`
        seconds.
        """
        reading = self._readings.get((name, room))
        if reading is None or (reading.cursor is not None and reading.cursor >= seq):
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        reading.waiters.append((seq, waiter))
        try:
            async with asyncio.timeout(limit):
                await waiter
        except TimeoutError:
            return False
        finally:
            reading.waiters = [(s, w) for s, w in reading.waiters if w is not waiter]
        return True

    async def idle(self) -> None:
        """Wait until nothing is left to handle."""
        while tasks := [r.task for r in self._readings.values() if r.task is not None]:
            await asyncio.wait(tasks)

    def _wake(self, spec: ConsumerSpec, room: str, head: int) -> None:
        if self._closed:
            return
        reading = self._readings.setdefault((spec.name, room), _Reading())
        reading.head = max(reading.head, head)
        if reading.task is None:
            reading.task = asyncio.create_task(self._follow(spec, room, reading), name=f"{spec.name} {room}")

    async def _follow(self, spec: ConsumerSpec, room: str, reading: _Reading) -> None:
        pause = FIRST_PAUSE
        try:
            while reading.cursor is None or reading.cursor < reading.head:
                try:
                    async with self._slots:
                        await self._read_on(spec, room, reading)
                    pause = FIRST_PAUSE
                except StorageLost as lost:
                    log.warning("%s in %s: storage lost: %s", spec.name, room, lost)
                    await asyncio.sleep(pause)
                    pause = min(LONGEST_PAUSE, pause * 2)
        finally:
            reading.task = None

    async def _read_on(self, spec: ConsumerSpec, room: str, reading: _Reading) -> None:
        if reading.cursor is None:
            reading.cursor = await self._storage.cursor(spec.name, room)
        entries = await self._storage.read(room, after=reading.cursor, limit=READ)
        for entry in entries:
            if not spec.types or entry.type in spec.types:
                await self._handle(spec, entry)
            reading.cursor = entry.seq
        if not entries:
            reading.cursor = max(reading.cursor, reading.head)
        await self._storage.set_cursor(spec.name, room, reading.cursor)
        for seq, waiter in reading.waiters:
            if seq <= reading.cursor and not waiter.done():
                waiter.set_result(None)

    async def _handle(self, spec: ConsumerSpec, entry: Entry) -> None:
        """Handle one entry; an outage is waited out, a failing entry tried a few times and then logged."""
        pause = FIRST_PAUSE
        tries = 0
        while True:
            try:
                return await spec.consume(entry, self._effects)
            except (StorageLost, Unavailable) as lost:
                log.warning("%s at %s/%d: %s", spec.name, entry.room, entry.seq, lost)
            except Exception:
                tries += 1
                if tries == TRIES:
                    log.exception("%s gives up on %s/%d", spec.name, entry.room, entry.seq)
                    return None
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
