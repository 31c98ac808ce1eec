"""`journal`: the audit trail of a room."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import click
import orjson

from app.commands.running import run, settings_of_process
from app.config import Settings
from app.main import journal_from
from models.errors import Invalid
from models.journal import ORG, Entry
from models.topic import parse_topic

LINES = 20
PAGE = 500
PAUSE = 0.5


class Journal(Protocol):
    """What is read here of a storage."""

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]: ...

    async def read(self, room: str, *, after: int, limit: int) -> list[Entry]: ...


class Room(click.ParamType[str]):
    """A room's name."""

    name = "ROOM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself."""
        try:
            topic = parse_topic(value)
        except Invalid:
            topic = None
        if topic is None or topic.noun not in (ORG, "school", "team", "user"):
            self.fail(f"{value!r} must be org, school:ID, team:ID or user:ID", param, ctx)
        return topic.name


@click.group()
def journal() -> None:
    """The journal of a room: every change, who made it and when."""


@journal.command()
@click.argument("room", type=Room())
@click.option("--after", type=click.IntRange(0), metavar="N", help=f"After this seq, not the newest {LINES}.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Whole entries, one JSON object a line.")
def tail(room: str, after: int | None, follow: bool, as_json: bool) -> None:
    """Print the newest entries of ROOM: org, school:ID, team:ID or user:ID.

    Also while a server uses the same database.
    """
    settings = settings_of_process()
    try:
        run(_tail(settings, room, after, follow, as_json))
    except KeyboardInterrupt:
        return


async def _tail(settings: Settings, room: str, after: int | None, follow: bool, as_json: bool) -> None:
    source = journal_from(settings)
    await source.open()
    try:
        head = (await source.heads([room]))[room]
        seq = max(0, head - LINES) if after is None else after
        if head == 0:
            click.echo(f"{room} has no entries", err=True)
        seq = await _print_after(source, room, seq, as_json)
        while follow:
            await asyncio.sleep(PAUSE)
            seq = await _print_after(source, room, seq, as_json)
    finally:
        await source.close()


async def _print_after(source: Journal, room: str, seq: int, as_json: bool) -> int:
    """Print everything behind `seq`; the seq of the last one."""
    while entries := await source.read(room, after=seq, limit=PAGE):
        for entry in entries:
            click.echo(orjson.dumps(entry.to_wire()) if as_json else _line(entry))
        seq = entries[-1].seq
    return seq


def _line(entry: Entry) -> str:
    data = {name: value for name, value in entry.data.items() if name not in ("kind", "id", "seq")}
    what = f"{entry.data['kind']} {entry.data['id']}"
    return f"{entry.seq:>7} {entry.at} {entry.by or '-'} {entry.type} {what} {orjson.dumps(data).decode()}"
