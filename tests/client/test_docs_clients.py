"""docs/clients.md: its examples, run as they stand there, and what it says of the libraries."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from client import effects
from tests.client.test_scenarios import TABLE
from tests.pages import ROOT, blocks, code, prose, rows, section
from tests.parts.process import Child, environment_without
from tests.parts.serve import Rollcall
from tests.waiting import until

PAGE = ROOT / "docs" / "clients.md"
CODE_LINES = 16
LIMIT = 60.0


def example(language: str) -> str:
    (source,) = blocks(PAGE, language)
    return source


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()


@pytest.fixture(params=["python", "javascript"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str | Path]:
    if request.param == "python":
        script = tmp_path / "sheet.py"
        script.write_text(example("python"))
        return [sys.executable, script]
    # Given as text and not as a file, so that it finds the package from this folder.
    node = request.getfixturevalue("javascript_client")
    return [node, "--input-type=module", "--eval", example("javascript")]


async def test_an_example_marks_watches_and_comes_back(
    command: list[str | Path], server: Rollcall, children: list[Child], tmp_path: Path
) -> None:
    more = {"ROLLCALL_URL": server.url, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    # Python keeps its queue in the folder it runs in; JavaScript finds its package from there.
    cwd = tmp_path if command[0] == sys.executable else ROOT
    child = Child(command, env=environment_without("ROLLCALL_") | more, cwd=cwd)
    children.append(child)
    child.spawn()
    saved = (await asyncio.to_thread(child.wait_for_line, r"^saved: (.*)$", LIMIT))[1]
    assert "s1-c1-p1" in saved
    await asyncio.to_thread(child.wait_for_line, r"^sheet: .*mark.*$", LIMIT)
    server.kill()
    await server.start()

    def statuses() -> list[str]:
        return [line for line in child.output.splitlines() if line.startswith("status: ")]

    back = ["status: offline", "status: catching_up", "status: live"]
    await until(lambda: statuses()[-3:] == back, LIMIT)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_an_example_is_short(language: str) -> None:
    lines = [line for line in example(language).splitlines() if line.strip()]
    assert len(lines) <= CODE_LINES


def test_the_page_has_every_state_and_every_reason() -> None:
    topics = {code(row[0])[0] for row in rows(section(PAGE, "Topics")) if len(row) == 2}
    assert set(get_args(effects.State)) <= topics
    actions = [code(row[0])[0] for row in rows(section(PAGE, "Actions"))]
    assert sorted(actions) == sorted(get_args(effects.ActionState))
    reasons = {name for row in rows(section(PAGE, "The connection")) for name in code(row[0])}
    assert reasons == set(get_args(effects.Why))


def test_the_numbers_of_the_page_are_the_real_ones() -> None:
    text = prose(PAGE)
    for number in ("10,000", "250,000", "up to 32"):
        assert number in text
    assert re.search(r"up to 1 s, then 2 s, then 4 s", text)
    assert TABLE["random"] == 0.5
