"""Subscribing: join, then read, then reply, then let the updates through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from handlers.core import Core
from handlers.dispatch.answers import RETRY_AFTER
from models.errors import Invalid, RollcallError, Unavailable
from models.journal import Entry, Position
from models.ports import StorageLost
from models.schema import is_day
from models.topic import Topic, parse_topic
from realtime.admission import Admission
from realtime.connection import Connection
from realtime.follower import Followers
from realtime.presence import PresenceFeed
from realtime.push import Push

TAIL = 1_000
"""The most entries of a topic that a tail holds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One element of a `subscribe` request, checked."""

    topic: Topic
    since: Position | None
    day: str | None


class Subscriptions:
    """Memberships of connections in topics, with the rooms behind them followed as long as there is one."""

    def __init__(self, core: Core, followers: Followers, push: Push, presence: PresenceFeed) -> None:
        self._core = core
        self._followers = followers
        self._push = push
        self._presence = presence
        self._admission = Admission()

    async def subscribe(self, connection: Connection, request: Any) -> tuple[dict[str, Any], str | None]:
        """The reply for one topic, and the topic to release once the reply is sent.

        A refused topic is answered with `error`; the connection is no member of one that could not be read.
        """
        try:
            wanted = _checked(request)
            await self._admission.enter()
            room = await self._core.access.topic(connection.actor, wanted.topic)
            await self._join(connection, wanted.topic.name, room)
            try:
                return await self._reply(room, wanted), wanted.topic.name
            except BaseException:
                self._leave(connection, wanted.topic.name, room)
                raise
        except RollcallError as error:
            return refused(request, error), None
        except StorageLost:
            return refused(request, Unavailable(retry_after=RETRY_AFTER)), None

    def unsubscribe(self, connection: Connection, topic: str) -> None:
        """End a membership, if there is one."""
        room = self._push.topics_of(connection).get(topic)
        if room is not None:
            self._leave(connection, topic, room)

    def leave_all(self, connection: Connection) -> None:
        """The connection is gone."""
        for topic, room in self._push.topics_of(connection).items():
            self._leave(connection, topic, room)

    async def _join(self, connection: Connection, topic: str, room: str) -> None:
        follower = await self._followers.follow(room)
        if not self._push.join(connection, topic, room, follower.delivered):
            self._followers.release(room)
            return
        self._presence.joined(topic, connection)

    def _leave(self, connection: Connection, topic: str, room: str) -> None:
        if self._push.leave(connection, topic):
            self._followers.release(room)
            self._presence.left(topic, connection)

    async def _reply(self, room: str, wanted: Wanted) -> dict[str, Any]:
        since = wanted.since
        if since is not None and wanted.topic.noun != "summary":
            tail = await self._tail(room, wanted.topic.name, since)
            if tail is not None:
                return tail
        snapshot = await self._core.snapshots.at_head(room, wanted.topic, wanted.day)
        return {
            "topic": wanted.topic.name,
            "position": snapshot.position.to_wire(),
            "mode": "snapshot",
            "records": orjson.Fragment(snapshot.records_as_json(orjson.dumps)),
        }

    async def _tail(self, room: str, topic: str, since: Position) -> dict[str, Any] | None:
        """The entries after `since`, or None where only a snapshot will do."""
        storage = self._core.storage
        if since.epoch != storage.epoch:
            return None
        head = (await storage.heads([room]))[room]
        if since.seq > head or since.seq < await storage.start(room):
            return None
        entries = await storage.read(room, after=since.seq, up_to=head, limit=TAIL + 1, topic=topic)
        if len(entries) > TAIL:
            return None
        return {
            "topic": topic,
            "position": Position(storage.epoch, head).to_wire(),
            "mode": "tail",
            "entries": _chained(topic, since.seq, entries),
        }


def refused(request: Any, error: RollcallError) -> dict[str, Any]:
    """The reply for a topic that cannot be had."""
    name = request.get("topic") if isinstance(request, dict) else None
    return {"topic": name if isinstance(name, str) else None, "error": error.to_wire()}


def _chained(topic: str, prev: int, entries: list[Entry]) -> list[dict[str, Any]]:
    updates = []
    for entry in entries:
        updates.append(entry.to_update(topic, prev))
        prev = entry.seq
    return updates


def _checked(request: Any) -> Wanted:
    if not isinstance(request, dict):
        raise Invalid.field("topics", "each must be an object with a topic")
    unknown = sorted(str(name) for name in request.keys() - {"topic", "since", "date"})
    if unknown:
        raise Invalid.field(f"topics.{unknown[0]}", "is not a field of subscribe")
    topic = parse_topic(request.get("topic"))
    day = request.get("date")
    if day is not None and (not isinstance(day, str) or not is_day(day)):
        raise Invalid.field("date", "must be a date as YYYY-MM-DD")
    return Wanted(topic, _since(request.get("since")), day)


def _since(value: Any) -> Position | None:
    if value is None:
        return None
    if isinstance(value, dict) and value.keys() == {"epoch", "seq"}:
        epoch, seq = value["epoch"], value["seq"]
        if isinstance(epoch, str) and isinstance(seq, int) and not isinstance(seq, bool) and seq >= 0:
            return Position(epoch, seq)
    raise Invalid.field("since", "must be a position {epoch, seq} as the server gave it")
