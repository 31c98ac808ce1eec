"""Every benchmark runs to its end and reports; what it measures is nobody's assertion."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.http.pages import FOLDER, INDEX
from bench.cli import cli
from bench.load import Dashboard, Load, Writer
from bench.school_years import Years, fill
from bench.servers import Size
from bench.table import percentile, spread
from tests.parts.browser import NAMES
from tests.parts.missing import missing

ROOT = Path(__file__).parents[1]
LIMIT = 120

TINY = ("--rounds", "1", "--seconds", "0.3", "--warm-up", "0.1", "--schools", "1", "--classes", "2")


def run(*arguments: str) -> str:
    """What a benchmark prints. A process of its own, for it binds itself to one core."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_lists_the_commands_that_there_are() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert set(re.findall(r"^\| `scripts/bench (\w+)` \|", page, re.MULTILINE)) == set(cli.commands)


def rows(printed: str) -> list[list[str]]:
    """The cells of the Markdown table that was printed, without its heading."""
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_marks_are_measured_beside_the_plain_way(mongodb_url: str) -> None:
    measured = rows(run("marks", *TINY, "--mongodb", mongodb_url))
    sqlite = ("Rollcall, SQLite", "plain, SQLite", "bare path, SQLite")
    names = (*sqlite, "Rollcall, MongoDB", "plain, MongoDB", "Node socket.io, MongoDB")
    assert [(row[0], row[1]) for row in measured] == [
        (name, in_flight) for in_flight in ("1", "8") for name in names
    ]
    assert [bool(row[3]) for row in measured] == [row[0].startswith("Rollcall") for row in measured]


def test_latency_is_measured_at_three_loads() -> None:
    assert [row[0] for row in rows(run("latency", *TINY))] == ["20%", "50%", "80%"]


def test_reads_are_measured_without_a_full_scan(tmp_path: Path) -> None:
    size = ("--marks", "1000", "--schools", "2", "--classes", "2", "--tasks", "20", "--reads", "3")
    printed = run("reads", "--rounds", "1", *size, "--folder", str(tmp_path))
    kinds = ("sheet", "summary of a school", "task list", "task list, filtered")
    assert [row[:2] for row in rows(printed)] == [
        [kind, way] for way in ("HTTP", "in the process") for kind in kinds
    ]
    assert "None of the statements reads" in printed


def test_pages_are_measured_in_a_browser() -> None:
    if not (FOLDER / INDEX).is_file():
        missing("The pages", "run scripts/build-web, which builds them")
    if not any(shutil.which(name) for name in NAMES):
        missing("Chromium", "install it (Debian: apt-get install chromium)")
    size = ("--schools", "2", "--seconds", "0.3", "--marks", "2", "--pace", "4")
    printed = run("pages", "--rounds", "1", "--noisy", *size)
    assert [row[0] for row in rows(printed) if row[0] != "---"] == [
        *("on the own screen", "in a second browser"),
        "a district of 2 schools",
        *("at rest", "moving", "moving, sorted by attendance"),
    ]


async def test_a_made_file_is_used_again_and_a_part_of_one_is_not(tmp_path: Path) -> None:
    file, years = tmp_path / "school-years.db", Years(Size(1, 1, 5), marks=100, tasks=20)
    assert await fill(file, years) >= 100
    made = file.stat().st_mtime_ns
    await fill(file, years)
    assert file.stat().st_mtime_ns == made
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM meta WHERE name LIKE 'bench%'")
    await fill(file, years)
    assert file.stat().st_mtime_ns != made


async def test_a_latency_counts_from_when_the_mark_was_due() -> None:
    load = Load(seed=1)
    writer, dashboard = Writer(load, "s1-c1", 25), Dashboard(load)
    due = load.samples.since + 1
    number = load.number(due)
    load.samples.since = due
    writer.on_ack(f'{number}[{{"ok":true}}]'.encode())
    dashboard.on_event(f'["update",{{"seq":1,"op_id":"{load.run}-{number}"}}]'.encode())
    assert load.samples.acked == len(load.samples.ack_ms) == len(load.samples.push_ms) == 1
    assert load.samples.ack_ms[0] < 0, "it was due a second later"


async def test_a_refused_mark_is_not_counted() -> None:
    load = Load(seed=1)
    Writer(load, "s1-c1", 25).on_ack(f'{load.number(0)}[{{"ok":false,"error":{{}}}}]'.encode())
    assert load.samples.acked == 0
    assert load.refused


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51), (0.99, 100), (0, 1)])
def test_percentile(share: float, expected: float) -> None:
    assert percentile(range(1, 101), share) == expected


def test_spread_has_the_median_between_the_ends() -> None:
    assert spread([3, 1, 20_000]) == "3 (1 to 20,000)"
