"""The Presence port, over every adapter: one node."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from models.ports import Presence, Present
from realtime.presence_memory import PresenceMemory
from realtime.presence_redis import PresenceRedis

TOPIC = "school:s1"
OTHER_TOPIC = "class:c1"


def user(id: str, second: int = 0) -> Present:
    """A user who came in this second."""
    return Present(id, id.capitalize(), f"2026-03-02T08:30:{second:02}.000Z")


class Node:
    """A node's presence, with what it told."""

    def __init__(self, presence: Presence) -> None:
        self.presence = presence
        self.changes: list[tuple[str, str, bool]] = []

    async def open(self) -> None:
        await self.presence.open(self._changed)

    def _changed(self, topic: str, user: Present, there: bool) -> None:
        self.changes.append((topic, user.id, there))

    def told(self, topic: str) -> list[tuple[str, bool]]:
        """Who came (True) and went in the topic."""
        return [(id, there) for name, id, there in self.changes if name == topic]

    async def ids(self, topic: str) -> list[str]:
        return [user.id for user in await self.presence.users(topic)]


@pytest.fixture(params=["memory", "redis", "redis that is away"])
async def node(request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    if request.param == "memory":
        node = Node(PresenceMemory())
    elif request.param == "redis":
        node = Node(PresenceRedis(request.getfixturevalue("redis_url"), "e1"))
    else:
        node = Node(PresenceRedis("redis://127.0.0.1:1", "e1"))
    await node.open()
    yield node
    await node.presence.close()


async def test_who_enters_is_there_in_the_order_of_coming(node: Node) -> None:
    ann, bob = user("ann", 1), user("bob", 2)
    node.presence.enter(TOPIC, "1", ann)
    node.presence.enter(TOPIC, "2", bob)
    node.presence.enter(OTHER_TOPIC, "2", bob)
    assert await node.presence.users(TOPIC) == [ann, bob]
    assert await node.presence.users(OTHER_TOPIC) == [bob]
    assert await node.presence.users("team:t1") == []
    assert (node.presence.count(TOPIC), node.presence.count(OTHER_TOPIC)) == (2, 1)
    assert node.changes == [(TOPIC, "ann", True), (TOPIC, "bob", True), (OTHER_TOPIC, "bob", True)]


async def test_a_user_is_there_once_from_the_first_connection_to_the_last(node: Node) -> None:
    node.presence.enter(TOPIC, "1", user("ann", 1))
    node.presence.enter(TOPIC, "2", user("ann", 2))
    node.presence.enter(TOPIC, "2", user("ann", 3))
    assert await node.presence.users(TOPIC) == [user("ann", 1)]
    node.presence.leave(TOPIC, "1", "ann")
    assert await node.presence.users(TOPIC) == [user("ann", 1)]
    assert node.told(TOPIC) == [("ann", True)]
    node.presence.leave(TOPIC, "2", "ann")
    assert await node.presence.users(TOPIC) == []
    assert node.told(TOPIC) == [("ann", True), ("ann", False)]


async def test_leaving_where_one_is_not_changes_nothing(node: Node) -> None:
    node.presence.enter(TOPIC, "1", user("ann"))
    node.presence.leave(TOPIC, "2", "ann")
    node.presence.leave(TOPIC, "1", "bob")
    node.presence.leave(OTHER_TOPIC, "1", "ann")
    assert await node.ids(TOPIC) == ["ann"]
    assert node.told(TOPIC) == [("ann", True)]


async def test_it_closes_twice(node: Node) -> None:
    node.presence.enter(TOPIC, "1", user("ann"))
    await node.presence.close()
    await node.presence.close()
    node.presence.leave(TOPIC, "1", "ann")
