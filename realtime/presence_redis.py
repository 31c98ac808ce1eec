"""Presence of all nodes, in Redis.

A node keeps the users of each topic in a hash of its own, and one key that lives for some seconds says that
the node does; hashes of nodes without it are of no account. So a user who stays costs nothing. What changes
is written to the hash and to a stream in one transaction, which also reads the stream: once a second, however
many come and go. A topic with connections here is read once, in such a transaction, and then follows from the
stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.ports import Present
from realtime.presence_elsewhere import Elsewhere
from realtime.presence_life import ENTRIES, Keys, Life, Pair, facts_in, users_in
from realtime.presence_memory import PresenceMemory
from realtime.redis_address import LIMIT, redis_pool

EVERY = 1.0
"""Seconds between two exchanges with Redis."""

SOON = 0.1
"""Seconds between two exchanges at the least, where something waits for one."""

ALIVE = 6
"""Seconds that a node's sign of life holds."""

GRACE = 6.0
"""Seconds that a node without one is still believed in: it may have come under another name after Redis was
emptied. With `ALIVE` and two intervals that is less than the 15 s of the design.
"""

CHANGES = 500
"""Users who come or go in one exchange; the next one follows at once."""

READ = 100
"""Topics read in one exchange; the next one follows at once."""

log = logging.getLogger("rollcall.presence")


