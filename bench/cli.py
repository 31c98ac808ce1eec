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
from bench import reads as reads_bench
from bench.school_years import Years
from bench.servers import Size

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

TEMPORARY = "rollcall-bench-"


def number(name: str, default: int, most: int, text: str = "") -> Callable[[F], F]:
    """An option for a whole number from 1."""
    return click.option(name, type=click.IntRange(1, most), default=default, show_default=True, help=text)


rounds_option = number("--rounds", 3, 20, "The table has the median, the smallest and the largest.")
mongodb_option = click.option(
    "--mongodb", "mongodb_url", envvar="ROLLCALL_TEST_MONGODB_URL", help="One that runs; else one is started."
)


def load_options(command: F) -> F:
    """How long a running server is under load, and whose."""
    for option in (
        number("--classes", 5, 20, "Per school; each has a writer."),
        number("--schools", 10, 100, "Each has a dashboard."),
        click.option("--warm-up", type=click.FloatRange(0, 60), default=1.0, show_default=True),
        click.option("--seconds", type=click.FloatRange(0.1, 60), default=4.0, show_default=True),
        rounds_option,
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Benchmarks, as Markdown tables. On a shared machine only the ratios within one run mean something."""


@cli.command()
@load_options
@mongodb_option
@click.option("--only", type=click.Choice(marks_bench.NAMES), multiple=True, help="Not all servers.")
@click.option("--in-flight", type=click.IntRange(1, 32), multiple=True, default=marks_bench.IN_FLIGHT)
def marks(
    rounds: int,
    seconds: float,
    warm_up: float,
    schools: int,
    classes: int,
    mongodb_url: str | None,
    only: tuple[str, ...],
    in_flight: tuple[int, ...],
) -> None:
    """Acknowledged marks per second, beside the plain way."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        results = run(
            marks_bench.measure(
                Path(folder),
                names=only or marks_bench.NAMES,
                in_flight=in_flight,
                rounds=rounds,
                warm_up=warm_up,
                seconds=seconds,
                size=Size(schools, classes),
                mongodb_url=mongodb_url,
            )
        )
    click.echo(marks_bench.report(results))


@cli.command()
@load_options
def latency(rounds: int, seconds: float, warm_up: float, schools: int, classes: int) -> None:
    """Latencies at 20, 50 and 80 % of the full load."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        results = run(
            latency_bench.measure(
                Path(folder), rounds=rounds, warm_up=warm_up, seconds=seconds, size=Size(schools, classes)
            )
        )
    click.echo(latency_bench.report(results))


@cli.command()
@rounds_option
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(tempfile.gettempdir(), f"{TEMPORARY}reads"),
    show_default=True,
    help="Where the file is made, or was made by an earlier run.",
)
@number("--reads", 500, 100_000, "Of each kind in each round.")
@number("--marks", 10_000_000, 100_000_000)
@number("--schools", 100, 1_000)
@number("--classes", 20, 100, "Per school.")
@number("--tasks", 1_000, 100_000, "Per team.")
def reads(rounds: int, folder: Path, reads: int, marks: int, schools: int, classes: int, tasks: int) -> None:
    """Reads on a large SQLite file, which is made first and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    years = Years(Size(schools, classes), marks, tasks)
    results = run(reads_bench.measure(folder, rounds=rounds, reads=reads, years=years))
    click.echo(reads_bench.report(results))


@cli.command(name="all")
@click.pass_context
def everything(context: click.Context) -> None:
    """Everything, as the other commands do it by themselves."""
    for command in (marks, latency, reads):
        click.echo(f"\n## {command.name}\n")
        context.invoke(command)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to the end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    """Run the command that the process was started with."""
    cli(prog_name="scripts/bench")
