"""The command line: `python -m bench`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import uvloop

from bench import connections as connections_bench
from bench import curves as curves_bench
from bench import day as day_bench
from bench import latency as latency_bench
from bench import marks as marks_bench
from bench import nodes as nodes_bench
from bench import pages as pages_bench
from bench import push as push_bench
from bench import reads as reads_bench
from bench import room as room_bench
from bench.fanout_servers import NAMES as FANOUT_NAMES
from bench.generator import LoadFailed
from bench.options import (
    fanout_options,
    load_options,
    mongodb_option,
    noisy_option,
    number,
    pictures_option,
    rounds_option,
    settle_option,
)
from bench.school_years import Years
from bench.servers import Size

P = ParamSpec("P")
T = TypeVar("T")

TEMPORARY = "rollcall-bench-"


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
    results = in_folder(
        marks_bench.measure,
        names=only or marks_bench.NAMES,
        in_flight=in_flight,
        rounds=rounds,
        warm_up=warm_up,
        seconds=seconds,
        size=Size(schools, classes),
        mongodb_url=mongodb_url,
    )
    click.echo(marks_bench.report(results))


@cli.command()
@load_options
def latency(rounds: int, seconds: float, warm_up: float, schools: int, classes: int) -> None:
    """Latencies at 20, 50 and 80 % of the full load."""
    results = in_folder(
        latency_bench.measure, rounds=rounds, warm_up=warm_up, seconds=seconds, size=Size(schools, classes)
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


@cli.command()
@fanout_options(FANOUT_NAMES, 1.5)
@number("--members", push_bench.MEMBERS, 15_000, "Of one topic.")
@number("--pace", push_bench.PACE, 10_000_000, "Deliveries per second.")
def push(
    rounds: int, seconds: float, warm_up: float, noisy: bool, only: tuple[str, ...], members: int, pace: int
) -> None:
    """One topic's updates to its members, beside the peers."""
    results = in_folder(
        push_bench.measure,
        names=only or FANOUT_NAMES,
        members=members,
        pace=pace,
        rounds=rounds,
        warm_up=warm_up,
        seconds=seconds,
        noisy=noisy,
    )
    click.echo(push_bench.report(results, pace))


@cli.command()
@rounds_option
@noisy_option
@click.option("--only", type=click.Choice(connections_bench.NAMES), multiple=True, help="Not all servers.")
@number("--first", connections_bench.FIRST, 100_000, "Connections before memory is looked at.")
@number("--connections", connections_bench.CONNECTIONS, 100_000, "Of which memory and speed are looked at.")
@click.option(
    "--level",
    "levels",
    type=click.IntRange(1, 100_000),
    multiple=True,
    default=connections_bench.LEVELS,
    show_default=True,
    help="Clients at which disconnects are measured: the first, the connections, or more.",
)
def connections(
    rounds: int, noisy: bool, only: tuple[str, ...], first: int, connections: int, levels: tuple[int, ...]
) -> None:
    """What a connection costs to make, to keep and to end."""
    if first >= connections:
        raise click.BadParameter("must be more than --first", param_hint="--connections")
    results = in_folder(
        connections_bench.measure,
        names=only or connections_bench.NAMES,
        first=first,
        connections=connections,
        levels=connections_bench.levels_within(levels),
        rounds=rounds,
        noisy=noisy,
    )
    click.echo(connections_bench.report(results))


@cli.command()
@fanout_options(curves_bench.NAMES, 0.7)
@click.option(
    "--members",
    type=click.IntRange(1, 15_000),
    multiple=True,
    default=curves_bench.MEMBERS,
    show_default=True,
)
@click.option(
    "--rooms", type=click.IntRange(1, 300), multiple=True, default=curves_bench.ROOMS, show_default=True
)
@number("--members-each", curves_bench.MEMBERS_EACH, 1_000, "Of each of several rooms.")
@pictures_option
def curves(
    rounds: int,
    seconds: float,
    warm_up: float,
    noisy: bool,
    only: tuple[str, ...],
    members: tuple[int, ...],
    rooms: tuple[int, ...],
    members_each: int,
    pictures: Path,
) -> None:
    """Deliveries and latency against members and rooms, with pictures."""
    places = curves_bench.Places(sorted(set(members)), sorted(set(rooms)), members_each)
    results = in_folder(
        curves_bench.measure,
        names=only or curves_bench.NAMES,
        places=places,
        rounds=rounds,
        warm_up=warm_up,
        seconds=seconds,
        noisy=noisy,
    )
    click.echo(curves_bench.report(results))
    write(curves_bench.pictures(results, members_each), pictures)


