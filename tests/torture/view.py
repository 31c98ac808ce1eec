"""What one subscriber sees of one topic: the client's rules of the protocol, and the checks that a rolling
look allows.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass, field

from handlers.snapshots import SNAPSHOT_KINDS
from tests.torture.durations import Durations
from tests.torture.known import Json, KnownRoom, RecordKey
from tests.torture.violations import Kind, Violations

RECENT = 256


def _seqs() -> array[int]:
    return array("I")


@dataclass(slots=True)
class Stretch:
    """The entries seen from a snapshot on: `seqs` are all of the topic with `after < seq <= end`."""

    after: int
    end: int
    seqs: array[int] = field(default_factory=_seqs)


class View:
    """One topic of one subscriber. What it is told goes in; True comes out where it must subscribe again.

    `exact` is False for conflated topics, whose entries may be left out. Four bytes for each entry seen.
    """

    def __init__(
        self,
        who: str,
        topic: str,
        day: str | None,
        room: KnownRoom,
        violations: Violations,
        staleness: Durations,
    ) -> None:
        self.who = f"{who} in {topic}"
        self.topic = topic
        self.room = room
        self.exact = not topic.startswith("summary:")
        self.position: tuple[str, int] | None = None
        self.is_live = False
        self.records: dict[RecordKey, Json] = {}
        self.stretches: list[Stretch] = []
        self.updates = 0
        self.resyncs = 0
        self._day = day
        self._violations = violations
        self._staleness = staleness
        self.kinds = SNAPSHOT_KINDS[topic.partition(":")[0]]
        self._seen = 0
        self._asked_since: tuple[str, int] | None = None
        self._recent: deque[int] = deque(maxlen=RECENT)
        self._pushed = 0

    @property
    def seq(self) -> int:
        """Up to where the topic is known; 0: nothing is."""
        return 0 if self.position is None else self.position[1]

    def request(self) -> Json:
        """What to subscribe with."""
        self.is_live = False
        self._asked_since = self.position
        wanted: Json = {"topic": self.topic}
        if self._day is not None:
            wanted["date"] = self._day
        if self.position is not None:
            wanted["since"] = dict(zip(("epoch", "seq"), self.position, strict=True))
        return wanted

    def forget(self) -> None:
        """Begin anew with the next subscription."""
        self.position = None

    def lost(self) -> None:
        """The connection is gone."""
        self.is_live = False
        self._recent.clear()
        self._pushed = 0

    def reply(self, answer: Json, now: float) -> None:
        """The reply to the newest request, without an error."""
        self._recent.clear()
        self._pushed = 0
        position = (answer["position"]["epoch"], answer["position"]["seq"])
        if answer["mode"] == "tail":
            self._take_tail(answer["entries"], position, now)
        else:
            self._take_snapshot(answer["records"], position, now)
        self.position = position
        self._seen = max(self._seen, position[1])
        self.is_live = True

    def update(self, update: Json, now: float) -> bool:
        """A pushed entry."""
        seq = update["seq"]
        self.updates += 1
        self._check_order(seq)
        self.room.show(seq, update, self.who)
        if self.position is None or not self.is_live or seq <= self.seq:
            return False
        if update["prev"] > self.seq:
            self._violations.add(
                "lost", f"{self.who} was pushed {seq} with prev {update['prev']}, but stands at {self.seq}"
            )
            return True
        self._take(update, now)
        self.position = (self.position[0], seq)
        self._seen = max(self._seen, seq)
        if self.exact:
            self.stretches[-1].end = seq
        return False

    def resync(self) -> bool:
        """The server has left entries out, and says so."""
        self.resyncs += 1
        self.position = None
        return True

    def _check_order(self, seq: int) -> None:
        if seq > self._pushed:
            self._pushed = seq
        elif seq in self._recent:
            self._violations.add("duplicated", f"{self.who} was pushed {seq} again after {self._pushed}")
        else:
            self._violations.add("reordered", f"{self.who} was pushed {seq} after {self._pushed}")
        self._recent.append(seq)

    def _take_tail(self, entries: list[Json], position: tuple[str, int], now: float) -> None:
        since = self._asked_since
        if since is None or since[0] != position[0] or since != self.position:
            self._violations.add("diverged", f"{self.who} got a tail to {position}, but asked for {since}")
            return
        last = since[1]
        for entry in entries:
            seq = entry["seq"]
            if seq <= last:
                kind: Kind = "duplicated" if seq == last else "reordered"
                self._violations.add(kind, f"{self.who} got {seq} after {last} in a tail")
                continue
            if entry["prev"] != last:
                self._violations.add(
                    "lost", f"{self.who} got {seq} with prev {entry['prev']} after {last} in a tail"
                )
            self.room.show(seq, entry, self.who)
            self._take(entry, now)
            last = seq
        if last > position[1]:
            self._violations.add("diverged", f"{self.who} got {last} in a tail to {position[1]}")
        self.stretches[-1].end = position[1]

    def _take_snapshot(self, records: list[Json], position: tuple[str, int], now: float) -> None:
        self.records = {(record["kind"], record["id"]): record for record in records}
        if position[1] < self._seen:
            self._violations.add(
                "lost", f"{self.who} got a snapshot at {position[1]}, but has seen {self._seen} before"
            )
        for key, (seq, topics) in self.room.records.items():
            if seq <= position[1] and self.topic in topics and key[0] in self.kinds:
                shown = self.records.get(key)
                if shown is None or shown["seq"] < seq:
                    self._violations.add(
                        "lost", f"{self.who} got a snapshot at {position[1]} without {key} of {seq}: {shown}"
                    )
        if self._seen and (at := self.room.oldest_acknowledged(self._seen, position[1])) is not None:
            self._staleness.add(now - at)
        self.stretches.append(Stretch(position[1], position[1]))

    def _take(self, update: Json, now: float) -> None:
        """An entry that is new here."""
        seq, record = update["seq"], update["data"]
        if self.exact:
            self.stretches[-1].seqs.append(seq)
        key = record["kind"], record["id"]
        known = self.records.get(key)
        if known is None or known["seq"] < record["seq"]:
            if record.get("deleted"):
                self.records.pop(key, None)
            else:
                self.records[key] = record
        at = self.room.acknowledged_at(seq)
        self._staleness.add(0.0 if at is None else now - at)
