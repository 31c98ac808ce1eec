"""From when a mark is due to its acknowledgement and to a dashboard, at shares of the full load."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.crowd import Crowd, Round, crowd
from bench.marks import SQLITE
from bench.servers import Size, rollcall
from bench.table import percentile, spread, table

IN_FLIGHT = 8
"""Of each writer while the full load is measured."""

SHARES = (0.2, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Latencies:
    """The full load in marks per second, round by round, and the rounds at each share of its median."""

    full: list[float]
    rounds: dict[float, list[Round]]


async def measure(folder: Path, *, rounds: int, warm_up: float, seconds: float, size: Size) -> Latencies:
    """Rollcall on SQLite: its full load first, then the shares of it in turns."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(rollcall(SQLITE, f"sqlite:///{folder}/rollcall.db", size))
        one = await stack.enter_async_context(crowd(server, size))
        full = [(await one.closed(IN_FLIGHT, warm_up, seconds)).rate for _ in range(rounds)]
        return Latencies(full, await _at_shares(one, median(full), rounds, warm_up, seconds))


async def _at_shares(
    one: Crowd, full: float, rounds: int, warm_up: float, seconds: float
) -> dict[float, list[Round]]:
    results: dict[float, list[Round]] = {share: [] for share in SHARES}
    for _ in range(rounds):
        for share in SHARES:
            results[share].append(await one.paced(share * full, warm_up, seconds))
    return results


def report(latencies: Latencies) -> str:
    """The results as a Markdown table, below the load that its shares are of."""
    heading = (
        "load", "acknowledged marks/s", "to the ack, p50 ms", "p99 ms", "to the dashboard, p50 ms", "p99 ms",
        "server's core", "generator's core", "sent late, p99 ms",
    )  # fmt: skip
    rows = [
        (
            f"{share:.0%}",
            spread([r.rate for r in rounds]),
            *(_at([r.samples.ack_ms for r in rounds], q) for q in (0.5, 0.99)),
            *(_at([r.samples.push_ms for r in rounds], q) for q in (0.5, 0.99)),
            f"{median(r.server_cpu for r in rounds):.0%}",
            f"{median(r.generator_cpu for r in rounds):.0%}",
            _at([r.samples.late_ms for r in rounds], 0.99),
        )
        for share, rounds in latencies.rounds.items()
    ]
    return f"Full load: {spread(latencies.full)} marks/s.\n\n{table(heading, rows)}"


def _at(samples: Sequence[Sequence[float]], share: float) -> str:
    return spread([percentile(values, share) for values in samples], digits=1)
