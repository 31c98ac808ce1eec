"""Acknowledged marks per second: Rollcall, the plain way on both storages and on Node, and the bare
path, in turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from bench.crowd import Crowd, Round, crowd
from bench.servers import Size, mongo_database, mongodb, node_marks, plain, rollcall
from bench.table import spread, table

IN_FLIGHT = (1, 8)
"""Marks of each writer that wait for their answer."""

Key = tuple[str, int]
"""What was measured, and how many marks each writer had in flight."""

SQLITE, PLAIN_SQLITE, BARE_SQLITE = "Rollcall, SQLite", "plain, SQLite", "bare path, SQLite"
MONGODB, PLAIN_MONGODB, NODE_MONGODB = "Rollcall, MongoDB", "plain, MongoDB", "Node socket.io, MongoDB"
NAMES = (SQLITE, PLAIN_SQLITE, BARE_SQLITE, MONGODB, PLAIN_MONGODB, NODE_MONGODB)
BESIDE = {SQLITE: PLAIN_SQLITE, MONGODB: PLAIN_MONGODB}


async def measure(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    in_flight: Sequence[int] = IN_FLIGHT,
    rounds: int,
    warm_up: float,
    seconds: float,
    size: Size,
    mongodb_url: str | None,
) -> dict[Key, list[Round]]:
    """All servers in turns, round by round, so that what the machine does besides meets all of them alike."""
    async with AsyncExitStack() as stack:
        servers = []
        if SQLITE in names:
            servers.append(rollcall(SQLITE, f"sqlite:///{folder}/rollcall.db", size))
        if PLAIN_SQLITE in names:
            servers.append(plain(PLAIN_SQLITE, f"sqlite:///{folder}/plain.db"))
        if BARE_SQLITE in names:
            servers.append(plain(BARE_SQLITE, f"sqlite:///{folder}/bare.db", "--bare"))
        if {MONGODB, PLAIN_MONGODB, NODE_MONGODB} & set(names):
            (folder / "mongodb").mkdir()
            mongo = await stack.enter_async_context(mongodb(folder / "mongodb", mongodb_url))
        if MONGODB in names:
            servers.append(rollcall(MONGODB, stack.enter_context(mongo_database(mongo)), size))
        if PLAIN_MONGODB in names:
            servers.append(plain(PLAIN_MONGODB, stack.enter_context(mongo_database(mongo))))
        if NODE_MONGODB in names:
            servers.append(node_marks(NODE_MONGODB, stack.enter_context(mongo_database(mongo))))
        running = [await stack.enter_async_context(server) for server in servers]
        crowds = [await stack.enter_async_context(crowd(server, size)) for server in running]
        return await in_turns(crowds, in_flight, rounds=rounds, warm_up=warm_up, seconds=seconds)


async def in_turns(
    crowds: Sequence[Crowd], in_flights: Sequence[int], *, rounds: int, warm_up: float, seconds: float
) -> dict[Key, list[Round]]:
    """Every server with every number in flight, once in each round. A round before them warms up and does not
    count: a stand-in for MongoDB is compiled while it works, which takes as much time as the work.
    """
    results: dict[Key, list[Round]] = {}
    for number in range(rounds + 1):
        if number == 1:
            results.clear()
        for in_flight in in_flights:
            for one in crowds:
                key = (one.server.name, in_flight)
                results.setdefault(key, []).append(await one.closed(in_flight, warm_up, seconds))
    return results


def report(results: dict[Key, list[Round]]) -> str:
    """The results as a Markdown table."""
    heading = (
        "server", "in flight", "acknowledged marks/s", "times the plain way",
        "server's core", "generator's core", "server CPU per mark",
    )  # fmt: skip
    rows = []
    for (name, in_flight), measured in sorted(results.items(), key=lambda item: item[0][1]):
        beside = results.get((BESIDE.get(name, ""), in_flight))
        ratio = ""
        if beside is not None:
            ratio = f"{median(r.rate for r in measured) / median(r.rate for r in beside):.1f}"
        rows.append(
            (
                name,
                str(in_flight),
                spread([r.rate for r in measured]),
                ratio,
                f"{median(r.server_cpu for r in measured):.0%}",
                f"{median(r.generator_cpu for r in measured):.0%}",
                f"{spread([r.cpu_per_mark for r in measured])} µs",
            )
        )
    return table(heading, rows)
