"""Reads on a large SQLite file, one after the other: through the HTTP door, then the same without it.

Every statement that they run is explained: none may read a table or an index from one end to the other.
"""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp

from app.clock import SystemClock
from app.storage.sqlite import SqliteStorage
from bench.cores import generator_core, pin
from bench.school_years import Years, fill
from bench.servers import served, sign_in
from bench.table import percentile, spread, table
from handlers.access import Access
from handlers.attendance_reads import sheet, summary
from handlers.core import load_handlers
from handlers.dispatch.org import OrgView
from handlers.dispatch.rooms import Rooms
from handlers.task_reads import TaskReads
from models.actor import SYSTEM
from tests.parts.plans import Plans

SEED = 20260302
PAGE = 50
"""Tasks of one page."""

BY_HTTP, DIRECT = "HTTP", "in the process"

FILTERS = {"status": "open", "sort": "-due"}
"""What the narrowed task list asks for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one read asks for."""

    school_id: str
    class_id: str
    day: str
    period: str
    team_id: str


@dataclass(slots=True)
class Results:
    """Milliseconds of each read by name and way, round by round; `scans`: statements without an index."""

    marks: int
    times: dict[tuple[str, str], list[list[float]]] = field(default_factory=dict)
    scans: list[str] = field(default_factory=list)


Read = Callable[[Wanted], Awaitable[object]]


async def measure(folder: Path, *, rounds: int, reads: int, years: Years) -> Results:
    """Make the file if needed, and read from it; `reads` of each kind in each round."""
    path = folder / "school-years.db"
    results = Results(await fill(path, years))
    pin(os.getpid(), generator_core())
    wanted = _wanted(years, rounds * reads)
    async with served("Rollcall", f"sqlite:///{path}") as server:
        teams = years.team_ids
        emails = ["admin@demo.test", *(f"lead@{team_id}.demo.test" for team_id in teams)]
        tokens = await sign_in(server.url, emails)
        async with aiohttp.ClientSession(server.url) as session:
            await _time_all(results, BY_HTTP, _over_http(session, tokens), wanted, rounds)
    plans = Plans()
    load_handlers()
    storage = SqliteStorage(path, trace=plans.record)
    await storage.open()
    try:
        await _time_all(results, DIRECT, _directly(storage), wanted, rounds)
    finally:
        await storage.close()
    results.scans = plans.scans(path)
    return results


def _wanted(years: Years, count: int) -> list[Wanted]:
    choice = random.Random(SEED)  # noqa: S311 - needs no secrecy
    wanted = []
    for _ in range(count):
        class_id = choice.choice(years.size.class_ids)
        school_id = class_id.partition("-")[0]
        day, team_id = choice.choice(years.days), choice.choice(years.team_ids)
        wanted.append(Wanted(school_id, class_id, day, choice.choice("123456"), team_id))
    return wanted


def _over_http(session: aiohttp.ClientSession, tokens: dict[str, str]) -> dict[str, Read]:
    async def get(path: str, email: str = "admin@demo.test") -> object:
        async with session.get(path, headers={"Authorization": f"Bearer {tokens[email]}"}) as response:
            answer = await response.json()
            if response.status != 200:
                raise RuntimeError(f"{path}: {answer}")
            return answer

    def tasks(wanted: Wanted, filters: str) -> Awaitable[object]:
        path = f"/api/teams/{wanted.team_id}/tasks?limit={PAGE}{filters}"
        return get(path, f"lead@{wanted.team_id}.demo.test")

    filters = "".join(f"&{name}={value}" for name, value in FILTERS.items())
    return {
        "sheet": lambda w: get(f"/api/classes/{w.class_id}/registers/{w.day}/{w.period}"),
        "summary of a school": lambda w: get(f"/api/schools/{w.school_id}/summary?date={w.day}"),
        "task list": lambda w: tasks(w, ""),
        "task list, filtered": lambda w: tasks(w, filters),
    }


def _directly(storage: SqliteStorage) -> dict[str, Read]:
    org, rooms = OrgView(storage), Rooms(storage)
    access = Access(storage, org, rooms)
    tasks = TaskReads(storage, access, SystemClock())

    async def read_sheet(w: Wanted) -> object:
        room = await access.school_class(SYSTEM, w.class_id)
        return await sheet(storage, org, room, w.class_id, w.day, w.period)

    async def read_summary(w: Wanted) -> object:
        return await summary(storage, await access.school(SYSTEM, w.school_id), w.day)

    return {
        "sheet": read_sheet,
        "summary of a school": read_summary,
        "task list": lambda w: tasks.of_team(SYSTEM, w.team_id, {}, limit=PAGE),
        "task list, filtered": lambda w: tasks.of_team(SYSTEM, w.team_id, FILTERS, limit=PAGE),
    }


async def _time_all(
    results: Results, way: str, reads: dict[str, Read], wanted: list[Wanted], rounds: int
) -> None:
    """Each round takes its own part of what is wanted; all kinds of read take the same."""
    count = len(wanted) // rounds
    for i in range(rounds):
        for name, read in reads.items():
            times = []
            for one in wanted[i * count : (i + 1) * count]:
                begin = perf_counter()
                await read(one)
                times.append((perf_counter() - begin) * 1e3)
            results.times.setdefault((name, way), []).append(times)


def report(results: Results) -> str:
    """The results as a Markdown table, and what was found of scans."""
    heading = ("read", "way", "reads", "p50 ms", "p99 ms", "slowest ms")
    rows = [
        (
            name,
            way,
            str(sum(map(len, rounds))),
            spread([median(times) for times in rounds], 1),
            spread([percentile(times, 0.99) for times in rounds], 1),
            f"{max(map(max, rounds)):.1f}",
        )
        for (name, way), rounds in results.times.items()
    ]
    scans = "\n".join(results.scans) or "None of the statements reads a table or an index from end to end."
    return f"{results.marks:,} marks.\n\n{table(heading, rows)}\n\n{scans}"
