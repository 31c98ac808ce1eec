"""What the core wants done or told.

The core itself does no input and no output: the client carries these out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from client.wire import Json

Why = Literal["connect", "renew", "unauthenticated", "expired", "roles_changed", "signed_out", "disabled"]
"""Why a token is asked for: to connect, to renew the one in use, or because of what the server said."""

State = Literal["offline", "catching_up", "live", "refused", "stopped"]
ActionState = Literal["queued", "sent", "saved", "refused", "withdrawn"]
TimerName = Literal["connect", "greeting", "farewell", "renew", "answers", "topics", "actions"]


@dataclass(frozen=True, slots=True)
class Status:
    """How current something is, and since when (seconds since 1970).

    `offline`: there is no connection. `catching_up`: connected, and the server is being asked for what is
    missing. `live`: what is shown is what the server has. `refused` (topics): the server gives no access, see
    `error`. `stopped`: nothing goes on until a new client is made; `code` says why, and is None where the
    application closed it.
    """

    state: State
    since: float
    error: Json | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One record of a topic, after and before a change; None where there is none.

    `update` is the entry that made the change, or None where a snapshot did.
    """

    kind: str
    id: str
    record: Json | None
    before: Json | None
    update: Json | None


@dataclass(frozen=True, slots=True)
class StoredAction:
    """An action as a store keeps it. `error`: it was refused, and nobody has dismissed it yet."""

    op_id: str
    type: str
    payload: Json
    if_seq: int | None = None
    error: Json | None = None

    def to_json(self) -> dict[str, Any]:
        """Without the fields that are None."""
        fields = {"op_id": self.op_id, "type": self.type, "payload": self.payload}
        more = {"if_seq": self.if_seq, "error": self.error}
        return fields | {name: value for name, value in more.items() if value is not None}

    @staticmethod
    def from_json(fields: Json) -> StoredAction:
        """What `to_json` gave. TypeError where it is none."""
        return StoredAction(**fields)


@dataclass(frozen=True, slots=True)
class QueuedAction:
    """An action on its way.

    `queued`: not sent, or not answered before the connection was lost. `sent`: without an answer yet.
    `saved`: durable on the server, see `ack`. `refused`: see `error`. `withdrawn`: taken back before it was
    sent.
    """

    action: StoredAction
    state: ActionState
    ack: Json | None = None
    error: Json | None = None


@dataclass(frozen=True, slots=True)
class AskToken:
    """Ask the application for a token; then `token_given`, `token_failed` or `token_denied`."""

    why: Why


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a new connection; then `ready`, `refused` or `lost`."""

    token: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End the connection, or the attempt; nothing more is wanted of it."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Send an event on the connection; then `answered`."""

    id: int
    event: str
    data: Json


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get a topic's snapshot by HTTP; then `fetched`."""

    id: int
    topic: str
    date: str | None


@dataclass(frozen=True, slots=True)
class Timer:
    """Call `timer` after so many seconds, instead of what this timer was set to; None: not at all."""

    name: TimerName
    after: float | None


@dataclass(frozen=True, slots=True)
class Put:
    """Keep an action in the place of the one with the same op_id."""

    action: StoredAction


@dataclass(frozen=True, slots=True)
class Remove:
    """Forget an action."""

    op_id: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Tell that records of a topic have changed."""

    topic: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Tell that the client's status has changed."""

    status: Status


@dataclass(frozen=True, slots=True)
class TopicStatusChanged:
    """Tell that a topic's status has changed."""

    topic: str
    status: Status


@dataclass(frozen=True, slots=True)
class ActionChanged:
    """Tell how far an action is."""

    action: QueuedAction


@dataclass(frozen=True, slots=True)
class Greeted:
    """Tell what the server has greeted with."""

    ready: Json


@dataclass(frozen=True, slots=True)
class Closing:
    """Tell why the server ends the connection."""

    code: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Tell who has come or gone."""

    presence: Json


Told = Changed | StatusChanged | TopicStatusChanged | ActionChanged | Greeted | Closing | PresenceChanged
"""What the application is told."""

Effect = AskToken | Connect | Disconnect | Emit | Fetch | Timer | Put | Remove | Told

Give = Callable[[Effect], None]
"""Takes one effect."""
