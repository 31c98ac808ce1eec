"""Presence of one node, in its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from models.ports import Present

Changed = Callable[[str, Present, bool], None]


@dataclass(slots=True)
class _There:
    user: Present
    connections: set[str] = field(default_factory=set)


class PresenceMemory:
    """Who is in which topic on this node. See the port."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[str, _There]] = {}
        self._changed: Changed | None = None

    async def open(self, changed: Changed) -> None:
        """See the port."""
        self._changed = changed

    async def close(self) -> None:
        """See the port."""
        self._changed = None

    def enter(self, topic: str, connection: str, user: Present) -> None:
        """See the port."""
        users = self._topics.setdefault(topic, {})
        there = users.get(user.id)
        if there is not None:
            there.connections.add(connection)
            return
        users[user.id] = _There(user, {connection})
        self._tell(topic, user, there=True)

    def leave(self, topic: str, connection: str, user_id: str) -> None:
        """See the port."""
        users = self._topics.get(topic, {})
        there = users.get(user_id)
        if there is None:
            return
        there.connections.discard(connection)
        if there.connections:
            return
        del users[user_id]
        if not users:
            del self._topics[topic]
        self._tell(topic, there.user, there=False)

    async def users(self, topic: str) -> list[Present]:
        """See the port."""
        return self.here(topic)

    def count(self, topic: str) -> int:
        """See the port."""
        return len(self._topics.get(topic, ()))

    def here(self, topic: str) -> list[Present]:
        """Everybody who is there, who came first first."""
        return [there.user for there in self._topics.get(topic, {}).values()]

    def user(self, topic: str, user_id: str) -> Present | None:
        """The user, if there."""
        there = self._topics.get(topic, {}).get(user_id)
        return None if there is None else there.user

    def topics(self) -> Iterable[str]:
        """The topics that somebody is in."""
        return self._topics.keys()

    def _tell(self, topic: str, user: Present, *, there: bool) -> None:
        if self._changed is not None:
            self._changed(topic, user, there)
