"""What a connection costs: to be made, to be kept, and to be ended, also where there are many others."""

from __future__ import annotations

import resource
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.cores import resident_bytes
from bench.fanout_servers import PEERS, ROLLCALL, FanoutServer, Servers
from bench.quiet import Kept, in_turns
from bench.table import table

NAMES = (ROLLCALL, *PEERS)

FIRST = 1_000
"""Connections after which memory is looked at for the first time: what the first ones bring about is no
connection's."""

CONNECTIONS = 5_000
LEVELS = (1_000, 5_000, 10_000, 20_000)
ENDED = 200
"""Connections that are ended at each level, one after the other."""

SETTLE = 1.5
"""Seconds without load before memory is looked at."""

USUAL = 0.5
"""Seconds in which is measured what the server uses by itself with so many clients."""

AFTERWARDS = 0.2
"""Seconds that a server has to do the rest of what a disconnect brings about."""

SPARE_FILES = 300
"""Descriptors that a server needs besides its connections, at most."""

TOPIC = "summary:s1"
"""Everybody's topic: one that all users here may see, and that says nothing while nobody marks."""


@dataclass(slots=True)
class Life:
    """What one server has shown from its start to its end.

    `connects`: per second. `connect_cpu` and `disconnect_cpu` (by the number of clients): microseconds of the
    server's processor time for each. `memory`: resident KiB for each connection.
    """

    connects: float
    connect_cpu: float
    memory: float
    generator_share: float
    disconnect_cpu: dict[int, float] = field(default_factory=dict)


Results = dict[str, Kept[Life]]


def levels_within(levels: Sequence[int]) -> list[int]:
    """The levels that this process and its servers may have descriptors for; the largest takes the place of
    those that are too large."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY:
        return list(levels)
    return sorted({min(level, most - SPARE_FILES) for level in levels})


async def measure(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    first: int = FIRST,
    connections: int = CONNECTIONS,
    levels: Sequence[int] = LEVELS,
    rounds: int,
    noisy: bool,
) -> Results:
    """Each server in turns, a new one in each round. Rollcall's clients are users of their own, up to
    `connections` of them."""
    started = Servers(folder, users=connections)
    works: dict[str, Callable[[], Awaitable[Life]]] = {
        name: partial(_life, started, name, first, connections, levels) for name in names
    }
    return await in_turns(works, rounds=rounds, noisy=noisy)


async def _life(started: Servers, name: str, first: int, connections: int, levels: Sequence[int]) -> Life:
    async with started.start(name) as server:
        await _grow(server, 0, first)
        await server.clients.subscribe(0, first, TOPIC)
        ended = {first: await _disconnect(server, first)} if first in levels else {}
        await server.clients.idle(SETTLE)
        before = resident_bytes(server.child.pid)
        made = await _grow(server, first, connections)
        new = connections - first
        await server.clients.subscribe(first, new, TOPIC)
        await server.clients.idle(SETTLE)
        memory = (resident_bytes(server.child.pid) - before) / new / 1024
        size = connections
        for level in levels:
            if level > size:
                await _grow(server, size, level)
                ending = min(ENDED, level - size)
                await server.clients.subscribe(level - ending, ending, TOPIC)
                size = level
            if level == size:
                ended[level] = await _disconnect(server, level)
        return Life(
            connects=new / made["seconds"],
            connect_cpu=made["server_cpu"] / new * 1e6,
            memory=memory,
            generator_share=made["generator_cpu"] / made["seconds"],
            disconnect_cpu=ended,
        )


async def _grow(server: FanoutServer, size: int, wanted: int) -> dict[str, float]:
    return await server.clients.connect(wanted - size)


async def _disconnect(server: FanoutServer, size: int) -> float:
    """Microseconds for one disconnect; as many are connected afterwards as before."""
    count = min(ENDED, size)
    usual = await server.clients.idle(USUAL)
    ended = await server.clients.close(count)
    after = await server.clients.idle(AFTERWARDS)
    await server.clients.connect(count)
    await server.clients.subscribe(size - count, count, TOPIC)
    seconds, used = ended.seconds + after.seconds, ended.server_cpu + after.server_cpu
    return (used - seconds * usual.server_cpu / usual.seconds) / count * 1e6


def report(results: Results) -> str:
    """The results as two Markdown tables."""
    heading = (
        "server", "connects/s", "server CPU per connect, µs", "RSS per idle connection, KiB",
        "generator's core", "rounds",
    )  # fmt: skip
    rows = [
        (
            name,
            kept.spread(lambda life: life.connects),
            kept.spread(lambda life: life.connect_cpu),
            kept.spread(lambda life: life.memory, 1),
            kept.spread(lambda life: 100 * life.generator_share) + " %",
            kept.rounds,
        )
        for name, kept in results.items()
    ]
    levels = sorted(
        {level for kept in results.values() for life in kept.results for level in life.disconnect_cpu}
    )
    ends = [(name, *(kept.spread(_at(level)) for level in levels)) for name, kept in results.items()]
    ends_heading = ("server CPU per disconnect, µs", *(f"at {level:,} clients" for level in levels))
    return f"{table(heading, rows)}\n\n{table(ends_heading, ends)}"


def _at(level: int) -> Callable[[Life], float]:
    return lambda life: life.disconnect_cpu[level]
