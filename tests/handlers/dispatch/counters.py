"""A noun as small as it can be, to test the dispatch with: counters that are added to, and their total."""

from __future__ import annotations

from collections.abc import Sequence

from marshmallow import fields

from handlers.dispatch.context import Context
from handlers.dispatch.registry import Registry, action
from handlers.dispatch.rooms import Rooms, room_of_school
from models.action import Payload
from models.actor import EVERYBODY, Actor
from models.errors import Invalid
from models.journal import Record
from models.ports import Passwords
from models.query import query
from models.record import RecordKey, record_kind
from models.schema import Id
from models.schema import Payload as PayloadSchema

COUNTERS = Registry()

TEST_KINDS = {"counter", "total"}
"""Kinds that are declared here: of no use to the product."""

record_kind("counter", indexes=(("room", "parity"),))
record_kind("total")


class Add(PayloadSchema):
    """What to add to a counter."""

    school_id = Id(required=True)
    counter_id = Id(required=True)
    by = fields.Integer(required=True, strict=True)


def _counter(room: str, payload: Payload) -> RecordKey:
    return ("counter", payload["counter_id"])


def _reads(room: str, payload: Payload) -> Sequence[RecordKey]:
    return (_counter(room, payload), ("total", "all"))


@action(
    "counter.add",
    schema=Add,
    room=room_of_school,
    roles=(EVERYBODY,),
    about=_counter,
    reads=_reads,
    registry=COUNTERS,
)
async def add(ctx: Context, payload: Payload) -> None:
    """Add to a counter; a counter never goes below zero."""
    value = await _added(ctx, payload)
    if value < 0:
        raise Invalid.field("by", f"would make the counter {value}")
    if payload["by"] == 666:
        raise RuntimeError("a mistake in the handler")


async def _added(ctx: Context, payload: Payload) -> int:
    counter = await ctx.get(*_counter(ctx.room, payload))
    total = await ctx.get("total", "all")
    value = (counter or {"value": 0})["value"] + payload["by"]
    ctx.put(_record(payload["counter_id"], value))
    ctx.derive(
        "counter.total",
        {"kind": "total", "id": "all", "value": (total or {"value": 0})["value"] + payload["by"]},
    )
    return int(value)


def _record(id: str, value: int) -> Record:
    return {"kind": "counter", "id": id, "value": value, "parity": value % 2}


class Compare(PayloadSchema):
    """Which counters to look at, in order."""

    school_id = Id(required=True)
    counter_ids = fields.List(Id(), required=True)


@action(
    "counter.compare",
    schema=Compare,
    room=room_of_school,
    roles=(EVERYBODY,),
    reads=lambda room, payload: [("total", "all")],
    registry=COUNTERS,
)
async def compare(ctx: Context, payload: Payload) -> None:
    """Put the total as it is. No counter can be above it, unless they were read at different times."""
    total = await ctx.get("total", "all") or {"kind": "total", "id": "all", "value": 0}
    for id in payload["counter_ids"]:
        counter = await ctx.get("counter", id)
        if counter is not None and counter["value"] > total["value"]:
            raise RuntimeError(f"{id} is above the total")
    if not payload["counter_ids"]:
        raise Invalid.field("counter_ids", "must not be empty")
    ctx.put(dict(total))


@action(
    "counter.remove", schema=Add, room=room_of_school, roles=(EVERYBODY,), about=_counter, registry=COUNTERS
)
async def remove(ctx: Context, payload: Payload) -> None:
    """Delete a counter."""
    counter = await ctx.get(*_counter(ctx.room, payload))
    if counter is None:
        raise Invalid.field("counter_id", "is not there")
    ctx.delete(counter)


@action(
    "counter.reset_odd", schema=Add, room=room_of_school, roles=(EVERYBODY,), many=True, registry=COUNTERS
)
async def reset_odd(ctx: Context, payload: Payload) -> None:
    """Set every odd counter to zero."""
    for counter in await ctx.find(query("counter", parity=1)):
        ctx.put(_record(counter["id"], 0))


@action(
    "total.check",
    schema=Add,
    room=room_of_school,
    roles=(EVERYBODY,),
    about=lambda r, p: ("total", "all"),
    registry=COUNTERS,
)
async def check(ctx: Context, payload: Payload) -> None:
    """Put the total as it is."""
    total = await ctx.get("total", "all") or {"kind": "total", "id": "all", "value": 0}
    ctx.put(dict(total))


async def _slow(payload: Payload, passwords: Passwords) -> None:
    payload["hash"] = await passwords.hash("correct horse battery")


@action("counter.secret", schema=Add, room=room_of_school, roles=("admin",), prepare=_slow, registry=COUNTERS)
async def secret(ctx: Context, payload: Payload) -> None:
    """Keep a password hash beside a counter."""
    ctx.set_password_hash(ctx.actor.id, payload["hash"])
    ctx.put(_record(payload["counter_id"], 1))


async def room_from_payload(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The room is in the payload: for what only tests do."""
    return str(payload["room"])


class Given(PayloadSchema):
    """Any record, into any room."""

    room = fields.String(required=True)
    record = fields.Dict(required=True)


@action("kit.put", schema=Given, room=room_from_payload, registry=COUNTERS)
async def put(ctx: Context, payload: Payload) -> None:
    """Put a record as it is."""
    ctx.put(dict(payload["record"]))
