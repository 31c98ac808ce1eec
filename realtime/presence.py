"""Pushes who comes and goes: differences only, collected for a second, within a budget for each topic.

A crowd that comes at once, and a crowd in which somebody always comes or goes, cost no more than a few
people: where telling each difference to each member would be too much, members are told the number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from typing import Any, Protocol

from models.clock import rfc3339
from models.ports import Clock, Presence, Present
from realtime.connection import Connection
from realtime.server import event_packet

INTERVAL = 1.0
"""Seconds between two pushes of differences in a topic."""

BUDGET = 1_000
"""Messages about presence that one topic may cost a node in a second."""

SHOWN = 500
"""Users in one answer, those who came first."""

NOUNS = ("school", "class", "team", "org")
"""Topics that people share; a summary's and a user's topic have no presence."""


class Audience(Protocol):
    """Who is told: the members of topics on this node."""

    def members(self, topic: str) -> Sized:
        """The members."""
        ...

    def tell(self, topic: str, packet: bytes) -> None:
        """Send them a packet."""
        ...


class PresenceFeed:
    """Keeps presence as connections join and leave topics, and tells the members."""

    def __init__(
        self, presence: Presence, push: Audience, clock: Clock, *, interval: float = INTERVAL
    ) -> None:
        self._presence = presence
        self._push = push
        self._clock = clock
        self._interval = interval
        self._changes: dict[str, dict[str, tuple[bool, Present]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    async def open(self) -> None:
        """Begin to tell."""
        await self._presence.open(self._note)

    async def close(self) -> None:
        """Tell nothing any more."""
        await self._presence.close()
        for timer in self._timers.values():
            timer.cancel()

    async def users(self, topic: str) -> dict[str, Any]:
        """Who is in the topic, as the protocol has it: the number, and those who came first.

        The same answer for everybody until differences are told, and no longer than a second, because a
        crowd asks all at once.
        """
        answer = self._answers.get(topic)
        if answer is None:
            users = await self._presence.users(topic)
            answer = {"users": [user.to_wire() for user in users[:SHOWN]], "count": len(users)}
            self._answers[topic] = answer
            asyncio.get_running_loop().call_later(self._interval, self._forget, topic, answer)
        return answer

    def joined(self, topic: str, connection: Connection) -> None:
        """The connection is a member of the topic now."""
        if _shared(topic):
            actor = connection.actor
            self._presence.enter(topic, connection.sid, Present(actor.id, actor.name, self._now()))

    def left(self, topic: str, connection: Connection) -> None:
        """The connection is a member no longer."""
        if _shared(topic):
            self._presence.leave(topic, connection.sid, connection.actor.id)

    def _now(self) -> str:
        return rfc3339(self._clock.now())

    def _note(self, topic: str, user: Present, there: bool) -> None:
        """Remember a change for the next push; coming and going within one interval is no change."""
        changes = self._changes.setdefault(topic, {})
        before = changes.pop(user.id, None)
        if before is None or before[0] == there:
            changes[user.id] = (there, user if there else Present(user.id, user.name, self._now()))
        if topic not in self._timers:
            self._tell_later(topic, self._interval)

    def _tell_later(self, topic: str, seconds: float) -> None:
        self._timers[topic] = asyncio.get_running_loop().call_later(seconds, self._tell, topic)

    def _tell(self, topic: str) -> None:
        del self._timers[topic]
        changes = self._changes.pop(topic, {})
        members = len(self._push.members(topic))
        if not changes or not members:
            return
        self._answers.pop(topic, None)
        if len(changes) * members <= BUDGET * self._interval:
            for there, user in changes.values():
                change = "joined" if there else "left"
                self._push.tell(topic, event_packet("presence", {"topic": topic, change: user.to_wire()}))
        else:
            count = self._presence.count(topic)
            self._push.tell(topic, event_packet("presence", {"topic": topic, "count": count}))
            self._tell_later(topic, max(self._interval, members / BUDGET))

    def _forget(self, topic: str, answer: dict[str, Any]) -> None:
        if self._answers.get(topic) is answer:
            del self._answers[topic]


def _shared(topic: str) -> bool:
    return topic.partition(":")[0] in NOUNS
