"""The load: teachers who take one register after the other, and dashboards that watch their schools."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter

from app.demo.plan import PERIODS
from bench.socket_client import SocketClient

CODES = "PPPPPPLAEO"
"""Most are present."""

DAYS = 8
"""Today and the 7 days back that a teacher may mark."""

DRAIN_LIMIT = 30.0
DRAIN_LOOK = 0.01
TICK = 0.001
"""Seconds between two looks at what is due. What is due within one tick is due at its end."""


@dataclass(slots=True)
class Samples:
    """What was seen since `since`, in seconds of perf_counter. Latencies are in milliseconds."""

    since: float
    acked: int = 0
    ack_ms: list[float] = field(default_factory=list)
    push_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)


class Load:
    """Marks with a number each, their acks, and their way to the dashboards."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - needs no secrecy
        self.run = secrets.token_hex(4)
        self.due: list[float] = []
        self.samples = Samples(perf_counter())
        self.answered = 0
        self.pushed = 0
        self.refused: list[str] = []
        self.sending = False

    def begin(self) -> None:
        """Forget the samples so far."""
        self.samples = Samples(perf_counter())

    def number(self, due: float) -> int:
        """The number of the next mark, which was due then."""
        self.due.append(due)
        return len(self.due) - 1

    async def drained(self, dashboards: int) -> None:
        """Wait until every mark is answered, and pushed if there are dashboards. TimeoutError says what is
        missing.
        """
        deadline = perf_counter() + DRAIN_LIMIT
        while self.answered < len(self.due) or (
            dashboards and self.pushed < len(self.due) - len(self.refused)
        ):
            if perf_counter() > deadline:
                raise TimeoutError(
                    f"of {len(self.due)} marks, {self.answered} were answered and {self.pushed} pushed"
                )
            await asyncio.sleep(DRAIN_LOOK)


class Writer:
    """One teacher. Each answer brings the next mark, as long as the load is sending."""

    def __init__(self, load: Load, class_id: str, students: int) -> None:
        self._load = load
        self._class_id = class_id
        self._marks = self._registers(students)
        self.client: SocketClient | None = None

    def send(self, due: float) -> None:
        """Send the next mark."""
        if self.client is None or self.client.lost:
            raise ConnectionError("a writer's connection has ended")
        number = self._load.number(due)
        self.client.send(
            f'42{number}["action",{{"type":"attendance.mark","op_id":"{self._load.run}-{number}",'
            f'"payload":{next(self._marks)}}}]'
        )

    def on_ack(self, text: bytes) -> None:
        now = perf_counter()
        load = self._load
        number, _, answer = text.partition(b"[")
        load.answered += 1
        if not answer.startswith(b'{"ok":true'):
            load.refused.append(text.decode())
            return
        due = load.due[int(number)]
        samples = load.samples
        samples.acked += 1
        if due >= samples.since:
            samples.ack_ms.append((now - due) * 1e3)
        if load.sending:
            self.send(now)

    def on_event(self, text: bytes) -> None:
        """Nothing that a writer waits for."""

    def _registers(self, students: int) -> Iterator[str]:
        """Register after register, the newest day first: every student once, in any order."""
        today = datetime.now(UTC).date()
        days = [str(today - timedelta(days=days)) for days in range(DAYS)]
        choice = self._load.random
        numbers = list(range(1, students + 1))
        for day, period in itertools.cycle(itertools.product(days, (period["id"] for period in PERIODS))):
            choice.shuffle(numbers)
            for number in numbers:
                yield (
                    f'{{"class_id":"{self._class_id}","date":"{day}","period":"{period}",'
                    f'"student_id":"{self._class_id}-p{number}","code":"{choice.choice(CODES)}"}}'
                )


class Dashboard:
    """One subscriber of a school's topic: sees every mark of the school."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._mark = f'"op_id":"{load.run}-'.encode()
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client: SocketClient | None = None

    def subscribe(self, topic: str) -> None:
        if self.client is not None:
            self.client.send(f'420["subscribe",{{"topics":[{{"topic":"{topic}"}}]}}]')

    def on_ack(self, text: bytes) -> None:
        if b'"error"' in text:
            self.subscribed.set_exception(ConnectionError(text.decode()))
        else:
            self.subscribed.set_result(None)

    def on_event(self, text: bytes) -> None:
        at = text.rfind(self._mark)
        if at < 0:
            return
        now = perf_counter()
        start = at + len(self._mark)
        due = self._load.due[int(text[start : text.index(b'"', start)])]
        self._load.pushed += 1
        if due >= self._load.samples.since:
            self._load.samples.push_ms.append((now - due) * 1e3)


async def closed_loop(load: Load, writers: Sequence[Writer], in_flight: int) -> None:
    """Begin to send: each writer has so many marks in flight all the time, until `load.sending` ends."""
    load.sending = True
    for writer in writers:
        for _ in range(in_flight):
            writer.send(perf_counter())


async def open_loop(load: Load, writers: Sequence[Writer], rate: float, seconds: float) -> None:
    """Send so many marks a second, whatever the answers do: gaps are exponential, writers taken at random.

    A mark's latency counts from when it was due, so a server that keeps the generator waiting gains nothing
    by it. How late each was really sent is in `late_ms`.
    """
    choice = load.random
    begin = perf_counter()
    due = begin + choice.expovariate(rate)
    while due < begin + seconds:
        tick = begin + (int((due - begin) / TICK) + 1) * TICK
        wait = tick - perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        while due < tick:
            choice.choice(writers).send(tick)
            load.samples.late_ms.append((perf_counter() - tick) * 1e3)
            due += choice.expovariate(rate)
