"""What a handler sees: the records of its room as they stand at this point of the batch, and a place for
its changes.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from handlers.dispatch.org import OrgView
from handlers.dispatch.room_state import RoomState
from handlers.dispatch.rooms import Rooms
from models.actor import Actor
from models.journal import ORG, Record
from models.ports import Ids, Storage
from models.query import Query
from models.record import RecordKey, tombstone

T = TypeVar("T")

Overlay = dict[str, dict[str, Record]]
"""What a batch has decided so far: kind → id → record."""


@dataclass(slots=True)
class View:
    """What the actions of one batch see alike."""

    room: str
    now: datetime
    at: str
    storage: Storage
    org: OrgView
    rooms: Rooms
    ids: Ids
    state: RoomState
    overlay: Overlay = field(default_factory=dict)


class Context:
    """One action's view and its changes. Nothing is visible outside until the action has been accepted.

    `own`: the action's entries in order, as `(type, record)`. `derived`: by record, the newest state only,
    so that each derived record is at most one entry of a commit. `touched`: the newest state of both.
    `passwords`: user id → hash, written to the credentials before the commit. `roles`: those of the actor's
    that count here.
    """

    __slots__ = (
        "_next_seq", "_view", "actor", "at", "derived", "now", "own", "passwords", "roles", "room",
        "touched", "type",
    )  # fmt: skip

    def __init__(self, type: str, actor: Actor, roles: Set[str], view: View, next_seq: int) -> None:
        self.type = type
        self.actor = actor
        self.roles = roles
        self.room = view.room
        self.now = view.now
        self.at = view.at
        self.own: list[tuple[str, Record]] = []
        self.derived: dict[RecordKey, tuple[str, Record]] = {}
        self.passwords: dict[str, str] = {}
        self.touched: dict[RecordKey, Record] = {}
        self._view = view
        self._next_seq = next_seq

    @property
    def next_seq(self) -> int:
        """The seq that the next `put` of this action will get: for records that keep the seq of their own
        changes.
        """
        return self._next_seq + len(self.own)

    async def get(self, kind: str, id: str, *, among: Query | None = None) -> Record | None:
        """The record of this room as it is now, or None where there is none or it is deleted. Not to be
        changed in place.

        `among`: a query that finds this record if it is there. The first of its records that is asked for
        brings the others with it.
        """
        key = (kind, id)
        if key in self.touched:
            record: Record | None = self.touched[key]
        else:
            view = self._view
            decided = view.overlay.get(kind)
            if decided is not None and id in decided:
                record = decided[id]
            elif key in view.state.records:
                record = view.state.records[key]
            elif among is not None and among in view.state.whole:
                return None
            else:
                record = await self._read(kind, id, among)
        return None if record is None or record.get("deleted") else record

    async def held(self, kind: str, id: str) -> Record | None:
        """Like `get`, but a deleted record comes as its tombstone."""
        return await self.get(kind, id) or self._tombstone(kind, id)

    async def find(self, query: Query, *, keep: bool = False) -> list[Record]:
        """The room's records that the query asks for, with what this batch has changed.

        `keep` remembers the answer until a record of the kind changes: for kinds that change rarely.
        `query.after` is not for here.
        """
        query = _in_room(query, self.room)
        stored: list[Record]
        stored = await (self._remembered(query, list) if keep else self._view.storage.find(query))
        changed = self._changed(query.kind)
        if not changed:
            return stored
        if query.limit and len(stored) == query.limit and any(r["id"] in changed for r in stored):
            stored = await self._view.storage.find(replace(query, limit=query.limit + len(changed)))
        merged = [record for record in stored if record["id"] not in changed]
        merged += [record for record in changed.values() if query.matches(self.room, record)]
        merged = query.sorted(merged)
        return merged[: query.limit] if query.limit else merged

    async def built(self, query: Query, build: Callable[[list[Record]], T]) -> T:
        """What `build` makes of the answer of `find`, remembered like that. Not to be changed in place."""
        if query.kind in self._view.overlay or (self.touched and self._changed(query.kind)):
            return build(await self.find(query, keep=True))
        answers = self._view.state.kept.get(query.kind)
        if answers is not None and (query, build) in answers:
            answer: T = answers[query, build]
            return answer
        return await self._remembered(query, build)

    async def org(self, kind: str, id: str) -> Record | None:
        """A record of the `org` room (a school, team or user), or None."""
        if self.room == ORG:
            return await self.get(kind, id)
        return await self._view.org.get(kind, id)

    async def elsewhere(self, kind: str, id: str) -> tuple[str, Record] | None:
        """The room and record with this id in whatever room: for ids that must be unique across rooms."""
        return await self._view.storage.locate(kind, id)

    async def claim(self, kind: str, id: str) -> bool:
        """Whether this room may make a record with this id: no other room holds it, or is about to."""
        return self._view.rooms.claim(kind, id, self.room) and await self.elsewhere(kind, id) is None

    def put(self, record: Record, type: str | None = None) -> None:
        """Write this record as an entry of the action: with its op_id, by and seq, in the order of the
        calls.
        """
        self._note(record)
        self.own.append((type or self.type, record))

    def delete(self, record: Record) -> None:
        """Write the record's tombstone as an entry of the action."""
        self.put(tombstone(record))

    def derive(self, type: str, record: Record) -> None:
        """Write what follows from the action (a tally, a summary): an entry of its own without op_id and
        by, once per commit.
        """
        self.derived[self._note(record)] = (type, record)

    def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """Keep a password hash with the credentials; it never enters the journal."""
        self.passwords[user_id] = password_hash

    def new_id(self, prefix: str) -> str:
        """A new id that nobody can guess."""
        return self._view.ids.new(prefix)

    def _note(self, record: Record) -> RecordKey:
        key = (record["kind"], record["id"])
        self.derived.pop(key, None)
        self.touched[key] = record
        return key

    def _tombstone(self, kind: str, id: str) -> Record | None:
        """What is remembered of a record that is not there."""
        decided = self._view.overlay.get(kind, {}).get(id)
        return self.touched.get((kind, id)) or decided or self._view.state.records.get((kind, id))

    async def _read(self, kind: str, id: str, among: Query | None) -> Record | None:
        state, storage = self._view.state, self._view.storage
        if among is None:
            state.records.update((await storage.load(self.room, (), ((kind, id),))).records)
        elif among not in state.whole:
            for record in await storage.find(among):
                state.records.setdefault((record["kind"], record["id"]), record)
            state.whole.add(among)
        return state.records.setdefault((kind, id))

    def _changed(self, kind: str) -> dict[str, Record]:
        changed = dict(self._view.overlay.get(kind, ()))
        for key, record in self.touched.items():
            if key[0] == kind:
                changed[key[1]] = record
        return changed

    async def _remembered(self, query: Query, build: Callable[[list[Record]], T]) -> T:
        answers = self._view.state.kept.setdefault(query.kind, {})
        key = (query, build)
        if key not in answers:
            answers[key] = build(await self._view.storage.find(query))
        answer: T = answers[key]
        return answer


def _in_room(query: Query, room: str) -> Query:
    if any(name == "room" for name, _ in query.equal):
        return query
    return replace(query, equal=(("room", room), *query.equal))
