"""What a journal consists of: entries, commits and positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
"""A stored object: `{kind, id, seq, ...}`, JSON values only; `seq` is the journal number that last changed
it.
"""

ORG = "org"
"""The room of schools, teams, users and roles."""

Op = tuple[str, str]
"""`(by, op_id)`: what makes an action unique within a room."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a room's journal. `epoch` names the life of the journal: a restore starts a new one."""

    epoch: str
    seq: int

    def to_wire(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "seq": self.seq}


@dataclass(slots=True)
class Entry:
    """One line of a journal: one record after one change. Never changed once made.

    `type` is the action's (or a derived one, such as `attendance.tally`), `data` the record after it with
    `data["seq"] == seq`.
    `by` and `op_id` are None for derived entries. `at` is UTC, RFC 3339 with milliseconds. `topics` starts
    with the room. `text`: `data` as JSON, once somebody has written it so.
    """

    room: str
    seq: int
    type: str
    data: Record
    by: str | None
    at: str
    op_id: str | None
    topics: tuple[str, ...]
    text: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def op(self) -> Op | None:
        return None if self.by is None or self.op_id is None else (self.by, self.op_id)

    def to_update(self, topic: str, prev: int) -> dict[str, Any]:
        """The `update` of the protocol for one topic; `prev` is the seq of the entry before it in that
        topic.
        """
        return {
            "topic": topic,
            "seq": self.seq,
            "prev": prev,
            "type": self.type,
            "data": self.data,
            "by": self.by,
            "at": self.at,
            "op_id": self.op_id,
        }

    def to_wire(self) -> dict[str, Any]:
        """The entry as the audit trail shows it."""
        return {
            "room": self.room,
            "seq": self.seq,
            "type": self.type,
            "data": self.data,
            "by": self.by,
            "at": self.at,
            "op_id": self.op_id,
        }


@dataclass(frozen=True, slots=True)
class Commit:
    """The entries that one atomic write appends to one room, numbered without a gap.

    `bulk` marks a large import: subscribers get one `resync` for it, not an update for each entry.
    """

    room: str
    epoch: str
    entries: tuple[Entry, ...]
    bulk: bool = False

    @property
    def first(self) -> int:
        return self.entries[0].seq

    @property
    def last(self) -> int:
        return self.entries[-1].seq

    @property
    def ops(self) -> tuple[Op, ...]:
        """The distinct ops of the commit, in order."""
        return tuple(dict.fromkeys(op for entry in self.entries if (op := entry.op) is not None))


@dataclass(frozen=True, slots=True)
class Heard:
    """A commit of another node, as far as it was carried: without `entries` where there are too many of them,
    and for a `bulk` one.
    """

    room: str
    epoch: str
    first: int
    last: int
    entries: tuple[Entry, ...]
    bulk: bool = False


class HeadMoved(Exception):
    """The room's head is not where the commit expects it: another node was first. Nothing was written."""


class DuplicateOp(Exception):
    """One of the commit's ops is already in the room's journal. Nothing was written."""


class CommitTooLarge(Exception):
    """The storage cannot hold this much in one commit. Nothing was written."""


def last_by_record(entries: Sequence[Entry]) -> dict[tuple[str, str], Record]:
    """What the entries add up to: the newest state of each record, keyed by `(kind, id)`."""
    return {(entry.data["kind"], entry.data["id"]): entry.data for entry in entries}
