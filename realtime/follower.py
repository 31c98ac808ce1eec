"""Followers: per room and node, entries delivered in seq order, each once, holes read from the journal.

What arrives from the committer or the fan-out is only a hint that the journal has grown; the numbers decide
what is delivered. A hint that is lost, repeated, late or out of order changes nothing in the result.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from models.journal import Commit, Entry, Heard
from models.ports import Fanout, Storage, StorageLost

READ = 500
FARTHEST = 5_000
"""A hole with more entries than this is not pushed one by one: members are told to subscribe again."""

KEPT = 1_000
"""Entries after a hole that one room keeps until the hole is read; what is beyond is read as well."""

READERS = 16
"""Rooms of a node whose holes are read at the same time: all of them have one after an outage."""

COMPARE = 2.0
"""Seconds between two comparisons of all heads with the storage."""

COMPARE_DEAF = 0.5
"""The same while the fan-out is not healthy, so that viewers wait no longer than 2 s."""

ROOMS_COMPARED = 1_000
"""Rooms in one question for heads."""

log = logging.getLogger("rollcall.follower")

News = Commit | Heard


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

    def __init__(
        self, room: str, delivered: int, storage: Storage, delivery: Delivery, turns: asyncio.Semaphore
    ) -> None:
        self.room = room
        self.delivered = delivered
        self._storage = storage
        self._delivery = delivery
        self._turns = turns
        self._repair: asyncio.Task[None] | None = None
        self._target = delivered
        self._kept: dict[int, News] = {}
        self._kept_size = 0

    def receive(self, news: News) -> None:
        """Deliver what is new in it, or begin to read what is missing before it."""
        if news.last <= self.delivered:
            return
        if self._is_next(news):
            self._take(news)
            self._take_kept()
        else:
            self._keep(news)
            self.catch_up(news.last)

    def catch_up(self, head: int) -> None:
        """The journal is said to be at `head`: read and deliver what is missing. One reader per room."""
        self._target = max(self._target, head)
        if self._target > self.delivered and self._repair is None:
            self._repair = asyncio.create_task(self._read_on(), name=f"follower {self.room}")

    def stop(self) -> None:
        """Deliver nothing any more."""
        if self._repair is not None:
            self._repair.cancel()

    def _is_next(self, news: News) -> bool:
        return news.first <= self.delivered + 1 and (news.bulk or bool(news.entries))

    def _take(self, news: News) -> None:
        if news.bulk:
            self._skip(news.last, "bulk")
        else:
            self._deliver(news.entries[self.delivered + 1 - news.first :])

    def _keep(self, news: News) -> None:
        """Until what is before it has been read."""
        if news.first not in self._kept and self._kept_size + _size(news) <= KEPT:
            self._kept[news.first] = news
            self._kept_size += _size(news)

    def _take_kept(self) -> None:
        """Deliver what was kept, as far as it follows now, and forget what has become old."""
        for first in sorted(self._kept):
            if first > self.delivered + 1:
                return
            news = self._kept.pop(first)
            self._kept_size -= _size(news)
            if news.last > self.delivered and self._is_next(news):
                self._take(news)

    async def _read_on(self) -> None:
        try:
            async with self._turns:
                while self.delivered < self._target:
                    if self._target - self.delivered > FARTHEST:
                        await self._leave_out()
                        continue
                    before = self.delivered
                    entries = await self._storage.read(self.room, after=before, limit=READ)
                    self._take_read(entries)
                    if self.delivered == before:
                        # Who told of more was wrong. What is written later is found later.
                        self._target = before
        except StorageLost as lost:
            log.warning("%s: storage lost while catching up: %s", self.room, lost)
        finally:
            self._repair = None

    def _take_read(self, entries: Sequence[Entry]) -> None:
        """What was read; some of it may have been delivered meanwhile."""
        fresh = [entry for entry in entries if entry.seq > self.delivered]
        if fresh:
            if fresh[0].seq > self.delivered + 1:
                # The journal was shortened.
                self._skip(fresh[0].seq - 1, "behind")
            self._deliver(fresh)
        self._take_kept()

    async def _leave_out(self) -> None:
        """Too much is missing. How much, the storage says: a skip cannot be taken back."""
        head = (await self._storage.heads([self.room]))[self.room]
        self._target = head
        if head - self.delivered > FARTHEST:
            self._skip(head, "behind")
            self._take_kept()

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

    def __init__(
        self,
        storage: Storage,
        fanout: Fanout,
        *,
        compare: float = COMPARE,
        compare_deaf: float = COMPARE_DEAF,
    ) -> None:
        self._storage = storage
        self._fanout = fanout
        self._delivery: Delivery | None = None
        self._every = compare
        self._every_deaf = min(compare, compare_deaf)
        self._turns = asyncio.Semaphore(READERS)
        self._followers: dict[str, Follower] = {}
        self._starting: dict[str, asyncio.Task[Follower]] = {}
        self._seen_while_starting: dict[str, int] = {}
        self._needed: dict[str, int] = {}
        self._suspects: set[str] = set()
        self._suspicion = asyncio.Event()
        self._comparing: asyncio.Task[None] | None = None

    async def open(self, delivery: Delivery) -> None:
        """Begin to receive, to compare heads, and to deliver."""
        self._delivery = delivery
        await self._fanout.open(self.receive, self.missed)
        self._comparing = asyncio.create_task(self._keep_comparing(), name="followers")

    async def close(self) -> None:
        """Follow nothing any more. May be called twice."""
        tasks = [task for task in (self._comparing, *self._starting.values()) if task is not None]
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

    def receive(self, news: News) -> None:
        """A commit was made durable, here or on another node."""
        follower = self._followers.get(news.room)
        if follower is not None:
            follower.receive(news)
        elif news.room in self._starting:
            seen = self._seen_while_starting.get(news.room, 0)
            self._seen_while_starting[news.room] = max(seen, news.last)

    def missed(self, room: str) -> None:
        """Other nodes' commits to the room may not have come: compare its head at once."""
        self._suspects.add(room)
        self._suspicion.set()

    async def compare_heads(self, rooms: Iterable[str] | None = None) -> None:
        """Read the heads of these rooms, or of all, as far as they are followed, and catch up where the
        journal is ahead. StorageLost.
        """
        wanted = list(self._followers) if rooms is None else [r for r in rooms if r in self._followers]
        for begin in range(0, len(wanted), ROOMS_COMPARED):
            heads = await self._storage.heads(wanted[begin : begin + ROOMS_COMPARED])
            for room, head in heads.items():
                follower = self._followers.get(room)
                if follower is not None:
                    follower.catch_up(head)

    async def _start(self, room: str) -> Follower:
        try:
            if self._delivery is None:
                raise RuntimeError("the followers are not open")
            head = (await self._storage.heads([room]))[room]
            follower = Follower(room, head, self._storage, self._delivery, self._turns)
            if room in self._needed:
                self._followers[room] = follower
                follower.catch_up(self._seen_while_starting.get(room, 0))
                if room in self._suspects:
                    self._suspicion.set()
            return follower
        finally:
            self._starting.pop(room, None)
            self._seen_while_starting.pop(room, None)

    async def _keep_comparing(self) -> None:
        """All heads every so often, and those of suspects at once."""
        loop = asyncio.get_running_loop()
        compared = loop.time()
        while True:
            every = self._every if self._fanout.healthy else self._every_deaf
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._every_deaf, compared + every - loop.time())):
                    await self._suspicion.wait()
            self._suspicion.clear()
            rooms: Iterable[str] | None = self._take_suspects()
            every = self._every if self._fanout.healthy else self._every_deaf
            if loop.time() >= compared + every:
                rooms, compared = None, loop.time()
            try:
                await self.compare_heads(rooms)
                continue
            except StorageLost as lost:
                log.warning("heads were not compared: %s", lost)
            except Exception:
                log.exception("comparing heads")
            compared -= every
            await asyncio.sleep(self._every_deaf)

    def _take_suspects(self) -> list[str]:
        """The suspects that have a follower; those whose follower is starting remain."""
        taken = [room for room in self._suspects if room in self._followers]
        self._suspects = {room for room in self._suspects if room in self._starting}
        return taken


def _size(news: News) -> int:
    """What it counts for among what is kept."""
    return len(news.entries) or 1
