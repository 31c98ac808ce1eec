"""Nodes under a seeded nemesis lose nothing, double nothing, swap nothing, and show what is stored; and a
build with one fault in it is caught by a run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.servers import Size
from tests.torture.broken import BREAKS, VARIABLE
from tests.torture.report import Report
from tests.torture.run import Plan, torture
from tests.torture.traffic import TWICE

SMALL = Size(schools=1, classes=2, students=5)

FOUND = {
    "drop an update": "lost",
    "drop an update openly": "lost",
    "acknowledge without writing": "lost",
    "push twice": "duplicated",
    "accept duplicates": "duplicated",
    "swap updates": "reordered",
    "decide backwards": "reordered",
    "show wrongly": "diverged",
    "acknowledge wrongly": "diverged",
    "write no record": "diverged",
    "make a mistake": "refused",
}
"""What a run finds in each broken build."""


async def calm(folder: Path, database_url: str, broken: str | None = None) -> Report:
    """A short run of one node without a nemesis, and with many duplicates."""
    plan = Plan(
        seed=20260302,
        seconds=2.0,
        nodes=1,
        with_redis=False,
        subscribers=6,
        writers=6,
        rate=120.0,
        faults=False,
        # Enough for a build that is not broken; in others, some wait for what never comes.
        begin=5.0,
        finish=10.0,
        settle=1.0,
        manner=TWICE,
        size=SMALL,
        database_url=database_url,
        module="app" if broken is None else "tests.torture.broken",
        env={} if broken is None else {VARIABLE: broken},
    )
    return await torture(plan, folder)


async def test_three_nodes_under_a_nemesis_keep_every_guarantee(tmp_path: Path) -> None:
    report = await torture(Plan(seed=20260302, seconds=12.0, rate=150.0), tmp_path)
    assert not report.violations, report.text()
    assert report.acknowledged == report.actions > 300
    assert sum(report.faults.values()) >= 4
    assert report.updates > 10 * report.actions


def test_every_broken_build_is_tried() -> None:
    assert FOUND.keys() == BREAKS.keys()


async def test_a_build_that_is_not_broken_is_found_in_order(
    tmp_path: Path, mongodb_database_url: str
) -> None:
    report = await calm(tmp_path, mongodb_database_url)
    assert not report.violations, report.text()
    assert report.acknowledged == report.actions > 100
    assert report.sends > 1.3 * report.actions


@pytest.mark.parametrize(("broken", "found"), FOUND.items())
async def test_a_broken_build_is_caught(
    tmp_path: Path, mongodb_database_url: str, broken: str, found: str
) -> None:
    report = await calm(tmp_path, mongodb_database_url, broken)
    assert report.violations.counts[found] > 0, report.text()
