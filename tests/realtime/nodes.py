"""Several nodes of one storage in the test's own process, and viewers that check what they are pushed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from models.actor import Actor
from models.journal import Record
from models.ports import Storage
from realtime.fanout_redis import FanoutRedis
from realtime.presence_redis import PresenceRedis
from tests.kit import CoreKit, SetClock
from tests.realtime.kit import Client, DoorKit
from tests.waiting import until

PROBE = 0.5
"""Seconds between two numbers that prove that Redis is heard, so that tests need not wait for long."""


@asynccontextmanager
async def open_nodes(path: Path, redis_url: str, *names: str) -> AsyncIterator[list[DoorKit]]:
    """Nodes with both doors over one SQLite file and one Redis."""
    async with AsyncExitStack() as stack:
        storage = SqliteStorage(path)
        await storage.open()
        stack.push_async_callback(storage.close)
        doors = []
        for name in names:
            core = CoreKit(storage, SqliteCredentials(storage), SetClock())
            await core.core.open()
            stack.callback(core.passwords.close)
            stack.push_async_callback(core.core.close)
            door = DoorKit(
                core,
                name,
                fanout=FanoutRedis(redis_url, storage.epoch, probe=PROBE),
                presence=PresenceRedis(redis_url, storage.epoch, every=PROBE),
            )
            await door.open()
            stack.push_async_callback(door.close)
            doors.append(door)
        yield doors


class Viewer:
    """Follows topics of one room through a node's door, from its first subscription on."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._begin: dict[str, int] = {}

    @classmethod
    async def at(cls, door: DoorKit, actor: Actor, *topics: str) -> Viewer:
        """A viewer who has subscribed."""
        viewer = cls(await door.client(actor))
        for topic in topics:
            await viewer.subscribe(topic)
        return viewer

    async def subscribe(self, topic: str) -> None:
        """Follow one more topic."""
        self._begin[topic] = (await self.client.subscribe(topic))["position"]["seq"]

    async def has_all(self, storage: Storage, room: str, limit: float = 5.0) -> None:
        """Wait until everything that is in the journal now has come, and check it entry by entry."""
        head = (await storage.heads([room]))[room]
        for topic, begin in self._begin.items():
            entries = await storage.read(room, after=begin, up_to=head, limit=100_000, topic=topic)
            expected = [entry.seq for entry in entries]
            await until(lambda: len(self._updates(topic, begin, head)) >= len(expected), limit)  # noqa: B023
            updates = self._updates(topic, begin, head)
            assert [update["seq"] for update in updates] == expected
            prev = begin
            for update, entry in zip(updates, entries, strict=True):
                assert update["prev"] == prev or (prev == begin and update["prev"] < begin)
                assert update == entry.to_update(topic, update["prev"])
                prev = entry.seq
        assert self.client.all("resync") == []
        assert self.client.connected

    def _updates(self, topic: str, begin: int, head: int) -> list[Record]:
        """Without those at or below the client's position, which it ignores."""
        updates = self.client.all("update")
        return [update for update in updates if update["topic"] == topic and begin < update["seq"] <= head]
