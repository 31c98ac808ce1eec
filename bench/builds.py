"""Builds what the fan-out benchmarks need besides Python, when it is first needed: the load generator and the
peers, from `bench/native/` and `bench/peers/` into `bench/build/`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

HERE = Path(__file__).parent
BUILT = HERE / "build"
NODE = HERE / "peers" / "node"
CENTRIFUGE = HERE / "peers" / "centrifuge"

COMPILERS = ("gcc", "clang", "cc")
C_FLAGS = ("-O2", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra")
LIMIT = 900.0
"""Seconds; Go compiles the peer and all that it depends on."""


class ToolMissing(click.ClickException):
    """A compiler or another tool is not on this machine; the message says what to install."""


def generator() -> Path:
    """The load generator."""
    return _compiled("generator", HERE / "native" / "generator")


def limit() -> Path:
    """The server that does nothing but send."""
    return _compiled("limit", HERE / "peers" / "limit")


def centrifuge() -> Path:
    """The server on Centrifugo's library."""
    built = BUILT / "centrifuge"
    sources = [*CENTRIFUGE.glob("*.go"), CENTRIFUGE / "go.mod", CENTRIFUGE / "go.sum"]
    if _is_older(built, sources):
        go = _tool(["go"], "Centrifugo's library", "install Go 1.26 or newer, or leave it out with --only")
        _run(
            [go, "build", "-trimpath", "-o", str(built), "."],
            CENTRIFUGE,
            "Centrifugo's library: some minutes",
        )
    return built


def node(program: str = "server.js") -> list[str]:
    """The command of a server on Node's socket.io, without its port."""
    advice = (
        "install Node 18 or newer with npm (Debian, Ubuntu: apt-get install nodejs npm),"
        " or leave it out with --only"
    )
    command = [_tool(["node"], "Node's socket.io", advice), str(NODE / program)]
    installed, lock = NODE / "node_modules" / ".installed", NODE / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        _run([_tool(["npm"], "Node's socket.io", advice), "ci", "--silent"], NODE, "Node's socket.io")
        shutil.copy(lock, installed)
    return command


def _compiled(name: str, folder: Path) -> Path:
    built, sources = BUILT / name, sorted(folder.glob("*.[ch]"))
    if _is_older(built, sources):
        compiler = _tool(
            COMPILERS,
            "the load generator",
            "install a C compiler (Debian, Ubuntu: apt-get install gcc libc6-dev)",
        )
        files = [str(source) for source in sources if source.suffix == ".c"]
        BUILT.mkdir(exist_ok=True)
        # Put in its place whole: another process may build or start it at the same moment.
        new = BUILT / f"{name}.{os.getpid()}"
        _run([compiler, *C_FLAGS, "-o", str(new), *files], folder, name)
        new.replace(built)
    return built


def _is_older(built: Path, sources: Sequence[Path]) -> bool:
    return not built.exists() or built.stat().st_mtime < max(source.stat().st_mtime for source in sources)


def _tool(names: Sequence[str], needed_by: str, advice: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    raise ToolMissing(f"{needed_by} needs {names[0]}, which is not here: {advice}")


def _run(command: Sequence[str], folder: Path, what: str) -> None:
    sys.stderr.write(f"Building {what}\n")
    try:
        done = subprocess.run(  # noqa: S603 - a tool that was looked up, with our arguments
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        raise click.ClickException(f"`{' '.join(command)}` took more than {LIMIT:g} s") from None
    if done.returncode:
        raise click.ClickException(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
