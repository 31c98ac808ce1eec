"""The registry: one decorator ties an action's name, schema, room, policy and function together.

Everything else about an action is made from here: its socket event, its REST form, its OpenAPI and AsyncAPI
entries.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.action import Payload
from models.actor import Actor
from models.ports import Passwords
from models.record import RecordKey
from models.schema import Payload as PayloadSchema

if TYPE_CHECKING:
    from handlers.dispatch.context import Context
    from handlers.dispatch.rooms import Rooms

Handler = Callable[["Context", Payload], Awaitable[None]]
Permit = Callable[["Context", Payload], Awaitable[None]]
RoomOf = Callable[["Rooms", Payload, Actor], Awaitable[str]]
KeyOf = Callable[[str, Payload], RecordKey | None]
KeysOf = Callable[[str, Payload], Sequence[RecordKey]]
Prepare = Callable[[Payload, Passwords], Awaitable[None]]
ScopesOf = Callable[[str, Payload], Sequence[str]]
SchemaClass = type[PayloadSchema]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """All that the core knows of an action.

    `room`: finds the action's room, or raises what the actor may know about why there is none.
    `roles`: who may do it, in one of the `scopes`; empty: nobody from outside (an internal action).
    `permit`: what records must say beyond that; raises Forbidden or NotFound before anything else is told.
    `about`: the record that the action is about, for `if_seq`; None where it is about several. It finds no
    key for a new record.
    `named`: the record whose own id names the room, where the action is about several.
    `reads`: records the handler is sure to read, fetched for a whole batch in one look.
    `prepare`: slow work on the payload before the room's turn, such as hashing a password.
    `many`: the ack's `data` is a list. `hidden`: out of reach is `not_found`, because the record is named
    by its own id.
    """

    type: str
    schema: PayloadSchema
    handler: Handler
    room: RoomOf
    roles: frozenset[str]
    scopes: ScopesOf
    permit: Permit | None
    about: KeyOf | None
    named: KeyOf | None
    reads: KeysOf
    many: bool
    hidden: bool
    prepare: Prepare | None
    summary: str

    @property
    def internal(self) -> bool:
        return not self.roles


class Registry:
    """The actions of an application, by type."""

    def __init__(self) -> None:
        self._specs: dict[str, ActionSpec] = {}

    def add(self, spec: ActionSpec) -> None:
        if spec.type in self._specs:
            raise ValueError(f"the action {spec.type!r} is declared twice")
        self._specs[spec.type] = spec

    def get(self, type: object) -> ActionSpec | None:
        """The action of this type, or None where there is none."""
        return self._specs.get(type) if isinstance(type, str) else None

    def public(self) -> list[ActionSpec]:
        """The actions that clients may send, by name."""
        return [spec for _, spec in sorted(self._specs.items()) if not spec.internal]


ACTIONS = Registry()


def _only_the_room(room: str, payload: Payload) -> Sequence[str]:
    return ("org", room)


def _nothing(room: str, payload: Payload) -> Sequence[RecordKey]:
    return ()


def action(
    type: str,
    *,
    schema: SchemaClass,
    room: RoomOf,
    roles: Sequence[str] = (),
    scopes: ScopesOf = _only_the_room,
    permit: Permit | None = None,
    about: KeyOf | None = None,
    named: KeyOf | None = None,
    reads: KeysOf = _nothing,
    many: bool = False,
    hidden: bool = False,
    prepare: Prepare | None = None,
    registry: Registry = ACTIONS,
) -> Callable[[Handler], Handler]:
    """Declare a handler. Its docstring's first paragraph is the action's summary in the API documents."""

    def declare(handler: Handler) -> Handler:
        summary = " ".join((inspect.getdoc(handler) or type).partition("\n\n")[0].split())
        registry.add(
            ActionSpec(
                type=type,
                schema=schema(),
                handler=handler,
                room=room,
                roles=frozenset(roles),
                scopes=scopes,
                permit=permit,
                about=about,
                named=named,
                reads=reads,
                many=many,
                hidden=hidden,
                prepare=prepare,
                summary=summary,
            )
        )
        return handler

    return declare
