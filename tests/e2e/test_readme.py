"""The clients in the README, run as they stand there against a server that was started as it says."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.pages import README, ROOT, blocks
from tests.parts.process import Child, environment_without
from tests.parts.serve import Rollcall, Serve

LIMIT = 60.0
CODE_LINES = 20

DERIVED = ["attendance.register", "attendance.tally", "attendance.summary"]


def block(language: str) -> str:
    """The README's one block of code in this language."""
    (source,) = blocks(README, language)
    return source


@pytest.fixture
async def demo(serve: Serve) -> Rollcall:
    """A server with the demo, as `scripts/run` starts it."""
    server = serve(None, "--demo")
    await server.wait_ready(LIMIT)
    return server


@pytest.fixture
def clients() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for client in started:
        client.kill()


def start(clients: list[Child], server: Rollcall, *command: str | Path) -> Child:
    """A client that runs until the test ends, with the server's address in its environment."""
    environment = environment_without("ROLLCALL_") | {"ROLLCALL_URL": server.url, "PYTHONUNBUFFERED": "1"}
    client = Child(command, env=environment, cwd=ROOT)
    clients.append(client)
    client.spawn()
    return client


async def said(client: Child, pattern: str) -> str:
    """What a line of the client's output holds in the pattern's group, once it is there."""
    found: str = (await asyncio.to_thread(client.wait_for_line, pattern, LIMIT))[1]
    return found


async def check(client: Child, read: Any) -> None:
    """Assert that the teacher has marked, and that the dashboard shows the mark and what follows from it."""
    ack = read(await said(client, r"^teacher: (.*)$"))
    assert (ack["ok"], ack["room"], ack["duplicate"]) == (True, "school:s1", False)
    mark = read(await said(client, r"^dashboard: attendance\.mark (.*)$"))
    assert mark == ack["data"]
    assert (mark["student_id"], mark["code"], mark["by"]) == ("s1-c1-p1", "P", "u-s1-teacher1")
    _, tally, summary = [
        read(await said(client, rf"^dashboard: {re.escape(type)} (.*)$")) for type in DERIVED
    ]
    assert (tally["counts"], tally["on_roll"]) == ({"P": 1}, 25)
    assert (summary["counts"], summary["registers"]) == ({"P": 1}, {"open": 1, "taken": 0})


async def test_the_python_client_marks_and_watches(
    demo: Rollcall, clients: list[Child], tmp_path: Path
) -> None:
    script = tmp_path / "client.py"
    script.write_text(block("python"))
    command = (sys.executable, script)
    await check(start(clients, demo, *command), literal_eval)

    # "A second run shows only the mark", so a third one's comes right behind it.
    seqs = []
    for _ in range(2):
        client = start(clients, demo, *command)
        seqs.append(literal_eval(await said(client, r"^dashboard: attendance\.mark (.*)$"))["seq"])
    assert seqs[1] == seqs[0] + 1


async def test_the_javascript_client_marks_and_watches(
    demo: Rollcall, clients: list[Child], node: Path
) -> None:
    # Given as text and not as a file, so that it finds its package from this folder.
    command = (node, "--input-type=module", "--eval", block("javascript"))
    await check(start(clients, demo, *command), json.loads)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_client_takes_twenty_lines(language: str) -> None:
    lines = [line for line in block(language).splitlines() if line.strip()]
    assert len(lines) <= CODE_LINES


async def test_the_way_to_mongodb(serve: Serve, tmp_path: Path, mongodb_database_url: str) -> None:
    (shell,) = [text for text in blocks(README, "") if "ROLLCALL_DATABASE_URL" in text]
    doctor, add, run = re.findall(r"^\.venv/bin/python -m app (.*)$", shell, re.MULTILINE)
    assert set(re.findall(r"^export (\w+)=", shell, re.MULTILINE)) == {
        "ROLLCALL_DATABASE_URL",
        "ROLLCALL_SECRET",
    }
    settings = {"ROLLCALL_DATABASE_URL": mongodb_database_url, "ROLLCALL_SECRET": "s" * 40}

    async def app(command: str, text: str = "") -> str:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "app", *shlex.split(command)],
            env=environment_without("ROLLCALL_") | settings,
            cwd=tmp_path,
            input=text,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "ok   storage: can be read and written" in await app(doctor)
    # The password, which the command asks for where there is a terminal.
    assert "you@example.org" in await app(f"{add} --password-stdin", "correct horse battery\n")
    assert run == "serve"
    server = serve(settings)
    await server.wait_ready(LIMIT)
    account = {"email": "you@example.org", "password": "correct horse battery"}
    async with aiohttp.request("POST", f"{server.url}/api/users/authenticate", json=account) as answer:
        assert answer.status == 200
        assert (await answer.json())["user"]["roles"] == [{"role": "admin", "scope": "org"}]
