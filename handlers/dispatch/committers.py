"""The committers of a node, and what they remember together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from handlers.dispatch.answers import RETRY_AFTER
from handlers.dispatch.batch import Prepared
from handlers.dispatch.committer import Committer
from models.action import Ack
from models.errors import Unavailable

ROOMS = 2_048
"""Committers that are kept, unless more are busy."""
CACHED_ON_NODE = 200_000
"""What all rooms of a node remember together: about 300 MB."""
CHECK_EVERY = 1_000
"""Actions between two looks at what all rooms remember."""


class Committers:
    """The committers of a node, one for each room that is in use."""

    def __init__(self, make: Callable[[str], Committer], limit: int = ROOMS) -> None:
        self._make = make
        self._limit = limit
        self._committers: OrderedDict[str, Committer] = OrderedDict()
        self._closed = False
        self._submitted = 0

    def submit(self, prepared: Prepared) -> asyncio.Future[Ack]:
        """Queue the action in its room. Unavailable when the queue is full or the node is stopping."""
        if self._closed:
            raise Unavailable("This server is stopping; try again.", retry_after=RETRY_AFTER)
        committer = self._committers.get(prepared.room)
        if committer is None:
            self._evict()
            committer = self._committers[prepared.room] = self._make(prepared.room)
        self._committers.move_to_end(prepared.room)
        self._submitted += 1
        if self._submitted % CHECK_EVERY == 0:
            self._forget_longest_unused()
        return committer.submit(prepared)

    async def close(self) -> None:
        """Accept nothing new, and answer everything that was accepted."""
        self._closed = True
        await asyncio.gather(*(committer.drained() for committer in self._committers.values()))

    def _evict(self) -> None:
        """Make place for one more; rooms that are busy stay."""
        surplus = len(self._committers) + 1 - self._limit
        for room in [room for room, c in self._committers.items() if c.idle][: max(0, surplus)]:
            del self._committers[room]

    def _forget_longest_unused(self) -> None:
        surplus = sum(committer.cached for committer in self._committers.values()) - CACHED_ON_NODE
        for committer in self._committers.values():
            if surplus <= 0:
                return
            if committer.idle:
                surplus -= committer.cached
                committer.forget()
