"""The records of one topic, and the rules by which they change (docs/protocol.md, Watching)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from client.effects import Change
from client.wire import Json, Position

Key = tuple[str, str]
"""Kind and id of a record."""


@dataclass(slots=True)
class TopicRecords:
    """What is known of a topic.

    `position` is None before the first snapshot and after `forget`; the records stay until the next snapshot
    replaces them. With a `date`, records of other days are left out. `epoch` is that of the records.
    """

    date: str | None
    records: dict[Key, Json] = field(default_factory=dict)
    position: Position | None = None
    epoch: str | None = None

    def push(self, update: Json) -> list[Change] | None:
        """Apply an update that the server pushed. None: there is a hole before it, and it was not applied."""
        position = self.position
        if position is None or update["seq"] <= position.seq:
            return []
        if update["prev"] > position.seq:
            return None
        self.position = Position(position.epoch, update["seq"])
        return self._put(update)

    def tail(self, position: Position, entries: Sequence[Json]) -> tuple[list[Change], bool]:
        """Apply a tail. True: it follows on what is here; where it does not, a snapshot is needed."""
        changes: list[Change] = []
        if self.position is None or self.position.epoch != position.epoch:
            return changes, False
        for entry in entries:
            more = self.push(entry)
            if more is None:
                return changes, False
            changes += more
        if position.seq > self.position.seq:
            self.position = position
        return changes, True

    def replace(self, position: Position, records: Iterable[Json]) -> list[Change]:
        """Replace everything: a record that is not in the snapshot is no longer known."""
        old = self.records
        is_same_life = self.epoch == position.epoch
        changes = []
        self.records = {}
        for record in records:
            key = (record["kind"], record["id"])
            before = old.pop(key, None)
            self.records[key] = record
            if not is_same_life or before is None or before["seq"] != record["seq"]:
                changes.append(Change(*key, record, before, None))
        self.position = position
        self.epoch = position.epoch
        return _removed(old) + changes

    def forget(self) -> None:
        """Nothing follows on what is here any more: the next reply is to be a snapshot."""
        self.position = None

    def clear(self) -> list[Change]:
        """Remove every record."""
        old, self.records = self.records, {}
        self.forget()
        return _removed(old)

    def _put(self, update: Json) -> list[Change]:
        record = update["data"]
        key = (record["kind"], record["id"])
        before = self.records.get(key)
        if before is not None and before["seq"] >= record["seq"]:
            return []
        if record.get("deleted"):
            if before is None:
                return []
            del self.records[key]
            return [Change(*key, None, before, update)]
        if self._is_of_another_day(record):
            return []
        self.records[key] = record
        return [Change(*key, record, before, update)]

    def _is_of_another_day(self, record: Json) -> bool:
        date: Any = record.get("date")
        return self.date is not None and isinstance(date, str) and date != self.date


def _removed(records: dict[Key, Json]) -> list[Change]:
    return [Change(*key, None, before, None) for key, before in records.items()]
