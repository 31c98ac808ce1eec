"""The core of a node: everything between the doors and the storages, put together from ports."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import handlers
from handlers.access import Access
from handlers.dispatch.batch import Decider
from handlers.dispatch.committer import QUEUE, Committer
from handlers.dispatch.committers import Committers
from handlers.dispatch.consumers import CONSUMERS, Consumers, Effects
from handlers.dispatch.dispatcher import Dispatcher
from handlers.dispatch.org import OrgView
from handlers.dispatch.registry import ACTIONS, Registry
from handlers.dispatch.rooms import Rooms
from handlers.mirror import MIRROR
from handlers.snapshots import Snapshots
from handlers.topics import Topics
from models.journal import ORG, Commit
from models.ports import Clock, Credentials, Ids, Limiter, Passwords, Storage, Turns

SHOWN_LIMIT = 2.0
"""Seconds that the answer to an `org` action waits until rooms show it; the change is durable before."""


def load_handlers() -> None:
    """Import every handler file, so that its actions, consumers and kinds are declared: before a storage
    opens."""
    for module in pkgutil.iter_modules(handlers.__path__):
        importlib.import_module(f"handlers.{module.name}")


class Core:
    """Dispatcher, committers, consumers and reads of one node.

    `committed` is called on the loop for every commit this node has made durable, after its answers were
    given.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        credentials: Credentials,
        passwords: Passwords,
        limiter: Limiter,
        turns: Turns,
        clock: Clock,
        ids: Ids,
        committed: Callable[[Commit], None],
        registry: Registry = ACTIONS,
        queue: int = QUEUE,
    ) -> None:
        load_handlers()
        self.storage = storage
        self.org = OrgView(storage)
        self.rooms = Rooms(storage)
        self.access = Access(storage, self.org, self.rooms)
        self.snapshots = Snapshots(storage, self.org, self.rooms, clock)
        self.topics = Topics(storage, self.org, self.rooms)
        self._committed = committed
        decider = Decider(storage, self.org, self.rooms, ids, registry)
        self._committers = Committers(
            lambda room: Committer(
                room,
                storage=storage,
                credentials=credentials,
                decider=decider,
                turns=turns,
                clock=clock,
                committed=self._take_in,
                found=self._wake,
                queue=queue,
            )
        )
        self.dispatcher = Dispatcher(
            registry=registry,
            committers=self._committers,
            rooms=self.rooms,
            limiter=limiter,
            passwords=passwords,
            shown=self._shown,
        )
        effects = Effects(storage, self.dispatcher.run_internal)
        self.consumers = Consumers(list(CONSUMERS.values()), effects)

    async def open(self) -> None:
        """Take up what consumers have not handled yet. The storage is open."""
        await self.consumers.open()

    async def close(self) -> None:
        """Answer everything that was accepted, then stop."""
        await self._committers.close()
        await self.consumers.close()

    def _take_in(self, commit: Commit) -> None:
        if commit.room == ORG:
            self.org.apply(commit.entries)
        self._committed(commit)
        self.consumers.offer(commit)

    def _wake(self, room: str, head: int) -> None:
        if head:
            self.consumers.wake(room, head)

    async def _shown(self, seq: int) -> None:
        await self.consumers.settled(MIRROR, ORG, seq, SHOWN_LIMIT)
