"""The pages of documentation, as their tests read them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)

README = ROOT / "README.md"
PROTOCOL = ROOT / "docs" / "protocol.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
COMMANDS = ROOT / "docs" / "commands.md"


def blocks(page: Path, language: str) -> list[str]:
    """The page's blocks of code in this language."""
    return [text for found, text in _FENCED.findall(page.read_text()) if found == language]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCED.sub("", page.read_text())


def headings(page: Path) -> list[str]:
    """The page's headings, in order."""
    return [title for _, title in _HEADING.findall(prose(page))]


def section(page: Path, title: str) -> str:
    """What stands below a heading, up to the next one of its level or a higher one."""
    text = prose(page)
    (start,) = [found for found in _HEADING.finditer(text) if found[2] == title]
    for end in _HEADING.finditer(text, start.end()):
        if len(end[1]) <= len(start[1]):
            return text[start.end() : end.start()]
    return text[start.end() :]


def tables(text: str) -> list[list[list[str]]]:
    """The tables in a text, each as its rows without the head, each row as its cells."""
    found = re.findall(r"^\|.*\|\n\|[-| ]+\|\n((?:\|.*\|\n?)+)", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines()] for body in found
    ]


def rows(text: str) -> list[list[str]]:
    """The rows of all tables in a text."""
    return [row for table in tables(text) for row in table]


def code(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)
