"""Pushes who comes and goes: differences only, collected for a second, so that a crowd arriving at once
stays cheap.
"""

from __future__ import annotations

import asyncio

from models.clock import rfc3339
from models.journal import Record
from models.ports import Clock, Presence, Present
from realtime.connection import Connection
from realtime.push import Push
from realtime.server import event_packet

INTERVAL = 1.0
"""Seconds between two pushes of differences in a topic (design: section 5)."""

NOUNS = ("school", "class", "team", "org")
"""Topics that people share; a summary's and a user's topic have no presence."""


class PresenceFeed:
    """Keeps presence as connections join and leave topics, and tells the members."""

    def __init__(self, presence: Presence, push: Push, clock: Clock) -> None:
        self._presence = presence
        self._push = push
        self._clock = clock
        self._changes: dict[str, dict[str, tuple[str, Present]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def users(self, topic: str) -> list[Record]:
        """Everybody in the topic, as the protocol has it."""
        return [dict(user.to_wire()) for user in await self._presence.users(topic)]

    async def joined(self, topic: str, connection: Connection) -> None:
        """The connection is a member of the topic now."""
        user = Present(connection.actor.id, connection.actor.name, rfc3339(self._clock.now()))
        if _shared(topic) and await self._presence.enter(topic, connection.sid, user):
            self._note(topic, "joined", user)

    async def left(self, topic: str, connection: Connection) -> None:
        """The connection is a member no longer."""
        user = Present(connection.actor.id, connection.actor.name, rfc3339(self._clock.now()))
        if _shared(topic) and await self._presence.leave(topic, connection.sid, user.id):
            self._note(topic, "left", user)

    def close(self) -> None:
        """Stop the timers."""
        for timer in self._timers.values():
            timer.cancel()

    def _note(self, topic: str, change: str, user: Present) -> None:
        """Remember a change for the next push; coming and going within one interval is no change."""
        changes = self._changes.setdefault(topic, {})
        before = changes.get(user.id)
        if before is not None and before[0] != change:
            del changes[user.id]
        else:
            changes[user.id] = (change, user)
        if topic not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[topic] = loop.call_later(INTERVAL, self._tell, topic)

    def _tell(self, topic: str) -> None:
        self._timers.pop(topic, None)
        for change, user in self._changes.pop(topic, {}).values():
            self._push.tell(topic, event_packet("presence", {"topic": topic, change: user.to_wire()}))


def _shared(topic: str) -> bool:
    return topic.partition(":")[0] in NOUNS
