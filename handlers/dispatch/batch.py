"""Deciding a batch: each action in order against the room's records, into the entries of one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handlers.dispatch import policy
from handlers.dispatch.context import Changes, Context, Overlay, RoomState
from handlers.dispatch.org import OrgView, active_actor
from handlers.dispatch.registry import ActionSpec, Registry
from handlers.dispatch.rooms import Rooms
from models.action import Ack, Payload
from models.actor import SYSTEM, Actor
from models.clock import rfc3339
from models.errors import Conflict
from models.journal import Commit, Entry, Op, Record
from models.ports import Ids, Storage
from models.record import RecordKey, topics_of


@dataclass(slots=True)
class Prepared:
    """An action that passed the dispatcher: known, within its limits, well formed, and with a room."""

    spec: ActionSpec
    payload: Payload
    actor: Actor
    room: str
    op_id: str | None
    if_seq: int | None

    @property
    def op(self) -> Op | None:
        return None if self.op_id is None else (self.actor.id, self.op_id)


class CutBatch(Exception):
    """The action can only be decided once what is decided so far is committed."""


@dataclass(slots=True)
class Batch:
    """What is decided so far, on top of `head`. Accepted actions only; a rejected one leaves no trace."""

    room: str
    head: int
    now: datetime
    at: str = field(init=False)
    entries: list[Entry] = field(default_factory=list)
    derived: dict[RecordKey, tuple[str, Record]] = field(default_factory=dict)
    overlay: Overlay = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    acks: dict[Op, Ack] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = rfc3339(self.now)

    def merge(self, prepared: Prepared, changes: Changes) -> Ack:
        """Take in an accepted action's changes and build its answer."""
        first = len(self.entries)
        for type, record in changes.own:
            record["seq"] = self.head + len(self.entries) + 1
            key = (record["kind"], record["id"])
            self.derived.pop(key, None)
            self._lay_over(record)
            self.entries.append(
                Entry(
                    self.room,
                    record["seq"],
                    type,
                    record,
                    None if prepared.actor is SYSTEM else prepared.actor.id,
                    self.at,
                    prepared.op_id,
                    topics_of(self.room, record),
                )
            )
        for key, (type, record) in changes.derived.items():
            self.derived[key] = (type, record)
            self._lay_over(record)
        self.passwords.update(changes.passwords)
        ack = answer(prepared.spec, prepared.op_id, self.room, self.entries[first:], self.head)
        if prepared.op is not None:
            self.acks[prepared.op] = ack
        return ack

    def commit(self, epoch: str) -> Commit | None:
        """The commit of everything decided, derived records last; None if there is nothing to write."""
        for type, record in self.derived.values():
            record["seq"] = self.head + len(self.entries) + 1
            topics = topics_of(self.room, record)
            self.entries.append(Entry(self.room, record["seq"], type, record, None, self.at, None, topics))
        self.derived.clear()
        return Commit(self.room, epoch, tuple(self.entries)) if self.entries else None

    def _lay_over(self, record: Record) -> None:
        self.overlay.setdefault(record["kind"], {})[record["id"]] = record


def answer(spec: ActionSpec, op_id: str | None, room: str, entries: Sequence[Entry], head: int) -> Ack:
    """The ack of an accepted action, from its own entries; the same whether they were just decided or read
    from the journal.
    """
    if not entries:
        return Ack(op_id, room, head, [] if spec.many else {})
    data: Record | list[Record] = [entry.data for entry in entries] if spec.many else entries[0].data
    return Ack(op_id, room, entries[-1].seq, data)


def answer_again(registry: Registry, room: str, op_id: str, entries: Sequence[Entry]) -> Ack:
    """The answer that an op_id already got, rebuilt from the journal."""
    spec = registry.get(entries[0].type)
    many = spec is not None and spec.many
    data: Record | list[Record] = [entry.data for entry in entries] if many else entries[0].data
    return Ack(op_id, room, entries[-1].seq, data, duplicate=True)


class Decider:
    """Decides one action after the other: policy, permit, `if_seq`, handler."""

    def __init__(self, storage: Storage, org: OrgView, rooms: Rooms, ids: Ids, registry: Registry) -> None:
        self._storage = storage
        self._org = org
        self._rooms = rooms
        self._ids = ids
        self._registry = registry

    async def decide(
        self,
        prepared: Prepared,
        batch: Batch,
        state: RoomState,
        answers: Mapping[Op, Sequence[Entry]],
    ) -> Ack:
        """The answer of one action, its changes merged into the batch.

        Raises the RollcallError of a rejection, which leaves the batch as it was; CutBatch; StorageLost.
        """
        op = prepared.op
        if op is not None:
            if op in batch.acks:
                earlier = batch.acks[op]
                return Ack(earlier.op_id, earlier.room, earlier.seq, earlier.data, duplicate=True)
            if op in answers:
                return answer_again(self._registry, batch.room, op[1], answers[op])
        actor = await self._current(prepared.actor, batch)
        policy.check(prepared.spec, actor, batch.room, prepared.payload)
        context = Context(
            type=prepared.spec.type,
            room=batch.room,
            actor=actor,
            now=batch.now,
            at=batch.at,
            storage=self._storage,
            org=self._org,
            rooms=self._rooms,
            ids=self._ids,
            state=state,
            overlay=batch.overlay,
            next_seq=batch.head + len(batch.entries) + 1,
        )
        if prepared.spec.permit is not None:
            await prepared.spec.permit(context, prepared.payload)
        if prepared.if_seq is not None:
            await self._check_if_seq(prepared, prepared.if_seq, batch, context)
        await prepared.spec.handler(context, prepared.payload)
        return batch.merge(prepared, context.changes)

    async def _current(self, actor: Actor, batch: Batch) -> Actor:
        """The actor with the roles they have now, also by what this batch has decided: a token only says who
        it is.
        """
        decided = batch.overlay.get("user", {}).get(actor.id)
        if decided is not None:
            return active_actor(decided, actor.session_id)
        return await self._org.actor(actor.id, actor.session_id)

    async def _check_if_seq(self, prepared: Prepared, if_seq: int, batch: Batch, context: Context) -> None:
        key = prepared.spec.about(batch.room, prepared.payload) if prepared.spec.about else None
        if key in batch.derived:
            raise CutBatch
        record = None if key is None else await context.get(*key)
        if (0 if record is None else record["seq"]) != if_seq:
            raise Conflict(current=record)
