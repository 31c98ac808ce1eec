"""What only the embedded store has: one file for one process at a time, which may be killed at any moment."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.storage import sqlite_pool
from app.storage.sqlite import SqliteStorage
from models.journal import last_by_record
from models.ports import StorageLost
from models.query import query
from tests.app.storage.appender import ROOMS
from tests.app.storage.conftest import Open
from tests.contract.samples import OTHER_ROOM, ROOM, plain, put, read_all, sample
from tests.parts.process import Child
from tests.waiting import until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def appender(path: Path) -> Iterator[Callable[[str], Child]]:
    """Starts processes that append to the store without end; all are ended after the test."""
    started: list[Child] = []

    def start(run: str) -> Child:
        child = Child([sys.executable, "-m", "tests.app.storage.appender", str(path), run], cwd=ROOT)
        started.append(child)
        child.spawn()
        return child

    yield start
    for child in started:
        child.kill()


class TestOneProcess:
    async def test_a_second_process_is_refused_with_one_clear_line(
        self, open_sqlite: Open, path: Path, appender: Callable[[str], Child]
    ) -> None:
        await open_sqlite()
        child = appender("second")
        assert await child.exited(30) != 0
        refusal = child.output.splitlines()[-1]
        assert refusal.startswith(f"models.ports.StorageRefused: {path} is in use by process {os.getpid()} (")
        assert refusal.endswith("); stop it or use another ROLLCALL_DATABASE_URL")
        assert "pytest" in refusal

    async def test_the_refusal_names_the_process_that_has_the_file(
        self, open_sqlite: Open, path: Path, appender: Callable[[str], Child]
    ) -> None:
        child = appender("first")
        await asyncio.to_thread(child.wait_for_line, "acknowledged")
        command = rf"python\S* -m tests.app.storage.appender {path}"
        with pytest.raises(Exception, match=rf"process {child.pid} \({command}\); stop it") as refused:
            await open_sqlite()
        assert type(refused.value).__name__ == "StorageRefused"

    async def test_the_file_is_free_again_after_a_kill(
        self, open_sqlite: Open, appender: Callable[[str], Child]
    ) -> None:
        child = appender("first")
        await asyncio.to_thread(child.wait_for_line, "acknowledged")
        child.kill()
        await open_sqlite()

    async def test_the_file_is_free_again_after_closing(self, open_sqlite: Open) -> None:
        for _ in range(3):
            storage = await open_sqlite()
            await storage.close()

    async def test_closing_ends_the_threads_and_leaves_one_file(self, open_sqlite: Open, path: Path) -> None:
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a"))
        await storage.get(ROOM, "sample", "a")
        await storage.close()
        assert not [thread.name for thread in threading.enumerate() if "sqlite" in thread.name]
        assert not path.with_name("rollcall.db-wal").exists()

    async def test_closing_ends_the_writer_and_gives_the_file_back_although_a_read_hangs(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        storage = await open_sqlite()
        readers, go_on = storage._parts.readers, threading.Event()
        try:
            with monkeypatch.context() as impatient:
                impatient.setattr(sqlite_pool, "READ_LIMIT", 0.2)
                with pytest.raises(StorageLost, match="no answer"):
                    await storage.look(lambda connection: go_on.wait(20))
                with pytest.raises(StorageLost, match="a read did not end"):
                    await storage.close()
            assert "sqlite writer" not in [thread.name for thread in threading.enumerate()]
            await put(await open_sqlite(), ROOM, sample("a"))
        finally:
            go_on.set()
            await readers.close()

    async def test_a_second_storage_in_the_same_process_is_refused(self, open_sqlite: Open) -> None:
        storage = await open_sqlite()
        with pytest.raises(Exception, match=f"process {os.getpid()} "):
            await open_sqlite()
        await put(storage, ROOM, sample("a"))

    async def test_only_the_owner_may_read_the_files(self, sqlite: SqliteStorage, path: Path) -> None:
        await put(sqlite, ROOM, sample("a"))
        files = list(path.parent.iterdir())
        assert {file.name for file in files} >= {"rollcall.db", "rollcall.db-wal", "rollcall.db.lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


class TestKilled:
    @pytest.fixture
    def path(self, folder_on_disk: Path, sample_kinds: None) -> Path:
        return folder_on_disk / "rollcall.db"

    async def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(
        self, open_sqlite: Open, appender: Callable[[str], Child]
    ) -> None:
        dice = random.Random(3)
        for run in range(6):
            child = appender(f"run{run}")
            acknowledgements = dice.randrange(1, 60)
            await until(lambda: child.output.count("acknowledged") >= acknowledgements, 60)  # noqa: B023
            child.kill()
            acknowledged = dict.fromkeys(ROOMS, 0)
            for line in child.output.splitlines():
                match line.split():
                    case ["acknowledged", room, seq]:
                        acknowledged[room] = int(seq)
            storage = await open_sqlite()
            for room, head in acknowledged.items():
                await self.check(storage, room, head)
            await storage.close()

    async def check(self, storage: SqliteStorage, room: str, acknowledged: int) -> None:
        entries = await read_all(storage, room)
        assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
        assert len(entries) >= acknowledged
        assert len(entries) % 3 == 0
        assert (await storage.heads([room]))[room] == len(entries)
        state = last_by_record(entries)
        loaded = await storage.load(room, [], list(state))
        assert loaded.records == state
        shared = state.get(("sample", f"{room}-shared"))
        if shared is not None:
            found = await storage.find(query("sample", room=room, containing={"labels": shared["labels"][1]}))
            assert found == [shared]
        ops = [op for e in entries if (op := e.op)]
        assert set((await storage.load(room, ops, [])).answers) == set(ops)
        assert await storage.cursor("notify", room) <= len(entries)


class TestShortenedJournal:
    async def test_start_is_the_seq_before_the_first_entry_that_is_left(self, sqlite: SqliteStorage) -> None:
        await put(sqlite, OTHER_ROOM, sample("x"))
        await put(sqlite, ROOM, *(sample(f"r{i}") for i in range(5)))
        await put(sqlite, "school:s3", sample("y"))
        for expected, record in zip((1, 2, 3, 4, 5), (f"r{i}" for i in range(5)), strict=True):
            await self.forget(sqlite, record)
            assert await sqlite.start(ROOM) == expected
            assert [e.seq for e in await read_all(sqlite, ROOM)] == list(range(expected + 1, 6))
        assert await sqlite.start(OTHER_ROOM) == 0
        assert (await sqlite.heads([ROOM]))[ROOM] == 5
        await put(sqlite, ROOM, sample("next"))
        assert await sqlite.start(ROOM) == 5

    async def forget(self, storage: SqliteStorage, record: str) -> None:
        await storage.write(
            lambda connection: connection.execute("DELETE FROM journal WHERE record = ?", (record,)).close()
        )


async def test_rooms_with_many_entries_do_not_run_into_each_other(sqlite: SqliteStorage) -> None:
    rooms = [f"team:t{i}" for i in range(3)]
    for room, turn in itertools.product(rooms, range(3)):
        await put(sqlite, room, *(plain(f"{room}-{turn}-{i}") for i in range(400)))
    for room in rooms:
        entries = await sqlite.read(room, after=0, limit=5_000)
        assert [e.seq for e in entries] == list(range(1, 1_201))
        assert {e.data["id"].split("-")[0] for e in entries} == {room}
        assert await sqlite.read(room, after=1_200, limit=5) == []