@cli.command()
@fanout_options(nodes_bench.NAMES, 1.5, warm_up=1.0)
@mongodb_option
@click.option(
    "--nodes",
    "counts",
    type=click.IntRange(1, 8),
    multiple=True,
    default=nodes_bench.COUNTS,
    show_default=True,
)
@settle_option
@number("--members", nodes_bench.MEMBERS, 5_000, "Of one topic, on each node.")
@number("--schools", nodes_bench.ROOMS.schools, 100, "Rooms that many write to.")
@number("--classes", nodes_bench.ROOMS.classes, 20, "Per school; each has a writer.")
@pictures_option
def nodes(
    rounds: int,
    seconds: float,
    warm_up: float,
    noisy: bool,
    only: tuple[str, ...],
    mongodb_url: str | None,
    counts: tuple[int, ...],
    settle: float,
    members: int,
    schools: int,
    classes: int,
    pictures: Path,
) -> None:
    """Fan-out over several nodes beside the peers, and rooms that several nodes write to."""
    if schools < max(counts):
        raise click.BadParameter("must be no fewer than the nodes", param_hint="--schools")
    results = in_folder(
        nodes_bench.measure,
        names=only or nodes_bench.NAMES,
        counts=sorted(set(counts)),
        members=members,
        rooms=Size(schools, classes),
        rounds=rounds,
        warm_up=warm_up,
        seconds=seconds,
        settle=settle,
        noisy=noisy,
        mongodb_url=mongodb_url,
    )
    click.echo(nodes_bench.report(results))
    write(nodes_bench.pictures(results.fanout), pictures)


@cli.command()
@click.option("--minutes", type=click.FloatRange(0.01, 1_440), default=10.0, show_default=True)
@number("--rooms", day_bench.ROOMS, 200, "Schools.")
@number("--members-each", day_bench.MEMBERS_EACH, 100, "Clients of each.")
@number("--pace", day_bench.PACE, 10_000, "Marks per second.")
@settle_option
def day(minutes: float, rooms: int, members_each: int, pace: int, settle: float) -> None:
    """Many clients in many rooms for minutes, at a steady pace: latency and memory."""
    measured = in_folder(
        day_bench.measure,
        rooms=rooms,
        members_each=members_each,
        pace=pace,
        minutes=minutes,
        settle=settle,
    )
    click.echo(day_bench.report(measured))


@cli.command()
@click.option(
    "--level",
    "levels",
    type=click.IntRange(5, 50_000),
    multiple=True,
    default=room_bench.LEVELS,
    show_default=True,
    help="Users of the topic.",
)
@rounds_option
@click.option(
    "--seconds", type=click.IntRange(2, 600), default=6, show_default=True, help="Each half of a round."
)
@settle_option
def room(levels: tuple[int, ...], rounds: int, seconds: int, settle: float) -> None:
    """One topic of thousands: what presence costs, and how a stop ends all connections."""
    measured = in_folder(room_bench.measure, levels=levels, rounds=rounds, seconds=seconds, settle=settle)
    click.echo(room_bench.report(measured))


@cli.command()
@noisy_option
@rounds_option
@click.option("--seconds", type=click.FloatRange(0.1, 60), default=10.0, show_default=True)
@number("--marks", pages_bench.MARKS, 1_000, "Of which each is timed.")
@number("--schools", pages_bench.SCHOOLS, 1_000, "Rows of the district's page.")
@number("--pace", pages_bench.PACE, 2_000, "Marks per second in all schools.")
def pages(noisy: bool, rounds: int, seconds: float, marks: int, schools: int, pace: int) -> None:
    """What people see of the pages in Chromium, and how soon."""
    results = in_folder(
        pages_bench.measure,
        schools=schools,
        pace=pace,
        marks=marks,
        rounds=rounds,
        seconds=seconds,
        noisy=noisy,
    )
    click.echo(pages_bench.report(results))


@cli.command(name="all")
@click.pass_context
def everything(context: click.Context) -> None:
    """Everything but the day, as the other commands do it by themselves."""
    for command in (marks, latency, reads, push, connections, curves, nodes, room, pages):
        click.echo(f"\n## {command.name}\n")
        context.invoke(command)


def write(pictures: Mapping[str, str], folder: Path) -> None:
    """Keep the pictures under their file names."""
    for name, text in pictures.items():
        (folder / name).write_text(text)
        click.echo(f"Wrote {folder / name}", err=True)


def in_folder(
    measure: Callable[Concatenate[Path, P], Coroutine[Any, Any, T]], *more: P.args, **options: P.kwargs
) -> T:
    """Run the measurement to its end, in a folder of its own. ClickException as `run`."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        return run(measure(Path(folder), *more, **options))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to the end. ClickException if a server or the load generator failed."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except LoadFailed as failed:
        raise click.ClickException(str(failed)) from None


def main() -> None:
    """Run the command that the process was started with."""
    cli(prog_name="scripts/bench")
