"""What a handler sees: the records of its room as they stand at this point of the batch, and a place for
its changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from handlers.dispatch.org import OrgView
from handlers.dispatch.rooms import Rooms
from models.actor import Actor
from models.journal import ORG, Record
from models.ports import Ids, Storage
from models.query import Query
from models.record import RecordKey, tombstone

Overlay = dict[str, dict[str, Record]]
"""What a batch has decided so far: kind → id → record."""


@dataclass(slots=True)
class RoomState:
    """A committer's cache: records (None: there is none; tombstones as they are) and kept query results, as
    of the room's head.
    """

    records: dict[RecordKey, Record | None] = field(default_factory=dict)
    found: dict[str, dict[Query, list[Record]]] = field(default_factory=dict)

    def drop(self, key: RecordKey) -> None:
        """Forget what an entry has made old."""
        self.records.pop(key, None)
        self.found.pop(key[0], None)

    def clear(self) -> None:
        self.records.clear()
        self.found.clear()


@dataclass(slots=True)
class Changes:
    """What an action wants to write.

    `own`: the action's entries in order, as `(type, record)`. `derived`: by record, the newest state only,
    so that each derived record is at most one entry of a commit. `passwords`: user id → hash, written to
    the credentials before the commit.
    """

    own: list[tuple[str, Record]] = field(default_factory=list)
    derived: dict[RecordKey, tuple[str, Record]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)


class Context:
    """One action's view and its changes. Nothing is visible outside until the action has been accepted."""

    def __init__(
        self,
        *,
        type: str,
        room: str,
        actor: Actor,
        now: datetime,
        at: str,
        storage: Storage,
        org: OrgView,
        rooms: Rooms,
        ids: Ids,
        state: RoomState,
        overlay: Overlay,
        next_seq: int,
    ) -> None:
        self.type = type
        self.room = room
        self.actor = actor
        self.now = now
        self.at = at
        self.changes = Changes()
        self.touched: dict[RecordKey, Record] = {}
        self._storage = storage
        self._org = org
        self._rooms = rooms
        self._ids = ids
        self._state = state
        self._overlay = overlay
        self._next_seq = next_seq

    @property
    def next_seq(self) -> int:
        """The seq that the next `put` of this action will get: for records that keep the seq of their own
        changes.
        """
        return self._next_seq + len(self.changes.own)

    async def get(self, kind: str, id: str) -> Record | None:
        """The record of this room as it is now, or None where there is none or it is deleted. Not to be
        changed in place.
        """
        record = await self.held(kind, id)
        return None if record is None or record.get("deleted") else record

    async def held(self, kind: str, id: str) -> Record | None:
        """Like `get`, but a deleted record comes as its tombstone."""
        key = (kind, id)
        if key in self.touched:
            return self.touched[key]
        if (decided := self._overlay.get(kind)) is not None and id in decided:
            return decided[id]
        if key in self._state.records:
            return self._state.records[key]
        loaded = await self._storage.load(self.room, (), (key,))
        record = loaded.records[key]
        self._state.records[key] = record
        return record

    async def find(self, query: Query, *, keep: bool = False) -> list[Record]:
        """The room's records that the query asks for, with what this batch has changed.

        `keep` remembers the answer until a record of the kind changes: for kinds that change rarely.
        `query.after` is not for here.
        """
        query = _in_room(query, self.room)
        kept = self._state.found.get(query.kind, {}).get(query)
        stored = kept if kept is not None else await self._storage.find(query)
        if keep and kept is None:
            self._state.found.setdefault(query.kind, {})[query] = stored
        changed = dict(self._overlay.get(query.kind, ()))
        changed.update({key[1]: r for key, r in self.touched.items() if key[0] == query.kind})
        if not changed:
            return stored
        if query.limit and len(stored) == query.limit and any(r["id"] in changed for r in stored):
            stored = await self._storage.find(replace(query, limit=query.limit + len(changed)))
        merged = [record for record in stored if record["id"] not in changed]
        merged += [record for record in changed.values() if query.matches(self.room, record)]
        merged = query.sorted(merged)
        return merged[: query.limit] if query.limit else merged

    async def org(self, kind: str, id: str) -> Record | None:
        """A record of the `org` room (a school, team or user), or None."""
        if self.room == ORG:
            return await self.get(kind, id)
        return await self._org.get(kind, id)

    async def elsewhere(self, kind: str, id: str) -> tuple[str, Record] | None:
        """The room and record with this id in whatever room: for ids that must be unique across rooms."""
        return await self._storage.locate(kind, id)

    async def claim(self, kind: str, id: str) -> bool:
        """Whether this room may make a record with this id: no other room holds it, or is about to."""
        return self._rooms.claim(kind, id, self.room) and await self.elsewhere(kind, id) is None

    def put(self, record: Record, type: str | None = None) -> None:
        """Write this record as an entry of the action: with its op_id, by and seq, in the order of the
        calls.
        """
        self._note(record)
        self.changes.own.append((type or self.type, record))

    def delete(self, record: Record) -> None:
        """Write the record's tombstone as an entry of the action."""
        self.put(tombstone(record))

    def derive(self, type: str, record: Record) -> None:
        """Write what follows from the action (a tally, a summary): an entry of its own without op_id and
        by, once per commit.
        """
        self._note(record)
        self.changes.derived[record["kind"], record["id"]] = (type, record)

    def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """Keep a password hash with the credentials; it never enters the journal."""
        self.changes.passwords[user_id] = password_hash

    def new_id(self, prefix: str) -> str:
        """A new id that nobody can guess."""
        return self._ids.new(prefix)

    def _note(self, record: Record) -> None:
        key = (record["kind"], record["id"])
        self.changes.derived.pop(key, None)
        self.touched[key] = record


def _in_room(query: Query, room: str) -> Query:
    if any(name == "room" for name, _ in query.equal):
        return query
    return replace(query, equal=(("room", room), *query.equal))
