"""All topics of a client: asking for them, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from client.effects import Change, Changed, Give, State, Status, Timer, TopicStatusChanged
from client.pause import pause_after
from client.requests import Requests
from client.topic_records import TopicRecords
from client.wire import Json, Position, is_retryable

TOPICS_PER_SUBSCRIBE = 200
"""The server takes so many topics in one `subscribe`."""

FULL = "too_large"
"""The error of topics that an answer had no more room for; the first one of a request always has."""

RETRY_AFTER = 1.0
"""Seconds to wait where an error that may go away does not say how long."""


@dataclass(eq=False, slots=True)
class Wanted:
    """A topic that the application wants. `is_due`: to be asked for when the turn is over. `asked`: the
    request that will tell about it.
    """

    name: str
    fetch: bool
    records: TopicRecords
    is_due: bool = False
    asked: int | None = None
    asked_for_tail: bool = False
    is_waiting: bool = False
    fetch_failed: bool = False
    error: Json | None = None
    told: Status | None = None

    @property
    def state(self) -> Literal["catching_up", "live", "refused"]:
        if self.error is not None:
            return "refused"
        is_asking = self.asked is not None or self.is_waiting or self.is_due
        return "catching_up" if is_asking else "live"


class Topics:
    """Keeps every topic current while there is a connection.

    A reply is taken only if it is the one to the newest request about its topic.
    """

    def __init__(
        self, give: Give, requests: Requests, random: Callable[[], float], now: Callable[[], float]
    ) -> None:
        self._give = give
        self._requests = requests
        self._random = random
        self._now = now
        self._wanted: dict[str, Wanted] = {}
        self._is_open = False
        self._failures = 0

    def records(self, name: str) -> TopicRecords | None:
        """The topic's records; None where it was not subscribed to."""
        topic = self._wanted.get(name)
        return None if topic is None else topic.records

    @property
    def are_live(self) -> bool:
        """Whether every topic shows what the server has, as far as it gives access."""
        return all(topic.state != "catching_up" for topic in self._wanted.values())

    def subscribe(self, name: str, date: str | None, *, fetch: bool) -> None:
        """Subscribe to a topic, once `flush` is called. One that is subscribed to already changes its day, if
        it is another one.

        `fetch`: snapshots come by HTTP, compressed, for large ones.
        """
        topic = self._wanted.get(name)
        if topic is None:
            topic = self._wanted[name] = Wanted(name, fetch, TopicRecords(date))
        elif topic.records.date != date:
            topic.records.date = date
            topic.records.forget()
        else:
            return
        if self._is_open:
            topic.is_due = True
            topic.asked = None
            topic.is_waiting = False
            topic.error = None
        self._tell_status(topic)

    def flush(self) -> None:
        """Send the subscriptions of this turn, together."""
        self._ask([topic for topic in self._wanted.values() if topic.is_due])

    def unsubscribe(self, name: str) -> None:
        """End a subscription; its records are forgotten."""
        topic = self._wanted.pop(name, None)
        if topic is None:
            return
        topic.asked = None
        if self._is_open:
            self._requests.send("unsubscribe", {"topics": [name]}, lambda answer: None)

    def opened(self) -> None:
        """There is a connection: ask for what is missing in every topic."""
        self._is_open = True
        self._ask(list(self._wanted.values()))

    def lost(self) -> None:
        """The connection is gone."""
        self._is_open = False
        self._give(Timer("topics", None))
        for topic in self._wanted.values():
            topic.is_due = False
            topic.asked = None
            topic.is_waiting = False
            self._tell_status(topic)

    def update(self, update: Json) -> None:
        """The server has pushed an update."""
        topic = self._wanted.get(update["topic"])
        if topic is None:
            return
        changes = topic.records.push(update)
        if changes is not None:
            self._tell_changes(topic, changes)
        elif topic.state == "live":
            self._ask([topic])

    def resync(self, name: str) -> None:
        """The server has left entries out: what follows does not follow on what is here."""
        topic = self._wanted.get(name)
        if topic is None:
            return
        topic.records.forget()
        if topic.state == "live" or (topic.asked is not None and topic.asked_for_tail):
            self._ask([topic])

    def again(self) -> None:
        """The pause after a failure is over."""
        self._ask([topic for topic in self._wanted.values() if topic.is_waiting])

    def _ask(self, topics: Sequence[Wanted]) -> None:
        direct = []
        for topic in topics:
            topic.is_due = False
            topic.is_waiting = False
            topic.error = None
            if topic.fetch and topic.records.position is None and not topic.fetch_failed:
                self._fetch(topic)
            else:
                direct.append(topic)
        for first in range(0, len(direct), TOPICS_PER_SUBSCRIBE):
            self._subscribe_to(direct[first : first + TOPICS_PER_SUBSCRIBE])
        for topic in topics:
            self._tell_status(topic)

    def _fetch(self, topic: Wanted) -> None:
        topic.asked_for_tail = False

        def fetched(snapshot: Any) -> None:
            if topic.asked != request:
                return
            if snapshot is None:
                topic.fetch_failed = True
            else:
                self._replace(topic, snapshot)
            self._ask([topic])

        request = topic.asked = self._requests.fetch(topic.name, topic.records.date, fetched)

    def _subscribe_to(self, topics: Sequence[Wanted]) -> None:
        def answered(answer: Any) -> None:
            left = []
            for n, topic in enumerate(topics):
                if topic.asked != request:
                    continue
                topic.asked = None
                reply = answer["topics"][n] if answer["ok"] else answer
                if n > 0 and reply.get("error", {}).get("code") == FULL:
                    left.append(topic)
                    continue
                self._take(topic, reply)
                self._tell_status(topic)
            self._ask(left)

        wanted = [_request_for(topic) for topic in topics]
        request = self._requests.send("subscribe", {"topics": wanted}, answered)
        for topic in topics:
            topic.asked = request
            topic.asked_for_tail = topic.records.position is not None

    def _take(self, topic: Wanted, reply: Json) -> None:
        if "error" in reply:
            self._fail(topic, reply["error"])
            return
        self._failures = 0
        topic.fetch_failed = False
        if reply["mode"] == "snapshot":
            self._replace(topic, reply)
            return
        changes, fits = topic.records.tail(Position.from_wire(reply["position"]), reply["entries"])
        self._tell_changes(topic, changes)
        if not fits:
            topic.records.forget()
            self._ask([topic])

    def _replace(self, topic: Wanted, snapshot: Json) -> None:
        position = Position.from_wire(snapshot["position"])
        self._tell_changes(topic, topic.records.replace(position, snapshot["records"]))

    def _fail(self, topic: Wanted, error: Json) -> None:
        if not is_retryable(error):
            topic.error = error
            self._tell_changes(topic, topic.records.clear())
            return
        is_first = not any(other.is_waiting for other in self._wanted.values())
        topic.is_waiting = True
        if not is_first:
            return
        after = error.get("retry_after", RETRY_AFTER) + pause_after(self._failures, self._random)
        self._failures += 1
        self._give(Timer("topics", after))

    def _tell_changes(self, topic: Wanted, changes: Sequence[Change]) -> None:
        if changes:
            self._give(Changed(topic.name, changes))

    def _tell_status(self, topic: Wanted) -> None:
        state: State = topic.state if self._is_open else "offline"
        if topic.told is not None and (topic.told.state, topic.told.error) == (state, topic.error):
            return
        topic.told = Status(state, self._now(), topic.error)
        self._give(TopicStatusChanged(topic.name, topic.told))


def _request_for(topic: Wanted) -> dict[str, Any]:
    position, date = topic.records.position, topic.records.date
    request: dict[str, Any] = {"topic": topic.name}
    if position is not None:
        request["since"] = position.to_wire()
    if date is not None:
        request["date"] = date
    return request
