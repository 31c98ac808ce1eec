"""scripts/build-web: builds the pages when they are missing or older than what they are made of, or says why
not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INDEX = "app/static/web/index.html"
SOURCES = (
    "web/app/src/main.tsx",
    "web/app/src/pages/home.tsx",
    "web/client/src/core.ts",
    "web/app/public/favicon.svg",
    "web/app/index.html",
    "web/app/vite.config.ts",
    "web/app/package.json",
    "package-lock.json",
)
NEEDED = ("bash", "cat", "cmp", "cp", "dirname", "env", "find", "id", "rm", "sh", "tail")
OLD, NEW = 1_000_000_000, 2_000_000_000


class Project:
    """A project with pages, and a machine of which the tests say what is on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in NEEDED:
            (self.programs / name).symlink_to(shutil.which(name) or name)
        for name in ("build-web", "setup.sh"):
            self.write(f"scripts/{name}", (ROOT / "scripts" / name).read_text())
        for name in SOURCES:
            self.write(name, "")
        self.write("node_modules/.installed", "")
        self.write("requirements-node.lock", "nothing")
        self.program(folder / "node_modules/.bin/tsc", "exit 0")
        self.program(self.programs / "python3", "exit 1")

    def write(self, name: str, text: str, at: float = OLD) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (at, at))
        for parent in path.relative_to(self.folder).parents:
            os.utime(self.folder / parent, (OLD, OLD))

    def program(self, path: Path, lines: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)

    def has_node(self, *, good: bool = True, builds: bool = True) -> None:
        """Node and npm; `good`: new enough."""
        answer = 0 if good else 1
        self.program(self.programs / "node", f'case "$1" in -e) exit {answer};; esac; cat >/dev/null')
        build = f"echo built >{INDEX}" if builds else "echo there is an error in main.tsx; exit 1"
        self.program(self.programs / "npm", f"echo npm $* >>called; {build}")

    def build(self) -> subprocess.CompletedProcess[str]:
        (self.folder / "app/static/web").mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            ["bash", "scripts/build-web"],
            cwd=self.folder,
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def called(self) -> str:
        """The calls of npm."""
        path = self.folder / "called"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose pages are not built."""
    if sys.platform == "win32":
        pytest.skip("the scripts are for bash")
    return Project(tmp_path)


def test_pages_that_are_missing_are_built(project: Project) -> None:
    project.has_node()
    built = project.build()
    assert built.returncode == 0, built.stderr
    assert project.called == "npm run build --silent --workspace web/app\n"
    assert (project.folder / INDEX).read_text() == "built\n"


def test_pages_that_are_newer_than_their_sources_are_left_alone(project: Project) -> None:
    project.write(INDEX, "kept", at=NEW)
    built = project.build()
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    assert (project.folder / INDEX).read_text() == "kept"


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_has_changed_has_them_built_again(project: Project, source: str) -> None:
    project.has_node()
    project.write(INDEX, "old", at=NEW)
    project.write(source, "", at=NEW + 1)
    assert project.build().returncode == 0
    assert (project.folder / INDEX).read_text() == "built\n"


def test_where_there_are_no_sources_nothing_is_built(project: Project) -> None:
    (project.folder / "web/app/package.json").unlink()
    built = project.build()
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")


@pytest.mark.parametrize("old", [False, True])
def test_without_a_node_that_is_new_enough_it_says_so(project: Project, old: bool) -> None:
    if old:
        project.has_node(good=False)
    built = project.build()
    assert built.returncode == 1
    assert "need Node 20.19 or newer" in built.stderr.splitlines()[-1]
    assert project.called == ""


def test_a_build_that_fails_says_why(project: Project) -> None:
    project.has_node(builds=False)
    built = project.build()
    assert built.returncode == 1
    assert "there is an error in main.tsx" in built.stderr
    assert "cannot be built: this has failed" in built.stderr.splitlines()[-1]
