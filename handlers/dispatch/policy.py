"""May this actor do this here, now? Deny by default; the same check for both doors, at the moment of the
decision.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from handlers.dispatch.registry import ActionSpec
from models.action import Payload
from models.actor import EVERYBODY, Actor
from models.errors import Forbidden, NotFound

ANYWHERE = "anywhere"
"""Stands for every scope, where the action's `permit` says how far a role reaches."""


def class_scopes(room: str, payload: Payload) -> Sequence[str]:
    """Where roles count for an action on one class: everywhere, in its school, in the class itself."""
    return ("org", room, f"class:{payload['class_id']}")


def school_scopes(room: str, payload: Payload) -> Sequence[str]:
    """Where roles count for an `org` action on one school."""
    return ("org", f"school:{payload['school_id']}")


def team_scopes(room: str, payload: Payload) -> Sequence[str]:
    """Where roles count for an `org` action on one team."""
    return ("org", f"team:{payload['team_id']}")


def every_scope(room: str, payload: Payload) -> Sequence[str]:
    """Roles count wherever they are held: for actions whose `permit` says how far a role reaches."""
    return (ANYWHERE,)


def check(spec: ActionSpec, actor: Actor, room: str, payload: Payload) -> Set[str]:
    """The roles that the actor holds in the action's scopes, one of which allows it.

    Forbidden otherwise; NotFound where the record is named by its own id and the actor has no role on its
    scopes at all.
    """
    scopes = spec.scopes(room, payload)
    held = {role for role, _ in actor.roles} if ANYWHERE in scopes else actor.roles_in(scopes)
    if not held.isdisjoint(spec.roles) or EVERYBODY in spec.roles or spec.internal:
        return held
    if held:
        names = ", ".join(sorted(held))
        raise Forbidden(f"{spec.type} is not allowed for the role {names}.")
    if spec.hidden:
        named = spec.about or spec.named
        kind, id = (named and named(room, payload)) or ("record", "")
        raise NotFound(f"There is no {kind} {id}.".replace(" .", "."))
    raise Forbidden(
        "You have no role anywhere." if ANYWHERE in scopes else f"You have no role on {scopes[-1]}."
    )
