"""What is known of a room while the run lasts: what was acknowledged, and what anybody was shown."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tests.torture.violations import Violations

Json = dict[str, Any]
RecordKey = tuple[str, str]

GROWTH = 4_096


def fingerprint(type: str, data: Any, by: str | None, at: str, op_id: str | None) -> int:
    """A number for the content of an entry, the same for whoever shows it; never 0."""
    content = orjson.dumps([type, data, by, at, op_id], option=orjson.OPT_SORT_KEYS)
    return zlib.crc32(content) or 1


class KnownRoom:
    """By seq: when it was acknowledged, and a fingerprint of what was shown. Twelve bytes an entry.

    `newest` is the highest acknowledged seq of each topic, `records` that of each record with its topics.
    """

    def __init__(self, room: str, violations: Violations) -> None:
        self.room = room
        self.newest: dict[str, int] = {}
        self.records: dict[RecordKey, tuple[int, Sequence[str]]] = {}
        self._violations = violations
        self._acked_at = array("d")
        self._shown = array("I")

    def acknowledge(self, seq: int, at: float, record: Json, topics: Sequence[str]) -> None:
        """An action's last entry was acknowledged, at `at`."""
        self._grow(seq)
        if not self._acked_at[seq]:
            self._acked_at[seq] = at
        for topic in topics:
            self.newest[topic] = max(self.newest.get(topic, 0), seq)
        key = record["kind"], record["id"]
        if seq > self.records.get(key, (0, ()))[0]:
            self.records[key] = seq, topics

    def acknowledged_at(self, seq: int) -> float | None:
        """When the entry was acknowledged; None if it was not, or not yet."""
        return (self._acked_at[seq] or None) if seq < len(self._acked_at) else None

    def oldest_acknowledged(self, after: int, up_to: int) -> float | None:
        """When the first of these entries that was acknowledged was so."""
        return next((at for at in self._acked_at[after + 1 : up_to + 1] if at), None)

    def show(self, seq: int, update: Mapping[str, Any], who: str) -> None:
        """Somebody was shown the entry: everybody must be shown the same."""
        self._grow(seq)
        shown = fingerprint(update["type"], update["data"], update["by"], update["at"], update["op_id"])
        if not self._shown[seq]:
            self._shown[seq] = shown
        elif self._shown[seq] != shown:
            self._violations.add(
                "diverged", f"{who} was shown {self.room}/{seq} otherwise than somebody before: {update}"
            )

    def shown(self, seq: int) -> int:
        """The fingerprint of what was shown; 0 if nobody was shown the entry."""
        return self._shown[seq] if seq < len(self._shown) else 0

    @property
    def highest_shown(self) -> int:
        """The highest seq that anybody was shown; 0: none."""
        return next((seq for seq in range(len(self._shown) - 1, 0, -1) if self._shown[seq]), 0)

    def _grow(self, seq: int) -> None:
        missing = seq + 1 - len(self._shown)
        if missing > 0:
            size = missing + GROWTH
            self._acked_at.extend([0.0] * size)
            self._shown.extend([0] * size)
