"""Redis Pub/Sub with a proof that it is heard.

Two connections, one that listens and one that publishes, live and end together. Every other second a number
goes the whole way from one to the other: only one that comes back proves anything. A connection may stand and
be deaf, and redis-py may lose one and make another without a word (so here it makes none by itself).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from realtime.redis_address import LIMIT, redis_pool

T = TypeVar("T")

QUEUED = 4_096
"""Messages that wait to be published; what does not fit is dropped."""

QUEUED_BYTES = 16 * 1024 * 1024
"""What the messages that wait to be published hold together; what does not fit is dropped."""

PIPELINED = 256
"""Messages published in one round trip."""

SUBSCRIBED = 1_000
"""Channels in one SUBSCRIBE or UNSUBSCRIBE."""

BURST = 64
"""Messages handed over before the loop has its turn."""

PROBE = 2.0
"""Seconds between two numbers."""

UNPROVEN = 2
"""Numbers under way with which it counts as deaf."""

LOST = 3
"""Numbers under way with which the connections are given up."""

LINGER = 10.0
"""Seconds that a channel stays subscribed after it was left, for whoever comes back."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds before connecting again: doubled with each failure, and less by chance, down to a half."""

log = logging.getLogger("rollcall.redis")


class Deaf(Exception):
    """The connections stand, but nothing that is published comes back."""