class PresenceRedis:
    """See the port. `epoch` is the storage's; all nodes of one storage meet, and no others."""

    def __init__(
        self, url: str, epoch: str, *, every: float = EVERY, alive: int = ALIVE, grace: float = GRACE
    ) -> None:
        self._redis = Redis(connection_pool=redis_pool(url, "rollcall-presence"))
        self._keys = Keys(epoch)
        self._every = every
        self._alive = alive
        self._grace = grace
        self._changed: Callable[[str, Present, bool], None] | None = None
        self._here = PresenceMemory()
        self._elsewhere = Elsewhere(lambda topic, user: self._here.user(topic, user) is not None, self._tell)
        self._seen: dict[str, float] = {}
        self._listed: set[str] = set()
        self._dead: set[str] = set()
        self._dirty: dict[Pair, None] = {}
        self._position: bytes | None = None
        self._begin_life()
        self._more = asyncio.Event()
        self._away = False
        self._task: asyncio.Task[None] | None = None

    async def open(self, changed: Callable[[str, Present, bool], None]) -> None:
        """See the port."""
        self._changed = changed
        await self._here.open(self._changed_here)
        self._task = asyncio.create_task(self._keep_exchanging(), name="presence")

    async def close(self) -> None:
        """See the port. Other nodes are told, if that is possible at once."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._every), self._redis.pipeline(transaction=True) as pipe:
                self._life.end(pipe)
                await pipe.execute()
        await self._redis.connection_pool.disconnect()

    def enter(self, topic: str, connection: str, user: Present) -> None:
        """See the port."""
        self._here.enter(topic, connection, user)

    def leave(self, topic: str, connection: str, user_id: str) -> None:
        """See the port."""
        self._here.leave(topic, connection, user_id)

    async def users(self, topic: str) -> list[Present]:
        """See the port."""
        if not self._elsewhere.knows(topic):
            return _merged(self._here.here(topic), await self._read_others(topic))
        await self._elsewhere.complete(topic, 0.0 if self._away else LIMIT)
        return _merged(self._here.here(topic), self._elsewhere.users(topic))

    def count(self, topic: str) -> int:
        """See the port."""
        users = itertools.chain(self._here.here(topic), self._elsewhere.users(topic))
        return len({user.id for user in users})

    # -- what happens here

    def _changed_here(self, topic: str, user: Present, there: bool) -> None:
        self._dirty[topic, user.id] = None
        if there and not self._elsewhere.knows(topic):
            self._elsewhere.begin(topic)
            self._more.set()
        if not self._elsewhere.has(topic, user.id):
            self._tell(topic, user, there)
        if not self._here.count(topic):
            self._elsewhere.end(topic)

    def _tell(self, topic: str, user: Present, there: bool) -> None:
        if self._changed is not None:
            self._changed(topic, user, there)

    def _begin_life(self) -> None:
        """Write everything under a new name, and read everything: what was written under the old one may be
        gone, and changes may have been missed.
        """
        self._life = Life(self._keys, self._here, self._alive)
        self._position = None
        topics = self._here.topics()
        self._dirty = {(topic, user.id): None for topic in topics for user in self._here.here(topic)}
        self._elsewhere.read_anew()

    def _bound_changes(self) -> None:
        """Of those who came and went while Redis is away nobody need be told."""
        there = sum(self._here.count(topic) for topic in self._here.topics())
        if len(self._dirty) > 2 * there + CHANGES:
            self._begin_life()

    # -- exchanges

    async def _keep_exchanging(self) -> None:
        while True:
            more = False
            try:
                more = await self._exchange_or_do_without()
            except Exception:
                log.exception("exchanging presence")
            if not more:
                await asyncio.sleep(min(SOON, self._every))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, self._every - SOON)):
                        await self._more.wait()
            self._more.clear()

    async def _exchange_or_do_without(self) -> bool:
        """One exchange, or none while Redis is away. True if there is more to be done at once."""
        more = False
        try:
            async with asyncio.timeout(LIMIT):
                more = await self._exchange()
            self._away = False
        except (RedisError, OSError, TimeoutError, ValueError) as lost:
            if not self._away:
                log.warning("presence is of this node alone, without Redis: %s", lost)
            self._away = True
            self._elsewhere.give_up()
            self._bound_changes()
        self._forget_dead()
        return more

    async def _exchange(self) -> bool:
        """One transaction: what has changed here goes there, what has changed elsewhere comes. True if there
        is more to be done at once.
        """
        changes = list(itertools.islice(self._dirty, CHANGES))
        for pair in changes:
            del self._dirty[pair]
        try:
            return await self._exchange_with(changes)
        except BaseException:
            self._dirty.update(dict.fromkeys(changes))
            raise

    async def _exchange_with(self, changes: list[Pair]) -> bool:
        announce = not self._life.announced and not self._dirty
        unread = self._elsewhere.unread(READ)
        asked = sorted(self._listed | self._elsewhere.nodes)
        async with self._redis.pipeline(transaction=True) as pipe:
            self._life.sign(pipe)
            pipe.smembers(self._keys.nodes)
            pipe.mget([self._keys.alive(life) for life in (self._life.name, *asked)])
            if self._position is None:
                pipe.xrevrange(self._keys.changes, count=1)
            else:
                pipe.xread({self._keys.changes: self._position}, count=ENTRIES)
            for topic, node in unread:
                pipe.hgetall(self._keys.users(node, topic))
            self._life.write(pipe, changes, asyncio.get_running_loop().time())
            if announce:
                self._life.announce(pipe)
            if self._dead:
                pipe.srem(self._keys.nodes, *self._dead)
            signed, listed, (_, *signs), entries, *users = await pipe.execute()
        if not signed:
            # Redis was emptied, or this node was away for so long that others count it as dead.
            self._begin_life()
            return True
        self._life.announced = self._life.announced or announce
        self._dead.clear()
        sign_of = dict(zip(asked, signs, strict=True))
        unknown = self._take_nodes({node.decode() for node in listed}, sign_of)
        self._take_entries(entries)
        for (topic, node), found in zip(unread, users, strict=False):
            # What a dead node wrote may be gone: until it is forgotten, its users are those it had.
            self._elsewhere.fill(topic, node, users_in(found) if sign_of[node] else None)
        if not unknown:
            self._elsewhere.settle()
        return bool(unknown or self._dirty or self._elsewhere.unread(1))

    async def _read_others(self, topic: str) -> Iterable[Present]:
        """The users of a topic without connections here."""
        if self._away:
            return []
        try:
            async with asyncio.timeout(LIMIT), self._redis.pipeline(transaction=True) as pipe:
                for node in self._elsewhere.nodes:
                    pipe.hgetall(self._keys.users(node, topic))
                found = await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            return []
        return [user for users in found for user in users_in(users).values()]

    # -- what comes from elsewhere

    def _take_nodes(self, listed: set[str], signs: Mapping[str, object]) -> set[str]:
        """Nodes come when they are listed and alive, and are forgotten some time after they are not. Returns
        those of which is not known yet whether they live.
        """
        now = asyncio.get_running_loop().time()
        listed.discard(self._life.name)
        for node, sign in signs.items():
            if sign is None:
                self._dead.update({node} & listed)
            elif node in listed:
                self._seen[node] = now
                if node not in self._elsewhere.nodes:
                    self._elsewhere.add(node)
        self._listed = listed - self._dead
        return listed - signs.keys()

    def _forget_dead(self) -> None:
        now = asyncio.get_running_loop().time()
        for node in [node for node, seen in self._seen.items() if seen < now - self._grace]:
            self._forget(node)

    def _forget(self, node: str) -> None:
        self._seen.pop(node, None)
        self._elsewhere.drop(node)

    def _take_entries(self, answer: Any) -> None:
        if self._position is None:
            self._position = answer[0][0] if answer else b"0-0"
            return
        for _, entries in answer or []:
            for position, entry in entries:
                self._position = position
                try:
                    self._take_entry(entry)
                except (ValueError, TypeError, LookupError) as error:
                    log.warning("what another node told about presence was dropped: %s", error)

    def _take_entry(self, entry: Mapping[bytes, bytes]) -> None:
        node = entry[b"node"].decode()
        if b"gone" in entry:
            self._forget(node)
        elif node != self._life.name:
            for topic, user_id, user in facts_in(entry):
                self._elsewhere.apply(node, topic, user_id, user)


def _merged(*groups: Iterable[Present]) -> list[Present]:
    """Everybody once, since the first one came; who came first first."""
    users: dict[str, Present] = {}
    for user in sorted(itertools.chain(*groups), key=lambda user: user.since):
        users.setdefault(user.id, user)
    return list(users.values())
