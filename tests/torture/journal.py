"""What the storage holds when all is over, held against what was sent and answered."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.torture.known import Json, KnownRoom, RecordKey, fingerprint
from tests.torture.sent import Sent, answer_fingerprint
from tests.torture.view import View
from tests.torture.violations import Kind, Violations


class StoredEntry(NamedTuple):
    """An entry of a room's journal as it is stored; `commit` names the document that it stands in."""

    commit: str
    seq: int
    type: str
    data: Json
    by: str | None
    at: str
    op_id: str | None
    topics: tuple[str, ...]


@dataclass(slots=True)
class Journal:
    """What one room's journal adds up to. `newest`: of each topic the records as its entries left them."""

    head: int = 0
    seqs: dict[str, array[int]] = field(default_factory=dict)
    newest: dict[str, dict[RecordKey, Json]] = field(default_factory=dict)
    records: dict[RecordKey, Json] = field(default_factory=dict)
    recovered: int = 0
    """Actions that have had their effect and were never acknowledged."""

    def between(self, topic: str, after: int, up_to: int) -> array[int]:
        """The entries of the topic with `after < seq <= up_to`."""
        seqs = self.seqs.get(topic, array("I"))
        return seqs[bisect_right(seqs, after) : bisect_right(seqs, up_to)]


def read_journal(
    room: KnownRoom, entries: Iterable[StoredEntry], sent: Mapping[str, Sent], violations: Violations
) -> Journal:
    """Check the journal of a room, in the order of `seq`, against what its writers (`sent`, by name) know."""
    journal = Journal()
    found: dict[str, dict[int, tuple[int, str]]] = {
        writer.name: {} for writer in sent.values() if writer.room == room.room
    }
    for entry in entries:
        _check_number(room, journal, entry, violations)
        shown = room.shown(entry.seq)
        if shown and shown != fingerprint(entry.type, entry.data, entry.by, entry.at, entry.op_id):
            violations.add(
                "diverged", f"{room.room}/{entry.seq} was shown otherwise than it is stored: {entry}"
            )
        _check_op(entry, sent, found, violations)
        key = entry.data["kind"], entry.data["id"]
        journal.records[key] = entry.data
        for topic in entry.topics:
            journal.seqs.setdefault(topic, array("I")).append(entry.seq)
            journal.newest.setdefault(topic, {})[key] = entry.data
    if room.highest_shown > journal.head:
        violations.add(
            "lost", f"{room.room}/{room.highest_shown} was shown; the journal ends at {journal.head}"
        )
    for name, ops in found.items():
        _check_answers(sent[name], ops, journal, violations)
    return journal


def _check_number(room: KnownRoom, journal: Journal, entry: StoredEntry, violations: Violations) -> None:
    if entry.seq != journal.head + 1:
        kind: Kind = "lost" if entry.seq > journal.head else "duplicated"
        violations.add(kind, f"{room.room}: entry {entry.seq} is stored behind {journal.head}")
    journal.head = max(journal.head, entry.seq)


def _check_op(
    entry: StoredEntry,
    sent: Mapping[str, Sent],
    found: Mapping[str, dict[int, tuple[int, str]]],
    violations: Violations,
) -> None:
    """Every action of a writer makes one entry of its own."""
    name, _, number = (entry.op_id or "").rpartition("-")
    if name not in found:
        return
    ops, writer = found[name], sent[name]
    if entry.by != writer.by or int(number) >= writer.count:
        violations.add("diverged", f"{entry.op_id} of {entry.by} is stored, and was never sent")
    elif int(number) in ops:
        violations.add("duplicated", f"{entry.op_id} is stored as {ops[int(number)]} and as {entry}")
    else:
        ops[int(number)] = entry.seq, entry.commit
        answer = writer.answered(int(number))
        if answer and answer != answer_fingerprint(entry.data):
            violations.add("diverged", f"{entry.op_id} was acknowledged otherwise than it is stored: {entry}")


def _check_answers(
    writer: Sent, ops: Mapping[int, tuple[int, str]], journal: Journal, violations: Violations
) -> None:
    for number in range(writer.count):
        acked, stored = writer.seq(number), ops.get(number, (0, ""))[0]
        if acked and not stored:
            violations.add("lost", f"{writer.op_id(number)} was acknowledged as {acked}, and is not stored")
        elif acked and acked != stored:
            violations.add(
                "diverged", f"{writer.op_id(number)} was acknowledged as {acked}, and is stored as {stored}"
            )
        elif stored and not acked:
            journal.recovered += 1


def check_view(view: View, journal: Journal, day: str, violations: Violations) -> None:
    """Everything the journal holds has reached the view, and nothing else; its records are the newest."""
    if view.exact:
        for stretch in view.stretches:
            stored = journal.between(view.topic, stretch.after, stretch.end)
            if stretch.seqs != stored:
                _tell_difference(view, set(stored), set(stretch.seqs), violations)
        seqs = journal.seqs.get(view.topic)
        if seqs and view.seq < seqs[-1]:
            violations.add("diverged", f"{view.who} stands at {view.seq}; the topic has {seqs[-1]}")
    wanted = shown_records(view, journal.newest.get(view.topic, {}), day)
    shown = shown_records(view, view.records, day)
    for key in wanted.keys() | shown.keys():
        if wanted.get(key) != shown.get(key):
            violations.add("diverged", f"{view.who} shows {key} as {shown.get(key)}; it is {wanted.get(key)}")


def shown_records(view: View, records: Mapping[RecordKey, Json], day: str) -> dict[RecordKey, Json]:
    """Those that a viewer of one day shows: of kinds that snapshots hold, and not deleted."""
    return {
        key: record
        for key, record in records.items()
        if key[0] in view.kinds and record.get("date", day) == day and not record.get("deleted")
    }


def check_records(
    room: str, journal: Journal, stored: Mapping[RecordKey, Json], violations: Violations
) -> None:
    """The records of a room are what its journal adds up to."""
    for key in journal.records.keys() | stored.keys():
        if journal.records.get(key) != stored.get(key):
            violations.add(
                "diverged",
                f"{room}: {key} is stored as {stored.get(key)}, the journal has {journal.records.get(key)}",
            )


def _tell_difference(view: View, stored: set[int], seen: set[int], violations: Violations) -> None:
    for seq in sorted(stored - seen):
        violations.add("lost", f"{view.who} never got {seq}")
    for seq in sorted(seen - stored):
        violations.add("diverged", f"{view.who} got {seq}, which is not of this topic")
