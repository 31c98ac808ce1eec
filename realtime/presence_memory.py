"""Presence of one node, in its memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.ports import Present


@dataclass(slots=True)
class _There:
    user: Present
    connections: set[str] = field(default_factory=set)


class PresenceMemory:
    """Who is in which topic on this node."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[str, _There]] = {}

    async def enter(self, topic: str, connection: str, user: Present) -> bool:
        users = self._topics.setdefault(topic, {})
        is_new = user.id not in users
        users.setdefault(user.id, _There(user)).connections.add(connection)
        return is_new

    async def leave(self, topic: str, connection: str, user_id: str) -> bool:
        users = self._topics.get(topic, {})
        there = users.get(user_id)
        if there is None or connection not in there.connections:
            return False
        there.connections.discard(connection)
        if there.connections:
            return False
        del users[user_id]
        if not users:
            del self._topics[topic]
        return True

    async def users(self, topic: str) -> list[Present]:
        return [there.user for there in self._topics.get(topic, {}).values()]
