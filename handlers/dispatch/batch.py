"""Deciding a batch: each action in order against the room's records, into the entries of one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handlers.dispatch import policy
from handlers.dispatch.context import Context, View
from handlers.dispatch.org import OrgView, active_actor
from handlers.dispatch.registry import ActionSpec, Registry
from handlers.dispatch.room_state import RoomState
from handlers.dispatch.rooms import Rooms
from models.action import Ack, Payload
from models.actor import SYSTEM, Actor
from models.clock import rfc3339
from models.errors import Conflict
from models.journal import Commit, Entry, Op, Record
from models.ports import Ids, Storage
from models.record import RecordKey, topics_of

PUSHED = 1_000
"""Entries of one action that viewers are sent one by one. The commit of one with more is `bulk`: its updates
could be more than may wait for a client."""


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

    head: int
    view: View
    entries: list[Entry] = field(default_factory=list)
    derived: dict[RecordKey, tuple[str, Record]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    acks: dict[Op, Ack] = field(default_factory=dict)
    bulk: bool = False

    @property
    def next_seq(self) -> int:
        return self.head + len(self.entries) + 1

    def merge(self, prepared: Prepared, context: Context) -> Ack:
        """Take in an accepted action's changes and build its answer."""
        first = len(self.entries)
        by = None if prepared.actor is SYSTEM else prepared.actor.id
        for type, record in context.own:
            self.derived.pop((record["kind"], record["id"]), None)
            self._append(type, record, by, prepared.op_id)
        self.derived.update(context.derived)
        self.bulk |= len(context.own) + len(context.derived) > PUSHED
        overlay = self.view.overlay
        for (kind, id), record in context.touched.items():
            if kind not in overlay:
                overlay[kind] = {}
            overlay[kind][id] = record
        if context.passwords:
            self.passwords.update(context.passwords)
        own, many = self.entries[first:], prepared.spec.many
        ack = answer(prepared.op_id, self.view.room, self.head, own, many=many)
        if prepared.op is not None:
            self.acks[prepared.op] = ack
        return ack

    def commit(self, epoch: str) -> Commit | None:
        """The commit of everything decided, derived records last; None if there is nothing to write."""
        for type, record in self.derived.values():
            self._append(type, record, None, None)
        self.derived.clear()
        if not self.entries:
            return None
        return Commit(self.view.room, epoch, tuple(self.entries), bulk=self.bulk)

    def _append(self, type: str, record: Record, by: str | None, op_id: str | None) -> None:
        room = self.view.room
        seq = record["seq"] = self.next_seq
        self.entries.append(Entry(room, seq, type, record, by, self.view.at, op_id, topics_of(room, record)))


def answer(
    op_id: str | None,
    room: str,
    head: int,
    entries: Sequence[Entry],
    *,
    many: bool,
    duplicate: bool = False,
) -> Ack:
    """The ack of an accepted action, from its own entries, just decided or read from the journal.

    `many`: its data is all records, not only the first. Without entries the data is empty, and `head` is the
    seq.
    """
    records = [entry.data for entry in entries]
    seq = entries[-1].seq if entries else head
    data: Record | list[Record] = records if many else records[0] if records else {}
    return Ack(op_id, room, seq, data, duplicate=duplicate)


class Decider:
    """Decides one action after the other: policy, permit, `if_seq`, handler."""

    def __init__(self, storage: Storage, org: OrgView, rooms: Rooms, ids: Ids, registry: Registry) -> None:
        self._storage = storage
        self._org = org
        self._rooms = rooms
        self._ids = ids
        self._registry = registry

    def begin(self, room: str, head: int, now: datetime, state: RoomState) -> Batch:
        """An empty batch on top of what is known of the room."""
        view = View(room, now, rfc3339(now), self._storage, self._org, self._rooms, self._ids, state)
        return Batch(head, view)

    async def decide(self, prepared: Prepared, batch: Batch, answers: Mapping[Op, Sequence[Entry]]) -> Ack:
        """The answer of one action, its changes merged into the batch. `answers`: of ops that are known to
        be in the journal.

        Raises the RollcallError of a rejection, which leaves the batch as it was; CutBatch; StorageLost.
        """
        op = prepared.op
        if op is not None:
            if op in batch.acks:
                earlier = batch.acks[op]
                return Ack(earlier.op_id, earlier.room, earlier.seq, earlier.data, duplicate=True)
            if op in answers:
                return self._answer_again(op[1], batch, answers[op])
        spec, payload = prepared.spec, prepared.payload
        actor = self._org.known_actor(prepared.actor)
        if actor is None or "user" in batch.view.overlay:
            actor = await self._current(prepared.actor, batch)
        roles = policy.check(spec, actor, batch.view.room, payload)
        context = Context(spec.type, actor, roles, batch.view, batch.next_seq)
        if spec.permit is not None:
            await spec.permit(context, payload)
        if prepared.if_seq is not None:
            await self._check_if_seq(prepared, prepared.if_seq, batch, context)
        await spec.handler(context, payload)
        return batch.merge(prepared, context)

    def _answer_again(self, op_id: str, batch: Batch, entries: Sequence[Entry]) -> Ack:
        """The answer that an op_id already got, rebuilt from the journal."""
        spec = self._registry.get(entries[0].type)
        many = spec is not None and spec.many
        return answer(op_id, batch.view.room, batch.head, entries, many=many, duplicate=True)

    async def _current(self, actor: Actor, batch: Batch) -> Actor:
        """The actor with the roles they have now, also by what this batch has decided: a token only says who
        it is.
        """
        users = batch.view.overlay.get("user")
        if users is not None and (decided := users.get(actor.id)) is not None:
            return active_actor(decided, actor.session_id)
        return await self._org.actor(actor.id, actor.session_id)

    async def _check_if_seq(self, prepared: Prepared, if_seq: int, batch: Batch, context: Context) -> None:
        key = prepared.spec.about(batch.view.room, prepared.payload) if prepared.spec.about else None
        if key in batch.derived:
            raise CutBatch
        record = None if key is None else await context.get(*key)
        if (0 if record is None else record["seq"]) != if_seq:
            raise Conflict(current=record)
