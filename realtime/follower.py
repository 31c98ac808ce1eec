"""Followers: per room and node, entries delivered in seq order, each once, holes read from the journal.

What arrives from the committer or the fan-out is only a hint that the journal has grown; the numbers decide
what is delivered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from models.journal import Commit, Entry
from models.ports import Fanout, Storage, StorageLost

READ = 500
FARTHEST = 5_000
"""A hole with more entries than this is not pushed one by one: members are told to subscribe again."""

COMPARE = 2.0
"""Seconds between two comparisons of heads with the storage (design: section 5)."""

log = logging.getLogger("rollcall.follower")


class Delivery(Protocol):
    """What a follower delivers to."""

    def entries(self, room: str, entries: Sequence[Entry]) -> None:
        """The room's next entries."""
        ...

    def skipped(self, room: str, seq: int, reason: str) -> None:
        """Entries up to `seq` are not delivered one by one; whoever shows the room must read it anew."""
        ...


class Follower:
    """One followed room. `delivered` is the seq up to which everything was delivered."""

    def __init__(self, room: str, delivered: int, storage: Storage, delivery: Delivery) -> None:
        self.room = room
        self.delivered = delivered
        self._storage = storage
        self._delivery = delivery
        self._repair: asyncio.Task[None] | None = None
        self._target = delivered

    def receive(self, commit: Commit) -> None:
        """Deliver what is new in the commit, or begin to read what is missing before it."""
        if commit.last <= self.delivered:
            return
        if commit.first > self.delivered + 1 or self._repair is not None:
            self.catch_up(commit.last)
            return
        if commit.bulk:
            self._skip(commit.last, "bulk")
            return
        new = commit.entries[self.delivered + 1 - commit.first :]
        self._deliver(new)

    def catch_up(self, head: int) -> None:
        """The journal is at `head`: read and deliver what is missing. One reader per room."""
        self._target = max(self._target, head)
        if self._target > self.delivered and self._repair is None:
            self._repair = asyncio.create_task(self._read_on(), name=f"follower {self.room}")

    def stop(self) -> None:
        """Deliver nothing any more."""
        if self._repair is not None:
            self._repair.cancel()

    async def _read_on(self) -> None:
        try:
            while self.delivered < self._target:
                if self._target - self.delivered > FARTHEST:
                    self._skip(self._target, "behind")
                    return
                entries = await self._storage.read(self.room, after=self.delivered, limit=READ)
                fresh = [entry for entry in entries if entry.seq > self.delivered]
                if not fresh:
                    return
                self._deliver(fresh)
        except StorageLost as lost:
            log.warning("%s: storage lost while catching up: %s", self.room, lost)
        finally:
            self._repair = None

    def _deliver(self, entries: Sequence[Entry]) -> None:
        self.delivered = entries[-1].seq
        try:
            self._delivery.entries(self.room, entries)
        except Exception:
            # Some members may have got them and some not: all read anew.
            log.exception("%s: delivering up to %d", self.room, self.delivered)
            self._delivery.skipped(self.room, self.delivered, "failed")

    def _skip(self, seq: int, reason: str) -> None:
        self.delivered = seq
        self._delivery.skipped(self.room, seq, reason)


class Followers:
    """The rooms that a node follows, each while somebody needs it."""

    def __init__(self, storage: Storage, fanout: Fanout, compare: float = COMPARE) -> None:
        self._storage = storage
        self._fanout = fanout
        self._delivery: Delivery | None = None
        self._every = compare
        self._followers: dict[str, Follower] = {}
        self._starting: dict[str, asyncio.Task[Follower]] = {}
        self._seen_while_starting: dict[str, int] = {}
        self._needed: dict[str, int] = {}
        self._ticking: asyncio.Task[None] | None = None

    async def open(self, delivery: Delivery) -> None:
        """Begin to receive, to compare heads, and to deliver."""
        self._delivery = delivery
        await self._fanout.open(self.receive)
        self._ticking = asyncio.create_task(self._tick(), name="followers")

    async def close(self) -> None:
        """Follow nothing any more. May be called twice."""
        tasks = [task for task in (self._ticking, *self._starting.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for follower in self._followers.values():
            follower.stop()
        self._followers.clear()
        await self._fanout.close()

    async def follow(self, room: str) -> Follower:
        """Follow the room from its head on, until `release` was called as often. StorageLost (then there is
        nothing to release).
        """
        needed = self._needed[room] = self._needed.get(room, 0) + 1
        if needed == 1:
            self._fanout.join(room)
        try:
            follower = self._followers.get(room)
            if follower is None:
                starting = self._starting.get(room)
                if starting is None:
                    starting = self._starting[room] = asyncio.create_task(self._start(room))
                follower = await asyncio.shield(starting)
            return follower
        except BaseException:
            self.release(room)
            raise

    def release(self, room: str) -> None:
        """One who needed the room is gone."""
        self._needed[room] -= 1
        if self._needed[room] == 0:
            del self._needed[room]
            self._fanout.leave(room)
            follower = self._followers.pop(room, None)
            if follower is not None:
                follower.stop()

    def followed(self) -> list[str]:
        """The rooms that are followed now."""
        return list(self._followers)

    def receive(self, commit: Commit) -> None:
        """A commit was made durable, here or on another node."""
        follower = self._followers.get(commit.room)
        if follower is not None:
            follower.receive(commit)
        elif commit.room in self._starting:
            seen = self._seen_while_starting.get(commit.room, 0)
            self._seen_while_starting[commit.room] = max(seen, commit.last)

    async def compare_heads(self) -> None:
        """Read the heads of all followed rooms in one query and catch up where the journal is ahead.
        StorageLost.
        """
        rooms = list(self._followers)
        if not rooms:
            return
        for room, head in (await self._storage.heads(rooms)).items():
            follower = self._followers.get(room)
            if follower is not None:
                follower.catch_up(head)

    async def _start(self, room: str) -> Follower:
        try:
            if self._delivery is None:
                raise RuntimeError("the followers are not open")
            head = (await self._storage.heads([room]))[room]
            follower = Follower(room, head, self._storage, self._delivery)
            if room in self._needed:
                self._followers[room] = follower
                follower.catch_up(self._seen_while_starting.get(room, 0))
            return follower
        finally:
            self._starting.pop(room, None)
            self._seen_while_starting.pop(room, None)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.compare_heads()
            except StorageLost as lost:
                log.warning("heads were not compared: %s", lost)
            except Exception:
                log.exception("comparing heads")
