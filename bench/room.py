"""One school's topic with few and with thousands of users: what it costs that some of them come and go, and
how a stop of the server ends all connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench import protocols
from bench.cores import cpu_seconds
from bench.generator import Generator, Stop, generator
from bench.population import populate
from bench.servers import Server, served
from bench.table import spread, table

LEVELS = (10, 1_000, 10_000)
"""Users of the topic, each with a connection."""

MOVING = 5
"""Users who leave in one second and come back in the next."""

NAME = "Rollcall, SQLite"
TOPIC = "school:s1"
STEP = 2_000
"""Connections that are waited for together."""

STOP_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """Processor time of the server in a second without and with users who come and go, as a share of a core;
    messages about presence to all members together, in a second.
    """

    still: float
    moving: float
    messages: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A stop of a server with so many users; seconds from the signal until the process had ended."""

    users: int
    stop: Stop
    seconds: float


@dataclass(frozen=True, slots=True)
class Rooms:
    """What was measured, by the number of users."""

    rounds: dict[int, list[Round]]
    ended: Ended


async def measure(folder: Path, *, levels: Sequence[int], rounds: int, seconds: int, settle: float) -> Rooms:
    """One server that grows from level to level, and is stopped at the last one.

    `seconds` of each half of a round, 2 or more; `settle`: without load, once everybody has come.
    """
    wanted = sorted(set(levels))
    database_url = f"sqlite:///{folder}/rollcall.db"
    population = await populate(database_url, users=wanted[-1] + 1)
    measured: dict[int, list[Round]] = {}
    async with (
        served(NAME, database_url, secret=population.secret) as server,
        generator(NAME, protocols.rollcall({}), server.port, server.child.pid, population.tokens) as clients,
    ):
        size = 0
        for level in wanted:
            while size < level:
                some = min(STEP, level - size)
                await clients.connect(some)
                await clients.subscribe(size, some, TOPIC)
                size += some
            await clients.idle(settle)
            measured[level] = [await _round(server, clients, level, seconds) for _ in range(rounds)]
        ended = await _stop(server, clients, size)
    return Rooms(measured, ended)


async def _round(server: Server, clients: Generator, size: int, seconds: int) -> Round:
    still = await clients.idle(seconds)
    begin, used, messages = perf_counter(), cpu_seconds(server.child.pid), 0
    for number in range(1, 2 * (seconds // 2) + 1):
        if number % 2:
            await clients.close(MOVING)
        else:
            await clients.connect(MOVING)
            await clients.subscribe(size - MOVING, MOVING, TOPIC)
        rest = await clients.idle(max(0.0, begin + number - perf_counter()))
        messages += rest.presence
    took = perf_counter() - begin
    moving = (cpu_seconds(server.child.pid) - used) / took
    return Round(still.server_cpu / still.seconds, moving, messages / took)


async def _stop(server: Server, clients: Generator, size: int) -> Ended:
    begin = perf_counter()
    stopping = asyncio.create_task(server.child.terminate(STOP_LIMIT))
    stop = await clients.stopped(STOP_LIMIT)
    await stopping
    return Ended(size, stop, perf_counter() - begin)


def report(rooms: Rooms) -> str:
    """The results as two Markdown tables."""
    heading = (
        "users of the topic", "server's core, nobody moves", f"{MOVING} come or go in each second",
        "messages about presence, all members, per second", "rounds",
    )  # fmt: skip
    rows = [
        (
            f"{level:,}",
            spread([100 * one.still for one in rounds], 1) + " %",
            spread([100 * one.moving for one in rounds], 1) + " %",
            spread([one.messages for one in rounds]),
            str(len(rounds)),
        )
        for level, rounds in rooms.rounds.items()
    ]
    ended = rooms.ended
    stop_heading = (
        "connections at the stop", "told to connect again", "first ended after, s", "last, s", "process, s",
        "ended with an error",
    )  # fmt: skip
    stop = (
        f"{ended.users:,}", f"{ended.stop.told:,}", f"{ended.stop.first:.2f}", f"{ended.stop.last:.2f}",
        f"{ended.seconds:.2f}", str(ended.stop.reset),
    )  # fmt: skip
    return f"{table(heading, rows)}\n\n{table(stop_heading, [stop])}"