class RedisChannels:
    """Messages on named channels of the Redis at `url`. Nothing here waits for it in the caller's place.

    `received(channel, message)` is called for what is published on a channel that is subscribed, by whomever;
    `missed(channel)` when a channel begins to be heard: what was published on it until then may not have
    come. What is published while that is impossible is dropped.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        received: Callable[[str, bytes], None],
        missed: Callable[[str], None],
        probe: float = PROBE,
        linger: float = LINGER,
    ) -> None:
        self._pool = redis_pool(url, "rollcall-channels")
        self._received = received
        self._missed = missed
        self._probe = probe
        self._linger = linger
        self._probes = f"{prefix}:probe:{secrets.token_hex(8)}"
        self._wanted: set[str] = set()
        self._asked: set[str] = set()
        self._left: dict[str, float] = {}
        self._to_ask: deque[str] = deque()
        self._asking = asyncio.Event()
        self._queue: deque[tuple[str, bytes]] = deque()
        self._queued_bytes = 0
        self._speaking = asyncio.Event()
        self._connected = False
        self._sent = self._heard = self._first = 0
        self._task: asyncio.Task[None] | None = None
        self._loss: str | None = None
        self.dropped = 0
        """Messages that were not published: nothing could be, or too many waited."""

    def open(self) -> None:
        """Connect, and stay connected."""
        self._task = asyncio.create_task(self._stay_connected(), name="redis channels")
        self._task.add_done_callback(_tell_end)

    async def close(self) -> None:
        """Disconnect. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def healthy(self) -> bool:
        """Whether a number has come back on these connections, and lately."""
        return self._connected and self._heard > self._first and self._sent - self._heard < UNPROVEN

    def subscribe(self, channel: str) -> None:
        """Receive what is published on it, from when `missed` is called on."""
        self._wanted.add(channel)
        self._left.pop(channel, None)
        if self._connected and channel not in self._asked:
            self._to_ask.append(channel)
            self._asking.set()

    def unsubscribe(self, channel: str) -> None:
        """Receive it no longer."""
        if channel in self._wanted:
            self._wanted.discard(channel)
            self._left[channel] = asyncio.get_running_loop().time()

    def publish(self, channel: str, message: bytes) -> None:
        """Offer a message to all who have subscribed to the channel, this one included."""
        fits = len(self._queue) < QUEUED and self._queued_bytes + len(message) <= QUEUED_BYTES
        if not (self._connected and fits):
            self.dropped += 1
            return
        self._queue.append((channel, message))
        self._queued_bytes += len(message)
        self._speaking.set()

    # -- from connecting to losing

    async def _stay_connected(self) -> None:
        chance = SystemRandom()
        failures = 0
        while True:
            try:
                await self._converse()
            # ValueError and EOFError: whatever answers at that address, it is no Redis.
            except* (RedisError, Deaf, OSError, ValueError, EOFError) as lost:
                failures = 0 if self._heard > self._first else failures + 1
                self._tell_loss(lost)
            finally:
                self._forget()
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10))
            await asyncio.sleep(pause * chance.uniform(0.5, 1.0))

    async def _converse(self) -> None:
        """Until something is lost, which is raised."""
        ears, mouth = self._pool.make_connection(), self._pool.make_connection()
        try:
            async with asyncio.timeout(LIMIT):
                await ears.connect()
                await mouth.connect()
            self._connected = True
            # The channel of the numbers is the last: with the first number all the others are heard, too.
            self._to_ask.extend([*self._wanted, self._probes])
            self._asking.set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(ears), name="redis listen")
                tasks.create_task(self._ask(ears), name="redis ask")
                tasks.create_task(self._speak(mouth), name="redis speak")
                tasks.create_task(self._send_numbers(), name="redis numbers")
        finally:
            await ears.disconnect(nowait=True)
            await mouth.disconnect(nowait=True)

    def _forget(self) -> None:
        """What was so on the lost connections, and what waits: the followers find it sooner than it would
        come.
        """
        self._connected = False
        self._first = self._heard = self._sent
        self._asked.clear()
        self._left.clear()
        self._to_ask.clear()
        self.dropped += len(self._queue)
        self._queue.clear()
        self._queued_bytes = 0

    def _tell_loss(self, lost: BaseExceptionGroup[Exception]) -> None:
        """Once for each reason, not for each try."""
        error = next(_leaves(lost))
        reason = str(error) or type(error).__name__
        if reason != self._loss:
            self._loss = reason
            log.warning("Redis is lost, and what other nodes do is read from the storage: %s", reason)

    # -- what goes on meanwhile

    async def _listen(self, ears: AbstractConnection) -> None:
        for count in itertools.count(1):
            match await ears.read_response(timeout=math.inf):
                case [b"message", bytes(channel), bytes(message)]:
                    self._hand_over(channel.decode(), message)
                case [b"subscribe", bytes(channel), _]:
                    self._begin(channel.decode())
            if count % BURST == 0:
                await asyncio.sleep(0)

    def _hand_over(self, channel: str, message: bytes) -> None:
        if channel in self._wanted:
            self._received(channel, message)
        elif channel == self._probes:
            self._hear_number(message)

    def _begin(self, channel: str) -> None:
        if channel in self._wanted:
            self._missed(channel)
        elif channel == self._probes:
            self._send_number()

    async def _ask(self, ears: AbstractConnection) -> None:
        """Subscribe to what is wanted; leave what was left long ago."""
        while True:
            await self._asking.wait()
            wanted = dict.fromkeys(_taken(self._to_ask, SUBSCRIBED))
            new = [c for c in wanted if c not in self._asked and (c in self._wanted or c == self._probes)]
            self._asked.update(new)
            if new:
                await ears.send_command("SUBSCRIBE", *new)
            old = self._take_left()
            if old:
                await ears.send_command("UNSUBSCRIBE", *old)
            if not self._to_ask:
                self._asking.clear()

    def _take_left(self) -> list[str]:
        until = asyncio.get_running_loop().time() - self._linger
        due = itertools.takewhile(lambda item: item[1] <= until, self._left.items())
        old = [channel for channel, _ in itertools.islice(due, SUBSCRIBED)]
        for channel in old:
            del self._left[channel]
        asked = [channel for channel in old if channel in self._asked]
        self._asked.difference_update(asked)
        return asked

    async def _speak(self, mouth: AbstractConnection) -> None:
        while True:
            await self._speaking.wait()
            batch = list(_taken(self._queue, PIPELINED))
            if not batch:
                self._speaking.clear()
                continue
            self._queued_bytes -= sum(len(message) for _, message in batch)
            commands = [("PUBLISH", channel, message) for channel, message in batch]
            await mouth.send_packed_command(mouth.pack_commands(commands))
            for _ in commands:
                await mouth.read_response()

    async def _send_numbers(self) -> None:
        while True:
            await asyncio.sleep(self._probe)
            if self._sent - self._heard >= LOST:
                raise Deaf("what is published does not come back")
            self._send_number()
            if self._left:
                self._asking.set()

    def _send_number(self) -> None:
        self._sent += 1
        self.publish(self._probes, str(self._sent).encode())

    def _hear_number(self, message: bytes) -> None:
        """One that is old, of lost connections or none of ours proves nothing."""
        number = int(message) if message.isdigit() else 0
        if not self._heard < number <= self._sent:
            return
        if self._heard == self._first:
            self._loss = None
            log.info("Redis is heard")
        self._heard = number


def _taken(queue: deque[T], most: int) -> Iterator[T]:
    """What is first in the queue, which loses it."""
    for _ in range(min(most, len(queue))):
        yield queue.popleft()


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    """The errors in a group, without groups."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _tell_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("Redis is given up", exc_info=error)
