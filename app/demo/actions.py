"""Runs actions of the demo: like a client's, with all their rules, but without rate limits."""

from __future__ import annotations

from typing import Any

from handlers.core import Core
from handlers.dispatch.batch import Prepared
from handlers.dispatch.registry import ACTIONS
from models.action import Ack
from models.actor import SYSTEM, Actor


async def act(
    core: Core, type: str, payload: dict[str, Any], *, actor: Actor = SYSTEM, op_id: str | None = None
) -> Ack:
    """The answer to the action. RollcallError of a rejection; StorageLost.

    With an `op_id` and an actor who is a user it has one effect, however often it is run.
    """
    spec = ACTIONS.get(type)
    if spec is None:
        raise LookupError(f"there is no action {type!r}")
    loaded = spec.schema.load(payload)
    room = await spec.room(core.rooms, loaded, actor)
    return await core.dispatcher.submit(Prepared(spec, loaded, actor, room, op_id, None))
