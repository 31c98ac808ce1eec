"""Who has subscribed to what on this node, and the way of an entry to them: one text per topic, the same
for every member.

A member that has just subscribed is held back until its reply has been sent, so that no update overtakes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from models.journal import Entry
from models.record import RecordKey
from realtime.connection import Connection
from realtime.server import event_text

CONFLATION = 1.0
"""Seconds between two updates of the same record in a `summary:` topic (design: section 5)."""

HELD = 4_096
"""Texts that wait for one subscribe reply at most; a member for whom more came is told to subscribe again."""

Send = Callable[[Connection, str], object]


@dataclass(slots=True)
class Members:
    """The members of one topic. `last`: seq of the last entry pushed in it, or the position at which it was
    first followed here.

    A member's value is the list of texts that wait for its subscribe reply, or None when there is none to
    wait for.
    """

    last: int
    held: dict[Connection, list[str] | None] = field(default_factory=dict)


@dataclass(slots=True)
class Conflated:
    """The newest entries of a conflated topic that wait for the next second."""

    waiting: dict[RecordKey, Entry] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None


class Push:
    """Topics and members of a node."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._topics: dict[str, Members] = {}
        self._subscribed: dict[Connection, dict[str, str]] = {}
        self._conflated: dict[str, Conflated] = {}

    def join(self, connection: Connection, topic: str, room: str, delivered: int) -> bool:
        """Make the connection a member, held back until `release`. True if it was none before.

        `delivered`: the seq up to which the room was delivered on this node.
        """
        members = self._topics.get(topic)
        if members is None:
            members = self._topics[topic] = Members(delivered)
        is_new = connection not in members.held
        members.held[connection] = []
        self._subscribed.setdefault(connection, {})[topic] = room
        return is_new

    def release(self, connection: Connection, topic: str) -> None:
        """The subscribe reply is sent: send what was held back, and everything from now on at once."""
        members = self._topics.get(topic)
        if members is None or (texts := members.held.get(connection)) is None:
            return
        members.held[connection] = None
        if len(texts) >= HELD:
            texts = [event_text("resync", {"topic": topic, "reason": "behind"})]
        for text in texts:
            self._send(connection, text)

    def leave(self, connection: Connection, topic: str) -> bool:
        """End a membership. False if there was none."""
        topics = self._subscribed.get(connection, {})
        if topics.pop(topic, None) is None:
            return False
        if not topics:
            self._subscribed.pop(connection, None)
        members = self._topics[topic]
        del members.held[connection]
        if not members.held:
            del self._topics[topic]
            conflated = self._conflated.pop(topic, None)
            if conflated is not None and conflated.timer is not None:
                conflated.timer.cancel()
        return True

    def topics_of(self, connection: Connection) -> dict[str, str]:
        """The connection's topics, each with its room."""
        return dict(self._subscribed.get(connection, {}))

    def members(self, topic: str) -> list[Connection]:
        """Who has subscribed to the topic on this node."""
        members = self._topics.get(topic)
        return list(members.held) if members else []

    def topics_in(self, room: str) -> list[str]:
        """The topics of a room that have members on this node."""
        return list(
            dict.fromkeys(t for topics in self._subscribed.values() for t, r in topics.items() if r == room)
        )

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Push the entries, which follow those of the last call, to the members of their topics."""
        for entry in entries:
            data: orjson.Fragment | None = None
            for topic in entry.topics:
                members = self._topics.get(topic)
                if members is None:
                    continue
                if topic.startswith("summary:"):
                    self._conflate(topic, entry)
                    continue
                if data is None:
                    data = orjson.Fragment(orjson.dumps(entry.data))
                self._update(topic, members, entry, data)

    def tell(self, topic: str, text: str) -> None:
        """Send a text to all members of a topic, in the order of its updates."""
        members = self._topics.get(topic)
        if members is not None:
            self._to_all(members, text)

    def move_on(self, topic: str, seq: int) -> None:
        """Entries up to `seq` will not be pushed: members were told to subscribe again."""
        members = self._topics.get(topic)
        if members is not None:
            members.last = seq

    def close(self) -> None:
        """Stop the timers."""
        for conflated in self._conflated.values():
            if conflated.timer is not None:
                conflated.timer.cancel()

    def _update(self, topic: str, members: Members, entry: Entry, data: orjson.Fragment) -> None:
        update = entry.to_update(topic, members.last)
        update["data"] = data
        members.last = entry.seq
        self._to_all(members, f'2["update",{orjson.dumps(update).decode()}]')

    def _to_all(self, members: Members, text: str) -> None:
        for connection, held in members.held.items():
            if held is None:
                self._send(connection, text)
            elif len(held) < HELD:
                held.append(text)

    def _conflate(self, topic: str, entry: Entry) -> None:
        """Push at once if the last second was quiet, otherwise with the newest at its end."""
        conflated = self._conflated.setdefault(topic, Conflated())
        conflated.waiting[entry.data["kind"], entry.data["id"]] = entry
        if conflated.timer is None:
            self._push_conflated(topic, conflated)

    def _push_conflated(self, topic: str, conflated: Conflated) -> None:
        conflated.timer = None
        members = self._topics.get(topic)
        if members is None or not conflated.waiting:
            return
        for entry in sorted(conflated.waiting.values(), key=lambda entry: entry.seq):
            self._update(topic, members, entry, orjson.Fragment(orjson.dumps(entry.data)))
        conflated.waiting.clear()
        loop = asyncio.get_running_loop()
        conflated.timer = loop.call_later(CONFLATION, self._push_conflated, topic, conflated)
