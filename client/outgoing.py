"""The queue of actions on their way to the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from client.effects import ActionChanged, ActionState, Give, Put, QueuedAction, Remove, StoredAction, Timer
from client.errors import QueueError
from client.pause import pause_after
from client.requests import Requests
from client.wire import Json, is_retryable

IN_FLIGHT = 32
"""The server reads on only when one of so many actions has its answer."""

MOST_QUEUED = 10_000
"""Actions that may be in the queue, those included that were refused and not dismissed."""

LARGEST = 250_000
"""Bytes of an action as it is sent. The server ends the connection at a message of more than 256 KiB, and an
action that always does so would hold back all others for ever.
"""

RETRY_AFTER = 1.0
"""Seconds to wait where an error that may go away does not say how long."""

SUBJECT = ("date", "period")
"""What else a payload is about, besides ids."""


@dataclass(eq=False, slots=True)
class Item:
    """An action of the queue. `may_be_sent`: whether the server may have it. `subject`: what its payload is
    about, as far as a client can tell.
    """

    action: StoredAction
    state: ActionState = "queued"
    is_stored: bool = False
    may_be_sent: bool = False
    subject: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.subject = {
            name: value
            for name, value in self.action.payload.items()
            if isinstance(value, str) and (name.endswith("_id") or name in SUBJECT)
        }

    def may_be_about_the_same_as(self, other: Item) -> bool:
        """No field that both have says otherwise."""
        theirs = other.subject
        return all(theirs.get(name, value) == value for name, value in self.subject.items())

    def told(self) -> QueuedAction:
        """As the application sees it."""
        return QueuedAction(self.action, self.state, error=self.action.error)


class Outgoing:
    """Sends actions in the order in which they were queued, each until it has its answer.

    An action is sent once it is stored. Up to 32 are without an answer, and none of them may be about the
    same as another: so an action that has to be sent again is never overtaken by a later one about the same.
    """

    def __init__(self, give: Give, requests: Requests, random: Callable[[], float]) -> None:
        self._give = give
        self._requests = requests
        self._random = random
        self._items: dict[str, Item] = {}
        self._is_open = False
        self._is_paused = False
        self._failures = 0

    @property
    def actions(self) -> list[QueuedAction]:
        """What is stored and on its way or refused, in the order of queueing."""
        return [item.told() for item in self._items.values() if item.is_stored]

    def enqueue(self, action: StoredAction) -> None:
        """Give an action its place at the end. It counts as queued once `stored` says that it is kept.

        QueueError.
        """
        if action.op_id in self._items:
            raise QueueError(f"{action.op_id} is in the queue already")
        if len(self._items) >= MOST_QUEUED:
            raise QueueError(f"{MOST_QUEUED} actions are in the queue already")
        _check_readable(action)
        self._items[action.op_id] = Item(action)

    def restore(self, actions: Sequence[StoredAction]) -> None:
        """Actions that a store has kept from before, in their order; those here already are left out."""
        for action in actions:
            if action.op_id in self._items:
                continue
            item = Item(action, "queued" if action.error is None else "refused", is_stored=True)
            item.may_be_sent = True
            self._items[action.op_id] = item
            self._tell(item)
        self._send()

    def stored(self, op_id: str) -> None:
        """The store has the action: it may be sent."""
        item = self._items.get(op_id)
        if item is None or item.is_stored:
            return
        item.is_stored = True
        self._tell(item)
        self._send()

    def unstored(self, op_id: str) -> None:
        """The store could not take the action: it is as if it had never been queued."""
        item = self._items.get(op_id)
        if item is not None and not item.is_stored:
            del self._items[op_id]
        self._send()

    def dismiss(self, op_id: str) -> None:
        """Forget an action that was refused; nothing happens to any other."""
        item = self._items.get(op_id)
        if item is None or item.state != "refused":
            return
        del self._items[op_id]
        self._give(Remove(op_id))

    def may_withdraw(self, op_id: str) -> bool:
        """Whether neither this client nor, as far as is known, an earlier one has sent the action."""
        item = self._items.get(op_id)
        return item is not None and item.is_stored and not item.may_be_sent

    def withdraw(self, op_id: str) -> bool:
        """Take back an action that was never sent: it will not be. False: it may have been, and nothing is
        changed.
        """
        if not self.may_withdraw(op_id):
            return False
        item = self._items.pop(op_id)
        self._give(Remove(op_id))
        self._move(item, "withdrawn")
        self._send()
        return True

    def opened(self) -> None:
        """There is a connection."""
        self._is_open = True
        self._send()

    def closing(self) -> None:
        """The server reads nothing more from this connection; it may still answer."""
        self._is_open = False

    def lost(self) -> None:
        """The connection is gone: what has no answer yet is sent again on the next one."""
        self._is_open = False
        for item in self._items.values():
            if item.state == "sent":
                self._move(item, "queued")

    def again(self) -> None:
        """The pause after a failure is over."""
        self._is_paused = False
        self._send()

    def _send(self) -> None:
        if not self._is_open or self._is_paused:
            return
        before: list[Item] = []
        for item in self._items.values():
            if item.state == "refused":
                continue
            if len(before) == IN_FLIGHT:
                return
            if item.state == "queued":
                if not item.is_stored or any(item.may_be_about_the_same_as(other) for other in before):
                    return
                self._send_one(item)
            before.append(item)

    def _send_one(self, item: Item) -> None:
        action = item.action
        envelope: dict[str, Any] = {"type": action.type, "payload": action.payload, "op_id": action.op_id}
        if action.if_seq is not None:
            envelope["if_seq"] = action.if_seq

        def answered(answer: Any) -> None:
            self._take(item, answer)
            self._send()

        item.may_be_sent = True
        self._move(item, "sent")
        self._requests.send("action", envelope, answered)

    def _take(self, item: Item, answer: Json) -> None:
        if answer["ok"]:
            self._failures = 0
            del self._items[item.action.op_id]
            self._give(Remove(item.action.op_id))
            self._give(ActionChanged(QueuedAction(item.action, "saved", ack=answer)))
        elif is_retryable(answer["error"]):
            self._move(item, "queued")
            self._pause(answer["error"])
        else:
            self._failures = 0
            self._refuse(item, answer["error"])

    def _pause(self, error: Json) -> None:
        if self._is_paused:
            return
        self._is_paused = True
        after = error.get("retry_after", RETRY_AFTER) + pause_after(self._failures, self._random)
        self._failures += 1
        self._give(Timer("actions", after))

    def _refuse(self, item: Item, error: Json) -> None:
        item.action = replace(item.action, error=error)
        self._give(Put(item.action))
        self._move(item, "refused")

    def _move(self, item: Item, state: ActionState) -> None:
        item.state = state
        self._tell(item)

    def _tell(self, item: Item) -> None:
        self._give(ActionChanged(item.told()))


def _check_readable(action: StoredAction) -> None:
    """QueueError for what the server could not read, and what would therefore be sent again for ever: what is
    no JSON, such as NaN or half an emoji, and what is too large.
    """
    fields = action.to_json()
    try:
        json.dumps(fields, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise QueueError(f"the action cannot be sent: {error}") from None
    if len(json.dumps(fields)) > LARGEST:
        raise QueueError(f"the action has more than {LARGEST} bytes")
