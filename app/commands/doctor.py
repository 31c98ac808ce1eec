"""`doctor`: is everything as it must be?"""

from __future__ import annotations

import click

from app.commands.running import Failure, run
from app.doctor import FAIL, examine

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
def doctor() -> None:
    """Check configuration, storage, clock and machine, and say what to do.

    Also while a server runs. Exit status 1 if anything must be mended.
    """
    failed = run(_print())
    if failed:
        raise Failure(f"{failed} of the checks failed")


async def _print() -> int:
    """Print the findings as they come; how many must be mended."""
    failed = 0
    async for finding in examine():
        level = click.style(f"{finding.level:<4}", fg=COLOURS[finding.level], bold=finding.level == FAIL)
        click.echo(f"{level} {finding.subject}: {finding.text}")
        failed += finding.level == FAIL
    return failed
