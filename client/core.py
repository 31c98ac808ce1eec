"""The rules of a client, without input and output: what happens goes in, what is to be done comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from client.effects import (
    Effect,
    PresenceChanged,
    QueuedAction,
    State,
    Status,
    StatusChanged,
    StoredAction,
    TimerName,
)
from client.link import Link
from client.outgoing import Outgoing
from client.requests import Requests
from client.topic_records import TopicRecords
from client.topics import Topics
from client.wire import Json, Token


class Core:
    """Call what has happened, then carry out what `take` gives, in its order.

    `user` is the id of the user who acts; a token of somebody else stops the client. `random` gives numbers
    from 0 to 1, `now` seconds since 1970. The JavaScript client has the same core, and both pass the
    scenarios in tests/client/scenarios.json.
    """

    def __init__(self, *, user: str, random: Callable[[], float], now: Callable[[], float]) -> None:
        self._effects: list[Effect] = []
        give = self._give
        self._now = now
        self._requests = Requests(give)
        self._topics = Topics(give, self._requests, random, now)
        self._outgoing = Outgoing(give, self._requests, random)
        self._link = Link(user, give, self._requests, random, now)
        self.status = Status("offline", now())

    def take(self) -> list[Effect]:
        """What is to be done since the last call."""
        self._update_status()
        effects, self._effects = self._effects, []
        return effects

    @property
    def token(self) -> str | None:
        """The newest token; None before there is one."""
        return self._link.token

    @property
    def actions(self) -> list[QueuedAction]:
        """What is on its way or was refused, in the order of queueing."""
        return self._outgoing.actions

    def records(self, topic: str) -> TopicRecords | None:
        """A topic's records; None where it was not subscribed to."""
        return self._topics.records(topic)

    # -- what the application does

    def start(self) -> None:
        """Begin to connect."""
        self._link.start()

    def stop(self) -> None:
        """End for good."""
        self._while_link_changes(self._link.stop)

    def token_given(self, token: Token) -> None:
        """The application has given a token."""
        self._link.token_given(token)

    def token_failed(self) -> None:
        """The application could not get a token now."""
        self._link.token_failed()

    def token_denied(self) -> None:
        """The application has no token any more."""
        self._link.token_denied()

    def subscribe(self, topic: str, date: str | None, *, fetch: bool) -> None:
        """Keep a topic current from now on; the server is asked for it by `flush`."""
        self._topics.subscribe(topic, date, fetch=fetch)

    def flush(self) -> None:
        """The turn is over in which something was subscribed to."""
        self._topics.flush()

    def unsubscribe(self, topic: str) -> None:
        """End a subscription."""
        self._topics.unsubscribe(topic)

    def enqueue(self, action: StoredAction) -> None:
        """Give an action its place in the queue; then `stored` or `unstored`. QueueError."""
        self._outgoing.enqueue(action)

    def dismiss(self, op_id: str) -> None:
        """Forget a refused action."""
        self._outgoing.dismiss(op_id)

    def may_withdraw(self, op_id: str) -> bool:
        """Whether `withdraw` would take the action back."""
        return self._outgoing.may_withdraw(op_id)

    def withdraw(self, op_id: str) -> bool:
        """Take back an action that was never sent; False: it may have been."""
        return self._outgoing.withdraw(op_id)

    def call(self, event: str, data: Json, answered: Callable[[Any], None], lost: Callable[[], None]) -> bool:
        """Send any other event; False: there is no connection. Exactly one of the functions is called."""
        if self._link.state != "open":
            return False
        self._requests.send(event, data, answered, lost)
        return True

    # -- what the store does

    def restore(self, actions: Sequence[StoredAction]) -> None:
        """Actions that were kept from before."""
        self._outgoing.restore(actions)

    def stored(self, op_id: str) -> None:
        """An action is kept."""
        self._outgoing.stored(op_id)

    def unstored(self, op_id: str) -> None:
        """An action could not be kept."""
        self._outgoing.unstored(op_id)

    # -- what the connection does

    def ready(self, ready: Json) -> None:
        """The server has greeted the connection."""
        self._while_link_changes(lambda: self._link.ready(ready))

    def refused(self, code: str) -> None:
        """The server has refused the connection."""
        self._link.refused(code)

    def closing(self, code: str) -> None:
        """The server is about to end the connection."""
        self._link.closing(code)
        if self._link.state == "closing":
            self._outgoing.closing()

    def lost(self) -> None:
        """The connection is gone, or could not be made."""
        self._while_link_changes(self._link.lost)

    def online(self) -> None:
        """The device has a network again."""
        self._link.online()

    def answered(self, id: int, answer: Any) -> None:
        """The answer to an event has come."""
        self._requests.answered(id, answer)

    def fetched(self, id: int, snapshot: Json | None) -> None:
        """A snapshot has come by HTTP; None: that was not possible."""
        self._requests.answered(id, snapshot)

    def update(self, update: Json) -> None:
        """The server has pushed an update."""
        self._topics.update(update)

    def resync(self, topic: str) -> None:
        """The server has left out entries of a topic."""
        self._topics.resync(topic)

    def presence(self, presence: Json) -> None:
        """Somebody has come or gone."""
        self._give(PresenceChanged(presence))

    def timer(self, name: TimerName) -> None:
        """A timer has run down."""
        match name:
            case "connect":
                self._link.connect()
            case "greeting" | "farewell":
                self._while_link_changes(self._link.drop)
            case "renew":
                self._link.renew_due()
            case "answers":
                if self._requests.is_overdue():
                    self._while_link_changes(self._link.drop)
            case "topics":
                self._topics.again()
            case "actions":
                self._outgoing.again()

    def _give(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _while_link_changes(self, change: Callable[[], None]) -> None:
        """Topics and queue follow the connection, whatever it does."""
        before = self._is_connected
        change()
        after = self._is_connected
        if before and not after:
            self._requests.lost()
            self._topics.lost()
            self._outgoing.lost()
        elif after and not before:
            self._topics.opened()
            self._outgoing.opened()

    @property
    def _is_connected(self) -> bool:
        return self._link.state in ("open", "closing")

    def _update_status(self) -> None:
        state = self._current_state()
        if state == self.status.state:
            return
        self.status = Status(state, self._now(), code=self._link.stopped_by)
        self._give(StatusChanged(self.status))

    def _current_state(self) -> State:
        if self._link.state == "stopped":
            return "stopped"
        if not self._is_connected:
            return "offline"
        return "live" if self._topics.are_live else "catching_up"
