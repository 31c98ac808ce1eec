"""A topic as the application sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from client.effects import Change, Status
from client.errors import Refused, Stopped
from client.listeners import Listeners
from client.topic_records import Key, TopicRecords
from client.wire import Json, Position


class Topic:
    """A subscription: its records, kept current, and who is told of changes. Made by `Client.subscribe`."""

    def __init__(self, name: str, known: TopicRecords, now: float) -> None:
        self.name = name
        self.status = Status("offline", now)
        self._known = known
        self._changes: Listeners[Sequence[Change]] = Listeners()
        self._statuses: Listeners[Status] = Listeners()
        self._of_records: dict[Key, Listeners[Change]] = {}
        self._moved = asyncio.Event()

    @property
    def position(self) -> Position | None:
        """The place in the room's journal up to which everything is here; None: nothing is known."""
        return self._known.position

    def get(self, kind: str, id: str) -> Json | None:
        """One record; None where there is none."""
        return self._known.records.get((kind, id))

    def records(self, kind: str | None = None) -> list[Json]:
        """All records, or those of one kind."""
        return [record for record in self._known.records.values() if kind in (None, record["kind"])]

    def on_change(self, listener: Callable[[Sequence[Change]], object]) -> Callable[[], None]:
        """Call with what has changed at once, whenever something has. The function returned ends that."""
        return self._changes.add(listener)

    def on_record(self, kind: str, id: str, listener: Callable[[Change], object]) -> Callable[[], None]:
        """Call with each change of one record, whether it is there yet or not."""
        return self._of_records.setdefault((kind, id), Listeners()).add(listener)

    def on_status(self, listener: Callable[[Status], object]) -> Callable[[], None]:
        """Call when the status changes."""
        return self._statuses.add(listener)

    async def live(self) -> Topic:
        """Wait until the records are what the server has. Refused (it gives no access), Stopped."""
        while self.status.state != "live":
            if self.status.error is not None:
                raise Refused(self.status.error)
            if self.status.state == "stopped":
                raise Stopped("The client has stopped.")
            self._moved.clear()
            await self._moved.wait()
        return self

    def tell_changes(self, changes: Sequence[Change]) -> None:
        """For the client: records have changed."""
        self._changes.tell(changes)
        for change in changes:
            listeners = self._of_records.get((change.kind, change.id))
            if listeners is not None:
                listeners.tell(change)

    def tell_status(self, status: Status) -> None:
        """For the client: the status has changed."""
        self.status = status
        self._moved.set()
        self._statuses.tell(status)
