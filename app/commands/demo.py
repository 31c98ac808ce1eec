"""`demo`: demo data."""

from __future__ import annotations

import click

from app.commands.running import opened, run, settings_of_process
from app.config import Settings
from app.demo.load import Demo, Outcome
from app.demo.passwords import DEMO_PASSWORD
from app.demo.plan import Size
from app.main import Node

DEFAULT = Size()


@click.command()
@click.option("--schools", type=click.IntRange(0, 1000), default=DEFAULT.schools, show_default=True)
@click.option(
    "--classes",
    type=click.IntRange(0, 200),
    default=DEFAULT.classes,
    show_default=True,
    help="In each school.",
)
@click.option(
    "--students",
    type=click.IntRange(0, 200),
    default=DEFAULT.students,
    show_default=True,
    help="In each class.",
)
@click.option("--teams", type=click.IntRange(0, 1000), default=DEFAULT.teams, show_default=True)
@click.option("--seed", type=int, default=DEFAULT.seed, show_default=True, help="Another seed, other names.")
@click.option(
    "--password",
    metavar="TEXT",
    help="Of the accounts that are made, and of earlier demo accounts that still have the demo password."
    f"  [default: {DEMO_PASSWORD}, for new accounts]",
)
@click.option(
    "--history",
    type=click.IntRange(0, 400),
    default=0,
    metavar="DAYS",
    help="Marks of so many past school days.",
)
@click.option("--if-empty", is_flag=True, help="Do nothing if there is any school, team or user.")
def demo(
    schools: int,
    classes: int,
    students: int,
    teams: int,
    seed: int,
    password: str | None,
    history: int,
    if_empty: bool,
) -> None:
    """Load demo data: schools s1…, classes s1-c1…, students s1-c1-p1…, teams t1…, and accounts for all roles.

    Only what is missing is added, so the command can be run again, also with larger numbers. The accounts are
    admin@demo.test, head@s1.demo.test, office@…, viewer@…, teacher1@…, and lead@t1.demo.test, member1@….
    """
    settings = settings_of_process()
    size = Size(schools, classes, students, teams, seed)
    run(_demo(settings, size, password=password, history=history, if_empty=if_empty))


async def _demo(
    settings: Settings, size: Size, *, password: str | None, history: int, if_empty: bool
) -> None:
    async with opened(settings) as node:
        if if_empty and not await _demo_of(node, size).is_empty():
            click.echo("There is data already; nothing was added.")
            return
        await load_demo(node, size, password=password, history=history)


async def load_demo(
    node: Node, size: Size, *, password: str | None, history: int, absences: bool = False
) -> None:
    """Load the demo with a progress bar, and say what was done."""
    # Imported here because `serve`, which needs no bar at most of its starts, must start fast.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    demo = _demo_of(node, size)
    columns = (TextColumn("Loading the demo"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=demo.total(history))
        outcome = await demo.load(
            password=password,
            history=history,
            absences=absences,
            advance=lambda done: progress.advance(bar, done),
        )
    click.echo(_report(size, outcome))


def _demo_of(node: Node, size: Size) -> Demo:
    return Demo(
        size, core=node.core, credentials=node.credentials, passwords=node.passwords, clock=node.clock
    )


def _report(size: Size, outcome: Outcome) -> str:
    classes = size.schools * size.classes
    what = (
        f"{size.schools} schools, {classes} classes, {classes * size.students} students, {size.teams} teams"
    )
    done = f"{outcome.entries:,} entries written" if outcome.entries else "all of it was there already"
    line = f"Demo data: {what}; {done}."
    if outcome.passwords:
        line += f" {outcome.passwords} accounts have the new password."
    return line
