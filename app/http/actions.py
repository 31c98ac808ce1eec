"""Actions: the one way to write, one at a time or many."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from marshmallow import INCLUDE, fields, validate

from app.http.answer import error_answer
from app.http.call import Call
from app.http.route import Answer, named, route
from handlers.dispatch.answers import refusal
from handlers.dispatch.batch import Prepared
from handlers.dispatch.envelope import action_from, op_id_of
from models.action import Ack
from models.errors import Forbidden, NotFound
from models.schema import LIST_LENGTH, Payload

TAG = "actions"


class EnvelopeBody(Payload):
    """An action: `{type, payload, op_id, if_seq?}`. It is checked where one that comes by the socket is."""

    class Meta(Payload.Meta):
        unknown = INCLUDE


class BatchBody(Payload):
    """Up to 500 actions, in the order in which they are decided."""

    actions = fields.List(
        fields.Raw(allow_none=True),
        required=True,
        validate=validate.Length(max=LIST_LENGTH, error="must have at most {max} items"),
    )


@route(
    "POST",
    "/api/actions",
    "Do something",
    returns="The ack: the record that the action is about, and its seq.",
    access="by the action and the role",
    tag=TAG,
    body=EnvelopeBody,
    shape=named("Ack"),
)
async def act(call: Call) -> Answer:
    """Run one action."""
    try:
        action = action_from(call.sent, call.actor)
        return (await call.core.dispatcher.run(action)).to_wire()
    except Exception as error:  # noqa: BLE001 - a door answers every error
        return error_answer(*refusal(error, op_id_of(call.sent), call.request_id))


@route(
    "POST",
    "/api/actions/batch",
    "Do many things",
    returns="`results`: the ack or the refusal of each action, in order. One that is refused harms no other.",
    access="by the action and the role",
    tag=TAG,
    body=BatchBody,
    shape={
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": {"oneOf": [named("Ack"), named("Refusal")]}},
        },
        "required": ["results"],
    },
)
async def act_batch(call: Call) -> Answer:
    """Run many actions, which share commits where they share a room; another room's turn comes after it."""
    flight = Flight()
    outcomes: list[asyncio.Future[Ack] | Exception] = []
    for envelope in call.body["actions"]:
        try:
            prepared = await _prepared(call, envelope, flight)
            if prepared.room != flight.room:
                await flight.landed()
                flight.room = prepared.room
            answer = call.core.dispatcher.submit(prepared)
            flight.answers.append(answer)
            outcomes.append(answer)
        except Exception as error:  # noqa: BLE001 - a door answers every error
            outcomes.append(error)
    pairs = zip(call.body["actions"], outcomes, strict=True)
    return {"results": [await _result(call, envelope, outcome) for envelope, outcome in pairs]}


@dataclass(slots=True)
class Flight:
    """The actions of a batch that are being decided, all in one room."""

    room: str = ""
    answers: list[asyncio.Future[Ack]] = field(default_factory=list)

    async def landed(self) -> None:
        """Return when all are answered."""
        if self.answers:
            await asyncio.wait(self.answers)
        self.answers.clear()


async def _prepared(call: Call, envelope: Any, flight: Flight) -> Prepared:
    """The action, ready for its room. One before it may make what it names, and is then waited for."""
    action = action_from(envelope, call.actor)
    try:
        return await call.core.dispatcher.prepare(action)
    except (NotFound, Forbidden):
        if not flight.answers:
            raise
        await flight.landed()
        return await call.core.dispatcher.prepare(action)


async def _result(call: Call, envelope: Any, outcome: asyncio.Future[Ack] | Exception) -> dict[str, Any]:
    try:
        if isinstance(outcome, Exception):
            raise outcome
        return (await outcome).to_wire()
    except Exception as error:  # noqa: BLE001 - a door answers every error
        return refusal(error, op_id_of(envelope), call.request_id)[1]
