"""How much the pages weigh: what a phone has to fetch before it shows something."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from app.http.pages import FOLDER
from tests.parts.missing import missing

FIRST_LOAD = 150_000
"""Bytes of JavaScript, as they travel."""

SCRIPTS = re.compile(rb'(?:src|href)="/assets/([\w.-]+\.js)"')


@pytest.fixture
def assets() -> Path:
    """The folder of what pages load."""
    if not (FOLDER / "index.html").is_file():
        missing("The pages", "run scripts/build-web, which builds them")
    return FOLDER / "assets"


def loaded_with(assets: Path, first: set[str]) -> set[str]:
    """These scripts and all that they import at once."""
    found: set[str] = set()
    waiting = set(first)
    while waiting:
        name = waiting.pop()
        found.add(name)
        text = (assets / name).read_bytes()
        at_once = re.findall(rb'import\s*(?:[\w{},*$\s]*from\s*)?"\./([\w.-]+\.js)"', text)
        waiting |= {found_name.decode() for found_name in at_once} - found
    return found


def test_every_page_loads_within_its_budget(assets: Path) -> None:
    start = {name.decode() for name in SCRIPTS.findall((FOLDER / "index.html").read_bytes())}
    assert start
    pages = [path.name for path in assets.glob("*.js")]
    weights = {
        page: sum(
            len(gzip.compress((assets / name).read_bytes())) for name in loaded_with(assets, {*start, page})
        )
        for page in pages
    }
    assert {page: weight for page, weight in weights.items() if weight > FIRST_LOAD} == {}


def test_the_pages_name_no_other_server() -> None:
    text = b"".join(path.read_bytes() for path in FOLDER.rglob("*.html"))
    assert re.findall(rb'(?:src|href|action)="(?:https?:)?//[^"]*"', text) == []
