"""What a committer remembers of its room: records and answers of queries, as of the head that it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from models.journal import Entry, Record
from models.query import Query
from models.record import RecordKey

Built = Callable[[list[Record]], Any]


@dataclass(slots=True)
class RoomState:
    """Never older than the known head. Where another node has moved that on, an append fails, and the
    entries it wrote are taken in.

    `records`: None where there is none; tombstones as they are. `whole`: queries whose records are all among
    `records`. `kept`: by kind, what was built of the answer of a query.
    """

    records: dict[RecordKey, Record | None] = field(default_factory=dict)
    whole: set[Query] = field(default_factory=set)
    kept: dict[str, dict[tuple[Query, Built], Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many records and answers are remembered."""
        return len(self.records) + len(self.whole) + sum(len(answers) for answers in self.kept.values())

    def take_in(self, entries: Iterable[Entry]) -> None:
        """These entries follow the known head."""
        records, kept = self.records, self.kept
        for entry in entries:
            record = entry.data
            kind = record["kind"]
            if kind in kept:
                del kept[kind]
            records[kind, record["id"]] = record

    def clear(self) -> None:
        """Remember nothing any more."""
        self.records.clear()
        self.whole.clear()
        self.kept.clear()
