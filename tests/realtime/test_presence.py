"""What members are told of presence, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any, cast

import orjson
import pytest

from models.actor import Actor
from realtime.connection import Connection
from realtime.engine import EngineSocket
from realtime.presence import BUDGET, SHOWN, PresenceFeed
from realtime.presence_memory import PresenceMemory
from tests.kit import SetClock
from tests.waiting import until

TOPIC = "school:s1"
INTERVAL = 0.2
"""Seconds between two pushes here; the budget is for a whole second."""

NO_SOCKET = cast("EngineSocket", None)


class Members:
    """Stands for the connections of a topic on this node."""

    def __init__(self) -> None:
        self.count = 3
        self.told: list[dict[str, Any]] = []
        self.times: list[float] = []

    def members(self, topic: str) -> Sequence[int]:
        return range(self.count)

    def tell(self, topic: str, packet: bytes) -> None:
        name, data = orjson.loads(packet.removeprefix(b"42"))
        assert (name, data.pop("topic")) == ("presence", topic)
        self.told.append(data)
        self.times.append(asyncio.get_running_loop().time())


class Kit:
    def __init__(self) -> None:
        self.clock = SetClock()
        self.members = Members()
        self.presence = PresenceMemory()
        self.feed = PresenceFeed(self.presence, self.members, self.clock, interval=INTERVAL)
        self.connections: dict[str, Connection] = {}

    def come(self, *ids: str, topic: str = TOPIC) -> None:
        for id in ids:
            actor = Actor(id, id.capitalize(), ())
            self.connections[id] = Connection(f"sid-{id}", NO_SOCKET, "token", actor, 0)
            self.feed.joined(topic, self.connections[id])

    def go(self, *ids: str, topic: str = TOPIC) -> None:
        for id in ids:
            self.feed.left(topic, self.connections[id])

    async def quiet(self) -> None:
        """Wait until nothing waits to be told."""
        await until(lambda: not self.feed._timers)


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    kit = Kit()
    await kit.feed.open()
    yield kit
    await kit.feed.close()


def wire(id: str, since: str = "2026-03-02T08:30:00.000Z") -> dict[str, str]:
    return {"id": id, "name": id.capitalize(), "since": since}


async def test_differences_are_collected_and_told_one_by_one(kit: Kit) -> None:
    kit.come("ann", "bob")
    await asyncio.sleep(0)
    assert kit.members.told == []
    await kit.quiet()
    assert kit.members.told == [{"joined": wire("ann")}, {"joined": wire("bob")}]
    kit.clock.move(seconds=5)
    kit.go("ann")
    await kit.quiet()
    assert kit.members.told[2:] == [{"left": wire("ann", "2026-03-02T08:30:05.000Z")}]


async def test_who_comes_and_goes_within_an_interval_is_not_mentioned(kit: Kit) -> None:
    kit.come("ann")
    await kit.quiet()
    kit.members.told.clear()
    kit.go("ann")
    kit.come("bob")
    kit.come("ann")
    kit.go("bob")
    await kit.quiet()
    assert kit.members.told == []


async def test_a_crowd_that_comes_at_once_is_told_as_a_number(kit: Kit) -> None:
    kit.members.count = 40
    kit.come(*(f"u{number}" for number in range(40)))
    await kit.quiet()
    assert kit.members.told == [{"count": 40}]
    kit.go("u7")
    await kit.quiet()
    assert kit.members.told[1:] == [{"left": wire("u7")}]


async def test_a_large_crowd_is_told_numbers_so_rarely_that_they_stay_within_the_budget(kit: Kit) -> None:
    kit.members.count = BUDGET // 2
    for number in range(4):
        kit.come(f"u{number}")
        await until(lambda: len(kit.members.told) == number + 1)  # noqa: B023
    assert kit.members.told == [{"count": number + 1} for number in range(4)]
    times = kit.members.times
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(times))


async def test_an_answer_holds_the_number_and_those_who_came_first(kit: Kit) -> None:
    kit.come(*(f"u{number}" for number in range(SHOWN + 10)))
    answer = await kit.feed.users(TOPIC)
    assert answer["count"] == SHOWN + 10
    assert answer["users"] == [wire(f"u{number}") for number in range(SHOWN)]


async def test_a_crowd_that_asks_at_once_shares_an_answer_until_differences_are_told(kit: Kit) -> None:
    kit.come("ann")
    first = await kit.feed.users(TOPIC)
    kit.come("bob")
    assert await kit.feed.users(TOPIC) is first
    await until(lambda: bool(kit.members.told))
    assert [user["id"] for user in (await kit.feed.users(TOPIC))["users"]] == ["ann", "bob"]


async def test_an_answer_about_a_topic_that_nobody_here_follows_does_not_stay(kit: Kit) -> None:
    first = await kit.feed.users(TOPIC)
    kit.members.count = 0
    kit.come("ann")
    await until(lambda: not kit.feed._answers)
    assert await kit.feed.users(TOPIC) is not first


@pytest.mark.parametrize("topic", ["summary:s1", "user:u1"])
async def test_summaries_and_users_own_topics_have_no_presence(kit: Kit, topic: str) -> None:
    kit.come("ann", topic=topic)
    assert await kit.feed.users(topic) == {"users": [], "count": 0}
    kit.go("ann", topic=topic)
    await kit.quiet()
    assert kit.members.told == []
