"""The envelope of an action, the same at both doors: `{type, payload, op_id, if_seq?}`."""

from __future__ import annotations

from models.action import Action
from models.actor import Actor
from models.errors import Invalid

MEMBERS = frozenset({"type", "payload", "op_id", "if_seq"})


def action_from(envelope: object, actor: Actor) -> Action:
    """The action in an envelope. Invalid for what is none; the dispatcher checks the values."""
    if not isinstance(envelope, dict):
        raise Invalid("An action is an object {type, payload, op_id, if_seq?}.")
    unknown = envelope.keys() - MEMBERS
    if unknown:
        raise Invalid.field(min(map(str, unknown)), "is not a field of an action")
    return Action(
        envelope.get("type"), envelope.get("payload"), envelope.get("op_id"), actor, envelope.get("if_seq")
    )


def op_id_of(envelope: object) -> object:
    """What the client sent as op_id, whatever else is wrong with the envelope."""
    return envelope.get("op_id") if isinstance(envelope, dict) else None
