"""Everybody who is connected: who watches what, who writes where, and their tokens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.servers import Size, sign_in
from tests.torture.durations import Durations
from tests.torture.known import Json, KnownRoom
from tests.torture.sent import Sent
from tests.torture.subscriber import Subscriber
from tests.torture.traffic import Marks, Tasks
from tests.torture.view import View
from tests.torture.violations import Violations
from tests.torture.writer import Conduct, Writer

TEAMS = ("t1", "t2")
"""The teams of the demo."""

TOKEN_AGE = 480.0
"""Seconds after which everybody gets new tokens; they last 900."""

TOKEN_RETRY = 1.0


def school_views(school_id: str) -> tuple[tuple[str, ...], ...]:
    """What viewers of a school watch, in turns."""
    school, summary = f"school:{school_id}", f"summary:{school_id}"
    classes = (f"class:{school_id}-c1", f"class:{school_id}-c2")
    return ((school,), (school, summary), (classes[0], summary), (school, *classes), (school,))


class Tokens:
    """An access token for each account."""

    def __init__(self, doors: Sequence[str], emails: Sequence[str]) -> None:
        self._doors = doors
        self._emails = emails
        self._tokens: dict[str, str] = {}

    async def get(self) -> None:
        """Sign everybody in, at whichever door answers."""
        while True:
            for door in self._doors:
                try:
                    async with asyncio.timeout(TOKEN_AGE / 10):
                        self._tokens = await sign_in(door, self._emails)
                    return
                except (aiohttp.ClientError, KeyError, TimeoutError, OSError):
                    await asyncio.sleep(TOKEN_RETRY)

    async def renew(self) -> None:
        """Get new ones before they expire, until cancelled."""
        while True:
            await asyncio.sleep(TOKEN_AGE)
            await self.get()

    def of(self, email: str) -> Callable[[], str]:
        """The newest token of the account, whenever it is asked for."""
        return lambda: self._tokens[email]


@dataclass(frozen=True, slots=True)
class Place:
    """A room with those who write in it and those who watch it, by address."""

    room: str
    writers: tuple[tuple[str, str], ...]
    viewer: str
    watched: tuple[tuple[str, ...], ...]


def places(size: Size) -> list[Place]:
    """Every room of the demo that is written in."""
    found = []
    for id in size.school_ids:
        writers = tuple((f"{who}@{id}.demo.test", f"u-{id}-{who}") for who in ("office", "head"))
        found.append(Place(f"school:{id}", writers, f"viewer@{id}.demo.test", school_views(id)))
    for id in TEAMS:
        writers = tuple((f"{who}@{id}.demo.test", f"u-{id}-{who}") for who in ("lead", "member1"))
        found.append(Place(f"team:{id}", writers, f"member2@{id}.demo.test", ((f"team:{id}",),)))
    return found


class Crowd:
    """Subscribers and writers, spread evenly over the rooms."""

    def __init__(
        self,
        *,
        seed: int,
        size: Size,
        day: str,
        doors: Sequence[str],
        tokens: Tokens,
        tasks: dict[str, list[str]],
        subscribers: int,
        writers: int,
        violations: Violations,
    ) -> None:
        self.conduct = Conduct()
        self.staleness = Durations()
        self.waits = Durations()
        self.rooms = {place.room: KnownRoom(place.room, violations) for place in places(size)}
        self.subscribers: list[Subscriber] = []
        self.writers: list[Writer] = []
        where = places(size)
        for number in range(subscribers):
            place = where[number % len(where)]
            topics = place.watched[number // len(where) % len(place.watched)]
            dated = not place.room.startswith("team:")
            room = self.rooms[place.room]
            views = [
                View(f"v{number}", topic, day if dated else None, room, violations, self.staleness)
                for topic in topics
            ]
            chance = random.Random(f"{seed} v{number}")
            token = tokens.of(place.viewer)
            self.subscribers.append(Subscriber(views, doors, token, chance, violations))
        for number in range(writers):
            place = where[number % len(where)]
            email, user_id = place.writers[number // len(where) % len(place.writers)]
            chance = random.Random(f"{seed} w{number}")
            noun, _, id = place.room.partition(":")
            source = (
                Marks(chance, id, size.classes, size.students, day)
                if noun == "school"
                else Tasks(chance, id, tasks[place.room])
            )
            sent = Sent(f"w{number}", user_id, place.room, violations)
            writer = Writer(
                sent,
                self.rooms[place.room],
                source,
                self.conduct,
                doors,
                tokens.of(email),
                chance,
                violations,
                self.waits,
            )
            self.writers.append(writer)

    @property
    def views(self) -> list[View]:
        """All views of all subscribers."""
        return [view for subscriber in self.subscribers for view in subscriber.views]

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        """What keeps everybody connected."""
        links = [subscriber.link for subscriber in self.subscribers]
        return [link.run() for link in (*links, *(link for writer in self.writers for link in writer.links))]


def task_ids(records: Sequence[Json]) -> list[str]:
    """The tasks among records."""
    return sorted(record["id"] for record in records if record["kind"] == "task")
