"""The load generator's process (bench/native/generator/), and what it has measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from bench import builds
from bench.cores import generator_core, pin
from bench.protocols import Protocol
from tests.parts.process import tied_to_parent

WRITERS = 16
WINDOW = 128
"""Updates that are under way at any time while writers flood: 8 for each writer. 200 bytes each, they are far
from filling the buffers between server and member.
"""

AT_ONCE = 64
"""Connections that are being made at the same time."""

CONNECT_LIMIT = 120.0
SUBSCRIBE_LIMIT = 70.0
DRAIN_LIMIT = 40.0
LONGEST_LINE = 1 << 16


class LoadFailed(Exception):
    """The generator could not do what it was told; the message says why."""


@dataclass(frozen=True, slots=True)
class Idle:
    """What a server used while nothing or something else than updates happened. Seconds.

    `presence`: messages about who came and went that arrived since the last look.
    """

    seconds: float
    server_cpu: float
    presence: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """How a server that was told to stop ended its connections. Seconds until the first and the last of them.

    `told`: how many clients were told before; `reset`: connections that ended with an error.
    """

    first: float
    last: float
    told: int
    reset: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several servers did of a load; processor time in seconds."""

    server_cpu: float
    deliveries: int


@dataclass(frozen=True, slots=True)
class Load:
    """One measurement. Times in seconds, `bytes` of one update as it came; latencies of all deliveries.

    `late_ms`: how much later than they were due 99 % of the updates were sent at most. `nodes`: the servers'
    shares, in the order in which they were named; everything else is of all servers together.
    """

    seconds: float
    server_cpu: float
    generator_cpu: float
    updates: int
    deliveries: int
    bytes: float
    p50_ms: float
    p99_ms: float
    late_ms: float
    nodes: tuple[Share, ...] = ()

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds

    @property
    def cpu_per_delivery(self) -> float:
        """Microseconds of the server's processor time."""
        return self.server_cpu / max(1, self.deliveries) * 1e6

    @property
    def server_share(self) -> float:
        return self.server_cpu / self.seconds

    @property
    def generator_share(self) -> float:
        return self.generator_cpu / self.seconds


class Generator:
    """Clients of one server, or of several nodes. The first `writers_for` of them write; the others are
    members.
    """

    def __init__(self, process: asyncio.subprocess.Process, name: str, protocol: Protocol) -> None:
        self._process = process
        self._name = name
        self._protocol = protocol
        self._writers = WRITERS

    async def connect(self, count: int) -> dict[str, float]:
        """Open so many more connections: `seconds` until all are ready, `server_cpu`, `generator_cpu`."""
        return await self._ask(f"connect {count} {AT_ONCE} {CONNECT_LIMIT}", CONNECT_LIMIT)

    async def subscribe(self, first: int, count: int, topic: str) -> None:
        """Make these connections members of a topic."""
        await self._ask(f"subscribe {first} {count} {self._protocol.subscribe(topic)}", SUBSCRIBE_LIMIT)

    def write_to(self, topics: Sequence[tuple[str, int]], writers: int | None = None) -> None:
        """The topics that updates go to from now on, each with the number of its members.

        `writers`: how many connections write, if not `writers_for` so many topics. Where there are fewer than
        topics, each writes to several in turns; the topics are a multiple of them then.
        """
        self._writers = writers or writers_for(len(topics))
        self._say("norooms")
        for topic, members in topics:
            self._say(f"room {members * self._protocol.joined} {self._protocol.publish(topic)}")

    async def single(self, seconds: float) -> Load:
        """One update at a time: the next one when every member has this one."""
        return _load(await self._ask(f"single {seconds}", seconds))

    async def flood(self, warm_up: float, seconds: float) -> Load:
        """As many updates as the server takes, `WINDOW` of them under way."""
        line = f"flood {warm_up} {seconds} {self._writers} {WINDOW}"
        return _load(await self._ask(line, warm_up + seconds))

    async def paced(self, deliveries: float, warm_up: float, seconds: float, *, members: float) -> Load:
        """So many deliveries a second, at even distances, or as many as a server takes that is a second
        behind. `members`: of a topic, on average.
        """
        rate = deliveries / members / self._protocol.joined
        return _load(await self._ask(f"paced {rate} {warm_up} {seconds} {self._writers}", warm_up + seconds))

    async def idle(self, seconds: float) -> Idle:
        """Only answer pings."""
        return _idle(await self._ask(f"idle {seconds}", seconds))

    async def close(self, count: int) -> Idle:
        """End the newest connections one after the other, each when the server has let go of the last."""
        return _idle(await self._ask(f"close {count}", CONNECT_LIMIT))

    async def stopped(self, limit: float) -> Stop:
        """Wait until a server that is being stopped has ended all connections."""
        return Stop(**await self._ask(f"stopped {limit}", limit))

    def turn_to(self, port: int, pid: int) -> None:
        """One server more: connections that are opened from now on are to it."""
        self._say(f"server {port} {pid}")

    def configure(self, port: int, server: int, tokens: Sequence[str]) -> None:
        """Where the server is, how it speaks, and with which tokens clients connect, in turns."""
        self.turn_to(port, server)
        for name, value in self._protocol.settings.items():
            self._say(f"{name} {value}")
        for token in tokens:
            self._say(f"token {token}")

    def _say(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line.encode() + b"\n")

    async def _ask(self, line: str, limit: float) -> dict[str, Any]:
        self._say(line)
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the generator has pipes")
        try:
            async with asyncio.timeout(limit + DRAIN_LIMIT):
                await stdin.drain()
                text = await stdout.readline()
        except (TimeoutError, ConnectionError) as error:
            raise LoadFailed(f"{self._name}: `{line[:80]}` was not answered: {error!r}") from None
        answer: dict[str, Any] = orjson.loads(text) if text else {"error": "the generator ended"}
        if "error" in answer:
            raise LoadFailed(f"{self._name}: {answer['error']}")
        return answer


def writers_for(topics: int) -> int:
    """How many connections write to so many topics. Each stays with one: a server keeps the order of what one
    connection sends.
    """
    return max(WRITERS, topics)


@asynccontextmanager
async def generator(
    name: str, protocol: Protocol, port: int, server: int, tokens: Sequence[str] = ()
) -> AsyncIterator[Generator]:
    """A generator for one server, on its own core, without connections yet."""
    process = await asyncio.create_subprocess_exec(
        *tied_to_parent(),
        str(builds.generator()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        one = Generator(process, name, protocol)
        pin(process.pid, generator_core())
        one.configure(port, server, tokens)
        yield one
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _load(answer: dict[str, Any]) -> Load:
    nodes = tuple(Share(node["server_cpu"], node["deliveries"]) for node in answer["nodes"])
    return Load(**{name: answer[name] for name in Load.__dataclass_fields__ if name != "nodes"}, nodes=nodes)


def _idle(answer: dict[str, Any]) -> Idle:
    return Idle(answer["seconds"], answer["server_cpu"], answer.get("presence", 0))
