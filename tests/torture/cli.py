"""The command line: `scripts/torture`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import click
import pytest
import uvloop

from tests.torture.report import Report
from tests.torture.run import Plan, torture


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(0.1, 600), default=5.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of faults and actions.")
@click.option("--nodes", type=click.IntRange(1, 9), default=3, show_default=True)
@click.option("--subscribers", type=click.IntRange(1, 1000), default=60, show_default=True)
@click.option("--writers", type=click.IntRange(1, 100), default=12, show_default=True)
@click.option("--rate", type=click.FloatRange(1), default=300.0, show_default=True, help="Actions a second.")
@click.option("--redis/--no-redis", default=True, show_default=True)
@click.option("--faults/--no-faults", default=True, show_default=True)
@click.option("--memory", default="3g", show_default=True, help="Of the stand-in for MongoDB.")
def main(
    minutes: float,
    seed: int,
    nodes: int,
    subscribers: int,
    writers: int,
    rate: float,
    redis: bool,
    faults: bool,
    memory: str,
) -> None:
    """Torture a cluster, and report what it lost, doubled, reordered or showed wrongly.

    That should be nothing; ends with 1 if it was anything.
    """
    plan = Plan(
        seed=seed,
        seconds=minutes * 60,
        nodes=nodes,
        with_redis=redis,
        subscribers=subscribers,
        writers=writers,
        rate=rate,
        faults=faults,
        memory=memory,
    )
    report = run(plan)
    click.echo(report.text())
    sys.exit(1 if report.violations else 0)


def run(plan: Plan) -> Report:
    """Run it to the end, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="rollcall-torture-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        try:
            return runner.run(torture(plan, Path(folder), lambda line: click.echo(line, err=True)))
        except pytest.skip.Exception as missing:
            # What starts servers skips a test where a part is missing. This is none: it fails and says so.
            raise click.ClickException(str(missing)) from None
