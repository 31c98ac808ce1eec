"""Who has subscribed to what on this node, and the way of an entry to them: one packet per topic, the same
bytes for every member.

What comes for a topic within one turn of the loop goes out as one write for each member. A member that has
just subscribed is held back until its reply has been sent, so that no update overtakes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from models.journal import Entry
from models.record import RecordKey
from realtime.connection import Connection
from realtime.frames import frame
from realtime.server import event_packet

CONFLATION = 1.0
"""Seconds between two updates of the same record in a `summary:` topic."""

HELD = 4_096
"""Packets that wait for a subscribe reply at most; a member for whom more came must subscribe again."""


@dataclass(slots=True)
class Members:
    """The members of one topic of a room. `last`: seq of the last entry pushed in it, or the position at
    which it was first followed here. `packets`: what goes out at the end of this turn.

    A member's value is the list of packets that wait for its subscribe reply, or None when there is none to
    wait for.
    """

    topic: str
    room: str
    last: int
    packets: list[bytes] = field(default_factory=list)
    held: dict[Connection, list[bytes] | None] = field(default_factory=dict)


@dataclass(slots=True)
class Conflated:
    """The newest entries of a conflated topic that wait for the next second."""

    waiting: dict[RecordKey, Entry] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None


class Push:
    """Topics and members of a node."""

    def __init__(self) -> None:
        self._topics: dict[str, Members] = {}
        self._subscribed: dict[Connection, dict[str, str]] = {}
        self._conflated: dict[str, Conflated] = {}
        self._going_out: list[Members] = []

    def join(self, connection: Connection, topic: str, room: str, delivered: int) -> bool:
        """Make the connection a member, held back until `release`. True if it was none before.

        `delivered`: the seq up to which the room was delivered on this node.
        """
        members = self._topics.get(topic)
        if members is None:
            members = self._topics[topic] = Members(topic, room, delivered)
        elif members.packets:
            self._send_out(members)
        is_new = connection not in members.held
        members.held[connection] = []
        self._subscribed.setdefault(connection, {})[topic] = room
        return is_new

    def release(self, connection: Connection, topic: str) -> None:
        """The subscribe reply is sent: send what was held back, and everything from now on at once."""
        members = self._topics.get(topic)
        if members is None or (packets := members.held.get(connection)) is None:
            return
        members.held[connection] = None
        if len(packets) >= HELD:
            packets = [event_packet("resync", {"topic": topic, "reason": "behind"})]
        if packets and not connection.socket.push(b"".join(map(frame, packets)), packets):
            connection.skipped.add(topic)

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
        return [topic for topic, members in self._topics.items() if members.room == room]

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
                    data = _fragment(entry)
                self._update(topic, members, entry, data)

    def tell(self, topic: str, packet: bytes) -> None:
        """Send a packet to all members of a topic, in the order of its updates."""
        members = self._topics.get(topic)
        if members is not None:
            self._to_all(members, packet)

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
        self._to_all(members, event_packet("update", update))

    def _to_all(self, members: Members, packet: bytes) -> None:
        if not self._going_out:
            asyncio.get_running_loop().call_soon(self._end_of_turn)
        if not members.packets:
            self._going_out.append(members)
        members.packets.append(packet)

    def _end_of_turn(self) -> None:
        going_out, self._going_out = self._going_out, []
        for members in going_out:
            if members.packets:
                self._send_out(members)

    def _send_out(self, members: Members) -> None:
        packets, members.packets = members.packets, []
        frames = b"".join(map(frame, packets))
        topic = members.topic
        for connection, held in members.held.items():
            if held is None:
                if not connection.socket.push(frames, packets):
                    connection.skipped.add(topic)
            elif len(held) < HELD:
                held += packets

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
            self._update(topic, members, entry, _fragment(entry))
        conflated.waiting.clear()
        loop = asyncio.get_running_loop()
        conflated.timer = loop.call_later(CONFLATION, self._push_conflated, topic, conflated)


def _fragment(entry: Entry) -> orjson.Fragment:
    """The entry's record as JSON."""
    return orjson.Fragment(entry.text or orjson.dumps(entry.data))
