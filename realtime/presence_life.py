"""What a node writes about the users on it, in Redis.

It does so in lives: when its sign of life has gone, it begins another one under a new name, and what it wrote
under the old one is of no account any more. Everything expires by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from redis.asyncio.client import Pipeline

from models.ports import Present
from realtime.presence_memory import PresenceMemory

KEPT = 3_600
"""Seconds that Redis keeps what nobody renews."""

RENEWED = 100
"""Hashes renewed in one exchange."""

ENTRIES = 1_000
"""Entries that the stream of changes holds: one for each exchange of each node in which something changed."""

Pair = tuple[str, str]
"""A topic and a user's id."""


class Keys:
    """The names of the keys. `nodes`: the set of lives; `changes`: the stream of who came and went."""

    def __init__(self, epoch: str) -> None:
        self._prefix = f"rollcall:{epoch}:presence"
        self.nodes = f"{self._prefix}:nodes"
        self.changes = f"{self._prefix}:changes"

    def alive(self, life: str) -> str:
        """A life's sign, there as long as it lasts."""
        return f"{self._prefix}:alive:{life}"

    def users(self, life: str, topic: str) -> str:
        """The hash of a life's users in a topic."""
        return f"{self._prefix}:{life}:{topic}"


class Life:
    """One life of this node. `announced`: others know of it, since all users of before are written."""

    def __init__(self, keys: Keys, here: PresenceMemory, alive: int) -> None:
        self.name = secrets.token_hex(8)
        self.announced = False
        self._keys = keys
        self._here = here
        self._alive = alive
        self._written: OrderedDict[str, float] = OrderedDict()

    def sign(self, pipe: Pipeline) -> None:
        """Stay alive for some more seconds. The answer is None where this life is over."""
        pipe.set(self._keys.alive(self.name), 1, ex=self._alive, xx=self.announced)

    def write(self, pipe: Pipeline, changes: Iterable[Pair], now: float) -> None:
        """Write for these topics and users whether they are there, and tell the others."""
        facts: list[list[str]] = []
        for topic, pairs in itertools.groupby(sorted(changes), key=lambda pair: pair[0]):
            key = self._keys.users(self.name, topic)
            for _, user_id in pairs:
                user = self._here.user(topic, user_id)
                if user is None:
                    pipe.hdel(key, user_id)
                    facts.append([topic, user_id])
                else:
                    pipe.hset(key, user_id, orjson.dumps([user.name, user.since]))
                    facts.append([topic, user_id, user.name, user.since])
            pipe.expire(key, KEPT)
            self._written[topic] = now
            self._written.move_to_end(topic)
        if facts and self.announced:
            self._tell(pipe, {"node": self.name, "facts": orjson.dumps(facts)})
        self._renew(pipe, now)

    def announce(self, pipe: Pipeline) -> None:
        """Make the others read what is written."""
        pipe.sadd(self._keys.nodes, self.name)

    def end(self, pipe: Pipeline) -> None:
        """Be dead at once."""
        pipe.delete(self._keys.alive(self.name))
        pipe.srem(self._keys.nodes, self.name)
        self._tell(pipe, {"node": self.name, "gone": 1})

    def _renew(self, pipe: Pipeline, now: float) -> None:
        """What has not been written for long must not expire while somebody is in it."""
        old = itertools.takewhile(lambda item: item[1] < now - KEPT / 3, self._written.items())
        for topic, _ in list(itertools.islice(old, RENEWED)):
            if self._here.count(topic):
                pipe.expire(self._keys.users(self.name, topic), KEPT)
                self._written[topic] = now
                self._written.move_to_end(topic)
            else:
                del self._written[topic]
        pipe.expire(self._keys.nodes, KEPT)

    def _tell(self, pipe: Pipeline, entry: dict[Any, Any]) -> None:
        pipe.xadd(self._keys.changes, entry, maxlen=ENTRIES)
        pipe.expire(self._keys.changes, KEPT)


def facts_in(entry: Mapping[bytes, bytes]) -> list[tuple[str, str, Present | None]]:
    """Topic, id and user (None: gone) of each change that an entry of the stream tells. ValueError,
    TypeError or LookupError for what makes no sense.
    """
    return [
        (topic, user_id, Present(user_id, *more) if more else None)
        for topic, user_id, *more in orjson.loads(entry[b"facts"])
    ]


def users_in(found: Mapping[bytes, bytes]) -> dict[str, Present]:
    """The users in a hash; what makes no sense is left out."""
    users = {}
    for field, text in found.items():
        with contextlib.suppress(ValueError, TypeError):
            users[field.decode()] = Present(field.decode(), *orjson.loads(text))
    return users
