"""The command line: `python -m bench`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop

from bench import latency as latency_bench
from bench import marks as marks_bench
from bench.servers import Size

T = TypeVar("T")

F = TypeVar("F", bound=Callable[..., Any])


def options(command: F) -> F:
    """The options that every measurement of a running server takes."""
    for option in (
        click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True),
        click.option("--seconds", type=click.FloatRange(0.1, 60), default=4.0, show_default=True),
        click.option("--warm-up", type=click.FloatRange(0, 60), default=1.0, show_default=True),
        click.option("--schools", type=click.IntRange(1, 100), default=10, show_default=True),
        click.option("--classes", type=click.IntRange(1, 20), default=5, show_default=True, help="Per school; each has a writer."),
        click.option("--mongodb", "mongodb_url", envvar="ROLLCALL_TEST_MONGODB_URL", help="A MongoDB to use."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Benchmarks, as Markdown tables. Only the ratios within one run mean something on a shared machine."""


@cli.command()
@options
@click.option("--only", type=click.Choice(marks_bench.NAMES), multiple=True, help="Not all of them.")
@click.option("--in-flight", type=click.IntRange(1, 32), multiple=True, default=marks_bench.IN_FLIGHT)
def marks(only: tuple[str, ...], in_flight: tuple[int, ...], rounds: int, seconds: float, warm_up: float, schools: int, classes: int, mongodb_url: str | None) -> None:
    """Acknowledged marks per second, beside the plain way."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        results = run(
            marks_bench.measure(
                Path(folder), rounds=rounds, warm_up=warm_up, seconds=seconds,
                names=only or marks_bench.NAMES, in_flight=in_flight, size=Size(schools, classes), mongodb_url=mongodb_url,
            )
        )  # fmt: skip
    click.echo(marks_bench.report(results))


@cli.command()
@options
def latency(rounds: int, seconds: float, warm_up: float, schools: int, classes: int, mongodb_url: str | None) -> None:
    """Latencies at 20, 50 and 80 % of the full load."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        results = run(
            latency_bench.measure(
                Path(folder), rounds=rounds, warm_up=warm_up, seconds=seconds, size=Size(schools, classes)
            )
        )
    click.echo(latency_bench.report(results))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to the end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    """Run the command that the process was started with."""
    cli(prog_name="scripts/bench")
