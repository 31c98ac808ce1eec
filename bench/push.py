"""The fan-out of updates to the members of one topic: what a delivery costs, how many a second there are, and
how long they take at a pace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from bench.fanout_servers import LIMIT, NAMES, PYTHON, FanoutServer, Servers
from bench.generator import WRITERS, Load
from bench.population import team_topic
from bench.quiet import Kept, in_turns
from bench.table import table

MEMBERS = 1_000
PACE = 67_000
"""Deliveries per second, half of what Node's socket.io does flat out: a busy day, not a flood."""

SETTLE = 1.5
"""Seconds without load after everybody has come, in which presence is told and garbage collected."""

ENOUGH = 0.95
"""Of a pace: below it a server cannot keep up."""

SINGLE, FLOOD, PACED = "single", "flood", "paced"
KINDS = (SINGLE, FLOOD, PACED)

Key = tuple[str, str]
"""Which kind of load, and the server."""

Results = dict[Key, Kept[Load]]


async def measure(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    members: int = MEMBERS,
    pace: int = PACE,
    rounds: int,
    warm_up: float,
    seconds: float,
    noisy: bool,
) -> Results:
    """All servers with their members side by side, measured in turns."""
    topic = team_topic(1)
    async with AsyncExitStack() as stack:
        started = Servers(folder, teams=(1,))
        works: dict[Key, Callable[[], Awaitable[Load]]] = {}
        running: list[FanoutServer] = []
        for name in names:
            server = await stack.enter_async_context(started.start(name))
            running.append(server)
            await server.clients.connect(WRITERS + members)
            await server.clients.subscribe(WRITERS, members, topic)
            server.clients.write_to([(topic, members)])
        for server in running:
            await server.clients.idle(SETTLE)
        for kind in KINDS:
            for server in running:
                clients = server.clients
                works[kind, server.name] = {
                    SINGLE: partial(clients.single, seconds),
                    FLOOD: partial(clients.flood, warm_up, seconds),
                    PACED: partial(clients.paced, pace, warm_up, seconds, members=members),
                }[kind]
        return await in_turns(works, rounds=rounds, noisy=noisy)


def report(results: Results, pace: int = PACE) -> str:
    """The results as Markdown tables, one for each kind of load."""
    parts = {SINGLE: _single(results), FLOOD: _flood(results), PACED: _paced(results, pace)}
    titles = {
        SINGLE: "One update at a time:",
        FLOOD: "Writers flooding:",
        PACED: f"At {pace:,} deliveries/s:",
    }
    return "\n\n".join(f"{titles[kind]}\n\n{parts[kind]}" for kind in KINDS)


def _single(results: Results) -> str:
    heading = (
        "server", "bytes", "server CPU per delivery, µs", "times the C loop", "of python-socketio",
        "updates/s", "server's core", "generator's core", "rounds",
    )  # fmt: skip
    rows = [
        (
            name,
            kept.spread(lambda r: r.bytes),
            kept.spread(lambda r: r.cpu_per_delivery, 2),
            _ratio(kept, results.get((SINGLE, LIMIT)), lambda r: r.cpu_per_delivery, "{:.2f}"),
            _ratio(kept, results.get((SINGLE, PYTHON)), lambda r: r.cpu_per_delivery, "{:.1%}"),
            kept.spread(lambda r: r.updates / r.seconds),
            *_shares(kept),
        )
        for name, kept in _of(results, SINGLE)
    ]
    return table(heading, rows)


def _flood(results: Results) -> str:
    heading = (
        "server", "deliveries/s", "times python-socketio", "server CPU per delivery, µs",
        "server's core", "generator's core", "rounds",
    )  # fmt: skip
    rows = [
        (
            name,
            kept.spread(lambda r: r.rate),
            _ratio(kept, results.get((FLOOD, PYTHON)), lambda r: r.rate, "{:.1f}"),
            kept.spread(lambda r: r.cpu_per_delivery, 2),
            *_shares(kept),
        )
        for name, kept in _of(results, FLOOD)
    ]
    return table(heading, rows)


def _paced(results: Results, pace: int) -> str:
    heading = (
        "server", "deliveries/s", "send to receipt, p50 ms", "p99 ms", "server's core", "generator's core",
        "sent late, p99 ms", "rounds",
    )  # fmt: skip
    rows = [
        (
            name,
            kept.spread(lambda r: r.rate) + _kept_up(kept, pace),
            kept.spread(lambda r: r.p50_ms, 1),
            kept.spread(lambda r: r.p99_ms, 1),
            *_shares(kept)[:2],
            kept.spread(lambda r: r.late_ms, 1),
            kept.rounds,
        )
        for name, kept in _of(results, PACED)
    ]
    return table(heading, rows)


def _of(results: Results, kind: str) -> list[tuple[str, Kept[Load]]]:
    return [(name, kept) for (of, name), kept in results.items() if of == kind]


def _shares(kept: Kept[Load]) -> tuple[str, str, str]:
    return (
        kept.spread(lambda r: 100 * r.server_share) + " %",
        kept.spread(lambda r: 100 * r.generator_share) + " %",
        kept.rounds,
    )


def _kept_up(kept: Kept[Load], pace: int) -> str:
    reached = kept.median(lambda r: r.rate)
    return ", cannot keep up" if reached is not None and reached < ENOUGH * pace else ""


def _ratio(kept: Kept[Load], other: Kept[Load] | None, value: Callable[[Load], float], form: str) -> str:
    mine = kept.median(value)
    beside = None if other is None else other.median(value)
    return "" if mine is None or not beside else form.format(mine / beside)
