import asyncio
import os
import signal
import sys
from pathlib import Path

import orjson
import pytest

from tests.app.commands.terminal import Terminal
from tests.kit import CoreKit
from tests.parts.process import Child, environment_without


def test_journal_tail_prints_the_newest_entries_in_order(school: Terminal) -> None:
    head = school.look(lambda kit: kit.storage.heads(["team:t1"]))["team:t1"]
    lines = school.ok("journal", "tail", "team:t1").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(head - 19, head + 1))
    assert any(" u-t1-lead task.create task task-" in line for line in lines)
    lines = school.ok("journal", "tail", "team:t1", "--after", "0").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, head + 1))
    assert school.ok("journal", "tail", "team:t1", "--after", str(head)) == ""


def test_journal_tail_as_json_is_the_audit_trail(school: Terminal) -> None:
    lines = school.ok("journal", "tail", "school:s1", "--after", "0", "--json").splitlines()
    entries = school.look(lambda kit: kit.storage.read("school:s1", after=0, limit=100))
    assert [orjson.loads(line) for line in lines] == [entry.to_wire() for entry in entries]


def test_journal_tail_of_a_room_without_entries_says_so(school: Terminal) -> None:
    result = school.run("journal", "tail", "school:s9")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "school:s9 has no entries\n")


@pytest.mark.parametrize("room", ["class:s1-c1", "summary:s1", "school:", "everything", ""])
def test_journal_tail_of_what_is_no_room_is_misuse(room: str, terminal: Terminal) -> None:
    result = terminal.run("journal", "tail", room)
    assert result.exit_code == 2
    assert "must be org, school:ID, team:ID or user:ID" in result.stderr


def test_journal_tail_without_a_database_says_what_to_do(terminal: Terminal) -> None:
    line = terminal.fails("journal", "tail", "org")
    assert line == f"there is no database {terminal.file} yet: start the server first"
    assert not terminal.file.exists()


async def test_journal_tail_follows_a_database_that_is_in_use(core: CoreKit, tmp_path: Path) -> None:
    await core.actor("u1")
    environment = environment_without("ROLLCALL_") | {
        "ROLLCALL_DATABASE_URL": f"sqlite:///{tmp_path}/rollcall.db",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "app", "journal", "tail", "org", "--follow"]
    child = Child(command, env=environment, cwd=tmp_path)
    child.spawn()
    try:
        await asyncio.to_thread(child.wait_for_line, r"^ +1 .* user u1 ")
        await core.actor("u2")
        await asyncio.to_thread(child.wait_for_line, r"^ +2 .* user u2 ")
        os.kill(child.pid, signal.SIGINT)
        assert await child.exited() == 0
        assert len(child.output.splitlines()) == 2
    finally:
        child.kill()
