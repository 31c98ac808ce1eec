"""The envelope that a client sends an action in, the same at both doors: `{type, payload, op_id, if_seq?}`."""

from __future__ import annotations

from models.action import Action
from models.actor import Actor
from models.errors import Invalid

ENVELOPE = ("type", "payload", "op_id", "if_seq")


def action_from(body: object, actor: Actor) -> Action:
    """The action of an envelope. Invalid for what is no object or has other members; the dispatcher checks their values."""
    if not isinstance(body, dict):
        raise Invalid("An action must be an object: {type, payload, op_id}.")
    unknown = [name for name in body if name not in ENVELOPE]
    if unknown:
        known = ", ".join(ENVELOPE)
        message = f"{unknown[0]}: is not part of an action; its members are {known}"
        raise Invalid(message, fields={str(name): ["is not part of an action"] for name in unknown})
    return Action(body.get("type"), body.get("payload"), body.get("op_id"), actor, body.get("if_seq"))


def op_id_of(body: object) -> object:
    """The op_id that an answer to this envelope names, whatever else is wrong with it."""
    return body.get("op_id") if isinstance(body, dict) else None
