"""A day at many schools: thousands of viewers of one Rollcall server, and marks at a steady pace for minutes.

Each room is a school with one class. Its viewers see the whole school; its teacher marks one student after
another. Every mark also moves the sheet's tally and the school's summary, which go to every viewer too, but
only marks are counted and timed: from when a mark was due until a viewer has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import protocols
from bench.cores import resident_bytes
from bench.generator import Generator, Load, generator
from bench.population import STUDENTS, populate_schools
from bench.quiet import pace as pace_now
from bench.servers import served
from bench.table import table

ROOMS = 200
MEMBERS_EACH = 50
PACE = 200
"""Marks per second: one per school, every teacher of a large town at once."""

MINUTE = 60.0
STEP = 2_000
"""Connections that are waited for together."""

MIB = 1 << 20
NAME = "Rollcall, SQLite"


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute, or the rest of one: its load, the server's resident bytes after it, and whether the machine
    was quiet (bench/quiet.py)."""

    load: Load
    memory: int
    quiet: bool


@dataclass(slots=True)
class Day:
    """What was measured. Resident bytes of the server: `empty` before anybody came, `start` with everybody
    connected and nothing said yet, `end` when nothing has been said for a moment after the last minute.
    """

    rooms: int
    members_each: int
    pace: int
    empty: int = 0
    start: int = 0
    end: int = 0
    minutes: list[Minute] = field(default_factory=list)


async def measure(
    folder: Path,
    *,
    rooms: int = ROOMS,
    members_each: int = MEMBERS_EACH,
    pace: int = PACE,
    minutes: float,
    settle: float,
) -> Day:
    """One server from before its first client to after its last mark.

    `settle`: seconds without load before memory is looked at first and last.
    LoadFailed if a mark did not reach every viewer of its school, or a connection ended.
    """
    day = Day(rooms, members_each, pace)
    database_url = f"sqlite:///{folder}/rollcall.db"
    population = await populate_schools(database_url, rooms, members_each)
    protocol = protocols.rollcall_marks(str(datetime.now(UTC).date()))
    async with (
        served(NAME, database_url, secret=population.secret) as server,
        generator(NAME, protocol, server.port, server.child.pid, population.tokens) as clients,
    ):
        pid = server.child.pid
        day.empty = resident_bytes(pid)
        await _fill(clients, rooms, members_each)
        await clients.idle(settle)
        day.start = resident_bytes(pid)
        before = pace_now()
        for seconds in spans(minutes):
            load = await clients.paced(pace * members_each, 0, seconds, members=members_each)
            after = pace_now()
            day.minutes.append(Minute(load, resident_bytes(pid), before.agrees(after)))
            before = after
        await clients.idle(settle)
        day.end = resident_bytes(pid)
        # Nobody needs the database any more, and thousands of goodbyes would take their time.
        server.child.kill()
    return day


def spans(minutes: float) -> list[float]:
    """Whole minutes and what is left, in seconds."""
    whole, rest = divmod(minutes * MINUTE, MINUTE)
    return [MINUTE] * int(whole) + ([rest] if rest else [])


def students(rooms: int) -> list[str]:
    """The ids of all students, so that room after room is marked and each room's students in turns."""
    return [f"s{room}-c1-p{place}" for place in range(1, STUDENTS + 1) for room in range(1, rooms + 1)]


async def _fill(clients: Generator, rooms: int, members_each: int) -> None:
    """Connect the teachers, who come first, and the viewers, each to the school of their token."""
    left = rooms * (1 + members_each)
    while left:
        some = min(STEP, left)
        await clients.connect(some)
        left -= some
    for room in range(rooms):
        await clients.subscribe(rooms + room * members_each, members_each, f"school:s{room + 1}")
    clients.write_to([(id, members_each) for id in students(rooms)], writers=rooms)


def report(day: Day) -> str:
    """The day as a Markdown table, a row for each minute."""
    heading = (
        "minute", "marks/s", "deliveries/s", "send to receipt, p50 ms", "p99 ms", "resident memory, MiB",
        "server's core", "generator's core", "sent late, p99 ms", "quiet",
    )  # fmt: skip
    rows = [
        (
            str(number),
            f"{minute.load.updates / minute.load.seconds:,.0f}",
            f"{minute.load.rate:,.0f}",
            f"{minute.load.p50_ms:.1f}",
            f"{minute.load.p99_ms:.1f}",
            _mib(minute.memory),
            f"{minute.load.server_share:.0%}",
            f"{minute.load.generator_share:.0%}",
            f"{minute.load.late_ms:.1f}",
            "yes" if minute.quiet else "no",
        )
        for number, minute in enumerate(day.minutes, 1)
    ]
    empty = ("",) * 4
    rows = [
        ("nobody connected", *empty, _mib(day.empty), *empty),
        ("start", *empty, _mib(day.start), *empty),
        *rows,
        ("end", *empty, _mib(day.end), *empty),
    ]
    clients = f"{day.rooms * day.members_each:,} clients in {day.rooms:,} rooms"
    return f"{clients}, {day.pace:,} marks a second:\n\n{table(heading, rows)}"


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f}"
