"""The command line: `python -m app`."""

from __future__ import annotations

import click

from app.commands.demo import demo
from app.commands.doctor import doctor
from app.commands.journal import journal
from app.commands.serve import serve
from app.commands.user import user
from app.main import package_version

PROGRAM = "python -m app"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings are environment variables; docs/configuration.md describes them all.",
)
@click.version_option(package_version(), prog_name="rollcall")
def cli() -> None:
    """Rollcall: real-time attendance and tasks for schools and teams."""


for command in (serve, demo, user, journal, doctor):
    cli.add_command(command)


def main() -> None:
    """Run the command that the process was started with."""
    cli(prog_name=PROGRAM)
