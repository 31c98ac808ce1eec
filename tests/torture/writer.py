"""A writer: sends actions, and sends each again with its op_id until it has an answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from tests.torture.durations import Durations
from tests.torture.known import Json, KnownRoom
from tests.torture.link import Link
from tests.torture.sent import Order, Sent
from tests.torture.subscriber import PASSING
from tests.torture.traffic import ORDINARY, Manner, Work
from tests.torture.violations import Violations

WINDOW = 32
"""Actions of a writer that may be without an answer."""

BURSTS = (1, 2, 8, 24)
"""How many actions a writer sends at once, drawn each time: a click, or a queue that was filled offline."""

TICK = 0.05
RETRY_AFTER = 1.0


class Source(Protocol):
    """What is to be done."""

    def next(self) -> Work: ...


@dataclass
class Conduct:
    """How all writers send now."""

    manner: Manner = ORDINARY


@dataclass(slots=True)
class Pending:
    """An action without an answer, first sent at `since`."""

    since: float
    request: Json
    topics: tuple[str, ...]


class Lane:
    """One of a writer's connections, with the order of what was sent on it."""

    def __init__(
        self,
        name: str,
        doors: Sequence[str],
        token: Callable[[], str],
        chance: random.Random,
        violations: Violations,
        opened: Callable[[], None],
    ) -> None:
        self.link = Link(self, doors, token, chance)
        self._name = name
        self._violations = violations
        self._opened = opened
        self._order = Order(name, violations)
        self._place = 0

    def send(self, request: Json, answered: Callable[[Json], None]) -> None:
        """Send an action; nothing is answered once the connection is lost."""
        self._place += 1
        self.link.ask("action", request, partial(self._answered, self._order, self._place, answered))

    def _answered(self, order: Order, place: int, answered: Callable[[Json], None], ack: Json) -> None:
        if ack["ok"] and not ack["duplicate"]:
            order.accepted(place, ack["seq"])
        answered(ack)

    def opened(self) -> None:
        self._order = Order(self._name, self._violations)
        self._opened()

    def lost(self) -> None:
        pass

    def event(self, name: str, data: Any) -> None:
        pass


class Writer:
    """Writes in one room. `elsewhere` is a second connection, on which some actions are sent as well."""

    def __init__(
        self,
        sent: Sent,
        room: KnownRoom,
        source: Source,
        conduct: Conduct,
        doors: Sequence[str],
        token: Callable[[], str],
        chance: random.Random,
        violations: Violations,
        waits: Durations,
    ) -> None:
        self.sent = sent
        self.pending: dict[int, Pending] = {}
        self.sends = 0
        self.unavailable = 0
        self.waits = waits
        self._room = room
        self._source = source
        self._conduct = conduct
        self._chance = chance
        self._violations = violations
        self._clock = asyncio.get_running_loop().time
        self._main = Lane(sent.name, doors, token, chance, violations, self._send_pending)
        self._elsewhere = Lane(f"{sent.name} elsewhere", doors, token, chance, violations, lambda: None)
        self.links = (self._main.link, self._elsewhere.link)

    async def write(self, rate: float) -> None:
        """Send so many new actions a second, as far as the answers allow, until cancelled."""
        credit, burst = 0.0, 1
        while True:
            await asyncio.sleep(TICK)
            credit = min(credit + rate * TICK, float(WINDOW))
            if credit < burst or len(self.pending) + burst > WINDOW or not self._main.link.is_open:
                continue
            new = [self._take() for _ in range(burst)]
            credit -= burst
            burst = self._chance.choice(BURSTS)
            if self._chance.random() < self._conduct.manner.later:
                self._chance.shuffle(new)
            for number in new:
                self._send(number)
                self._vary(number)

    def _take(self) -> int:
        work = self._source.next()
        number, op_id = self.sent.next()
        request = {"type": work.type, "payload": work.payload, "op_id": op_id}
        self.pending[number] = Pending(self._clock(), request, work.topics)
        return number

    def _send(self, number: int, lane: Lane | None = None) -> None:
        self.sends += 1
        (lane or self._main).send(self.pending[number].request, partial(self._answered, number))

    def _vary(self, number: int) -> None:
        """What else is sent, besides each action once. An old op_id gets its old answer, whatever is asked
        under it.
        """
        manner, chance = self._conduct.manner, self._chance
        if chance.random() < manner.twice:
            self._send(number)
        if chance.random() < manner.elsewhere:
            self._send(number, self._elsewhere)
        if chance.random() < manner.again:
            old = chance.randrange(self.sent.count)
            if self.sent.seq(old):
                self.sends += 1
                request = {**self.pending[number].request, "op_id": self.sent.op_id(old)}
                self._main.send(request, partial(self._answered, old))

    def _send_pending(self) -> None:
        """After every connection what has no answer is sent again, mostly in the order of the first time."""
        numbers = list(self.pending)
        if self._chance.random() < self._conduct.manner.later:
            self._chance.shuffle(numbers)
        for number in numbers:
            self._send(number)

    def _send_again(self, number: int) -> None:
        if number in self.pending and self._main.link.is_open:
            self._send(number)

    def _answered(self, number: int, ack: Json) -> None:
        if ack["ok"]:
            pending = self.pending.pop(number, None)
            if self.sent.answer(number, ack) and pending is not None:
                now = self._clock()
                self.waits.add(now - pending.since)
                self._room.acknowledge(ack["seq"], now, ack["data"], pending.topics)
        elif ack["error"]["code"] in PASSING:
            self.unavailable += 1
            after = ack["error"].get("retry_after", RETRY_AFTER) * self._chance.uniform(0.5, 1.0)
            asyncio.get_running_loop().call_later(after, self._send_again, number)
        else:
            self._violations.add("refused", f"{self.sent.op_id(number)}: {ack['error']}")
            if self.pending.pop(number, None) is not None:
                self.sent.refused += 1
