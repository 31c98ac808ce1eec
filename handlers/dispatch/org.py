"""The node's view of the `org` room: users, schools, teams. Every node follows `org`, so this is never
older than the follower.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from models.actor import SYSTEM, Actor, actor_of
from models.errors import Unauthenticated
from models.journal import ORG, Entry, Record
from models.ports import Storage
from models.record import RecordKey

CACHED_RECORDS = 50_000


def active_actor(user: Record | None, session_id: str | None) -> Actor:
    """The actor that a `user` record describes. Unauthenticated for none and for one that is disabled."""
    if user is None or user.get("disabled"):
        raise Unauthenticated("This account does not exist or is disabled.")
    return actor_of(user, session_id)


class OrgView:
    """Reads records of `org` through a cache that `apply` keeps current: newer entries replace what is
    cached.
    """

    def __init__(self, storage: Storage, limit: int = CACHED_RECORDS) -> None:
        self._storage = storage
        self._limit = limit
        self._records: OrderedDict[RecordKey, Record] = OrderedDict()
        self._actors: dict[str, tuple[Record, Actor]] = {}

    async def get(self, kind: str, id: str) -> Record | None:
        """The record, or None where there is none or it is deleted. StorageLost."""
        cached = self._records.get((kind, id))
        if cached is None:
            read = await self._storage.get(ORG, kind, id)
            if read is None:
                return None
            cached = self._keep(read)
        return None if cached.get("deleted") else cached

    def known_actor(self, actor: Actor) -> Actor | None:
        """The actor as they are now, if that is remembered."""
        known = self._actors.get(actor.id)
        if known is None or known[1].session_id != actor.session_id:
            return None
        return known[1] if self._records.get(("user", actor.id)) is known[0] else None

    async def actor(self, user_id: str, session_id: str | None = None) -> Actor:
        """The user as they are now. Unauthenticated for a user who is unknown or disabled."""
        if user_id == SYSTEM.id:
            return SYSTEM
        user = await self.get("user", user_id)
        known = self._actors.get(user_id)
        if known is not None and known[0] is user and known[1].session_id == session_id:
            return known[1]
        actor = active_actor(user, session_id)
        if user is not None:
            self._actors[user_id] = (user, actor)
        if len(self._actors) > self._limit:
            self._actors.clear()
        return actor

    def apply(self, entries: Iterable[Entry]) -> None:
        """Take in what was committed to `org`."""
        for entry in entries:
            self._keep(entry.data)

    def forget(self) -> None:
        """Drop everything: the journal was replaced or entries were missed."""
        self._records.clear()

    def _keep(self, record: Record) -> Record:
        key = (record["kind"], record["id"])
        known = self._records.get(key)
        if known is not None and known["seq"] >= record["seq"]:
            return known
        self._records[key] = record
        self._records.move_to_end(key)
        while len(self._records) > self._limit:
            self._records.popitem(last=False)
        return record
