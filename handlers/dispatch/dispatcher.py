"""The dispatcher: the one way from a door to a committer. Known type → rate limit → schema → room of the
action.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from marshmallow import ValidationError

from handlers.dispatch import policy
from handlers.dispatch.answers import RETRY_AFTER
from handlers.dispatch.batch import Prepared
from handlers.dispatch.committers import Committers
from handlers.dispatch.registry import ActionSpec, Registry
from handlers.dispatch.rooms import Rooms
from models.action import Ack, Action, Payload
from models.actor import SYSTEM, Actor
from models.errors import Invalid, Unavailable
from models.journal import ORG
from models.ports import Limiter, Passwords, StorageLost
from models.schema import ID, invalid_from

BUDGET = "actions"


class Dispatcher:
    """Takes actions from the doors."""

    def __init__(
        self,
        *,
        registry: Registry,
        committers: Committers,
        rooms: Rooms,
        limiter: Limiter,
        passwords: Passwords,
        shown: Callable[[int], Awaitable[None]],
    ) -> None:
        self._registry = registry
        self._committers = committers
        self._rooms = rooms
        self._limiter = limiter
        self._passwords = passwords
        self._shown = shown

    async def run(self, action: Action) -> Ack:
        """Prepare, submit, and wait for the answer. Raises the RollcallError of a rejection."""
        return await self.submit(await self.prepare(action))

    async def run_internal(self, type: str, payload: Payload, actor: Actor = SYSTEM) -> Ack:
        """Run an action that no client can send, such as `user.login`. It carries no op_id: its handler
        must be idempotent by itself.
        """
        spec = self._registry.get(type)
        if spec is None:
            raise LookupError(f"there is no action {type!r}")
        room = await spec.room(self._rooms, payload, actor)
        return await self.submit(Prepared(spec, payload, actor, room, None, None))

    async def prepare(self, action: Action) -> Prepared:
        """Everything that needs no order: raises Invalid, RateLimited, Forbidden, NotFound or Unavailable."""
        spec = self._registry.get(action.type)
        if spec is None or spec.internal:
            raise Invalid.field("type", "is not the name of an action")
        self._limiter.spend(BUDGET, action.actor.id)
        _check_envelope(action, spec)
        try:
            payload = spec.schema.load(action.payload)
        except ValidationError as error:
            raise invalid_from(error) from None
        try:
            room = await spec.room(self._rooms, payload, action.actor)
        except StorageLost:
            raise Unavailable(retry_after=RETRY_AFTER) from None
        if spec.prepare is not None:
            policy.check(spec, action.actor, room, payload)
            await spec.prepare(payload, self._passwords)
        return Prepared(spec, payload, action.actor, room, action.op_id, action.if_seq)

    def submit(self, prepared: Prepared) -> asyncio.Future[Ack]:
        """Put the action in its room's order. The future raises the RollcallError of a rejection.

        The answer to an `org` action is given once the rooms of the school or team show it too, so that
        what its author does next there sees it.
        """
        answer = self._committers.submit(prepared)
        if prepared.room == ORG and not prepared.spec.internal:
            return asyncio.ensure_future(self._once_shown(answer))
        return answer

    async def _once_shown(self, answer: asyncio.Future[Ack]) -> Ack:
        ack = await answer
        await self._shown(ack.seq)
        return ack


def _check_envelope(action: Action, spec: ActionSpec) -> None:
    if not isinstance(action.op_id, str) or not ID.match(action.op_id):
        raise Invalid.field(
            "op_id", "is required: 1 to 64 of A-Z a-z 0-9 _ -, chosen by you, new for each action"
        )
    if not isinstance(action.payload, dict):
        raise Invalid.field("payload", "must be an object")
    if action.if_seq is None:
        return
    if isinstance(action.if_seq, bool) or not isinstance(action.if_seq, int) or action.if_seq < 0:
        raise Invalid.field("if_seq", "must be a whole number, 0 or more")
    if spec.about is None:
        raise Invalid.field("if_seq", f"does not apply to {spec.type}, which is about several records")
