"""Options that several benchmarks have: rounds, sizes, times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bench.push import SETTLE

F = TypeVar("F", bound=Callable[..., Any])

DOCS = Path(__file__).parents[1] / "docs"


def number(name: str, default: int, most: int, text: str = "") -> Callable[[F], F]:
    """An option for a whole number from 1."""
    return click.option(name, type=click.IntRange(1, most), default=default, show_default=True, help=text)


rounds_option = number("--rounds", 3, 20, "The table has the median, the smallest and the largest.")
noisy_option = click.option(
    "--noisy", is_flag=True, help="Count noisy rounds too, on a machine that is busy."
)
mongodb_option = click.option(
    "--mongodb", "mongodb_url", envvar="ROLLCALL_TEST_MONGODB_URL", help="One that runs; else one is started."
)

settle_option = click.option(
    "--settle",
    type=click.FloatRange(0, 60),
    default=SETTLE,
    show_default=True,
    help="Seconds without load after everybody has come.",
)
pictures_option = click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    default=DOCS,
    help="The folder for the pictures.  [default: docs]",
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


def fanout_options(names: tuple[str, ...], seconds: float, warm_up: float = 0.3) -> Callable[[F], F]:
    """Which servers' fan-out is measured, and for how long in each round."""

    def add(command: F) -> F:
        for option in (
            click.option("--only", type=click.Choice(names), multiple=True, help="Not all servers."),
            noisy_option,
            click.option("--warm-up", type=click.FloatRange(0, 60), default=warm_up, show_default=True),
            click.option("--seconds", type=click.FloatRange(0.1, 60), default=seconds, show_default=True),
            rounds_option,
        ):
            command = option(command)
        return command

    return add
