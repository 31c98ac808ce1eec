"""docs/architecture.md: the files, bounds and tests that it names are there, and its example works."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.core import load_handlers
from handlers.dispatch.consumers import CONSUMERS
from tests.pages import ARCHITECTURE, ROOT, code, prose, rows, section

PACKAGES = ("models", "handlers", "realtime", "app", "client")
PAGES = ROOT / "docs" / "pages.md"
COPIED = (*PACKAGES, "tests", "pyproject.toml")
APPENDED = re.compile(r"At the end of\n?\s?`([\w/.]+)`:\n\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLE_LIMIT = 120.0


def test_every_file_has_its_line_and_every_line_a_file() -> None:
    named = [path for row in rows(section(ARCHITECTURE, "Where everything is")) for path in code(row[0])]
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert sorted(path for path in named if path.endswith(".py")) == sorted(files)
    client = ROOT / "web" / "client"
    typescript = [path.relative_to(ROOT).as_posix() for path in client.rglob("src/**/*.ts")]
    assert sorted(path for path in named if path.endswith(".ts")) == sorted(typescript)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_about_the_pages_names_their_folders_and_what_lies_beside_them() -> None:
    sources = ROOT / "web" / "app" / "src"
    table = rows(section(PAGES, "Working on them"))
    named = [path for row in table for cell in row for path in code(cell) if path != "useTopic"]
    there = [path.name + "/" if path.is_dir() else path.name for path in sources.iterdir()]
    assert [path for path in there if path not in named] == []


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(
        r"`((?:app|realtime|handlers|models|client|web|tests|docs)/[\w/.]+)`", prose(ARCHITECTURE)
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_test_that_shows_a_guarantee_is_there() -> None:
    shown = [reference for reference in code(section(ARCHITECTURE, "Guarantees")) if "::" in reference]
    assert shown
    missing = []
    for reference in shown:
        path, _, name = reference.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, functions)}:
            missing.append(reference)
    assert missing == []


def test_every_guarantee_has_a_test() -> None:
    assert [row[0] for row in rows(section(ARCHITECTURE, "Guarantees")) if "::" not in row[2]] == []


def bounds() -> list[list[str]]:
    return [[code(row[1])[0], row[2]] for row in rows(section(ARCHITECTURE, "Bounds"))]


@pytest.mark.parametrize(("constant", "bound"), bounds())
def test_a_bound_is_the_real_one(constant: str, bound: str) -> None:
    module, _, name = constant.rpartition(".")
    assert f"{getattr(importlib.import_module(module), name):,}" == bound


def test_every_consumer_has_a_row() -> None:
    load_handlers()
    documented = [code(row[0])[0] for row in rows(section(ARCHITECTURE, "Consumers and copies"))]
    assert sorted(documented) == sorted(CONSUMERS)


def test_the_example_of_a_new_action_works_as_it_stands(tmp_path: Path) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "target")
            )
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    parts = APPENDED.findall(ARCHITECTURE.read_text())
    assert len(parts) == 3
    for path, source in parts:
        file = tmp_path / path
        file.write_text(f"{file.read_text()}\n\n{source}")
    (test,) = re.findall(r"def (test_\w+)", parts[-1][1])
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{parts[-1][0]}::{test}"]
    done = subprocess.run(
        run, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=EXAMPLE_LIMIT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
