"""The one writer: it takes all that waits together, keeps its limits, and survives a full disk."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from app.storage import sqlite_pool, sqlite_writer
from app.storage.sqlite import SqliteCredentials, SqliteStorage
from models.journal import Commit, DuplicateOp, HeadMoved
from models.ports import RefreshToken, StorageLost
from models.query import query
from tests.app.storage.conftest import Open
from tests.app.storage.held_up import held_up
from tests.contract.samples import OTHER_ROOM, ROOM, commit, entry, ids, plain, put, read_all, sample
from tests.waiting import until


async def test_a_transaction_is_on_the_disk_before_it_is_acknowledged(sqlite: SqliteStorage) -> None:
    def settings(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    full = 2  # sqlite.org/pragma.html#pragma_synchronous
    assert await sqlite.write(settings) == ["wal", full]


class TestGroupCommit:
    async def test_all_that_waits_shares_one_transaction(self, path: Path) -> None:
        statements: list[str] = []
        storage = SqliteStorage(path, trace=statements.append)
        await storage.open()
        credentials = SqliteCredentials(storage)
        async with held_up(storage):
            statements.clear()
            waiting: list[Coroutine[Any, Any, Any]] = [
                storage.append(commit(storage, f"team:t{i % 20}", i // 20 + 1, sample(f"r{i}")))
                for i in range(60)
            ]
            waiting.append(storage.set_cursor("notify", ROOM, 1))
            waiting.append(credentials.set_password_hash("u1", "hash"))
            tasks = [asyncio.ensure_future(one) for one in waiting]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        # One ends the transaction that held the writer up.
        assert statements.count("COMMIT") == 2
        assert len([s for s in statements if s.startswith("INSERT INTO journal")]) < 10
        await storage.close()

    async def test_who_waited_for_the_writer_writes_in_its_next_transaction(self, path: Path) -> None:
        statements: list[str] = []
        storage = SqliteStorage(path, trace=statements.append)
        await storage.open()

        async def decide_and_append(room: str) -> None:
            await storage.ready()
            await storage.append(commit(storage, room, 1, sample(room)))

        await asyncio.wait_for(storage.ready(), 20)
        async with held_up(storage):
            tasks = [asyncio.ensure_future(decide_and_append(f"team:t{i}")) for i in range(20)]
            await asyncio.sleep(0)
            assert [e for i in range(20) for e in await read_all(storage, f"team:t{i}")] == []
            statements.clear()
        await asyncio.gather(*tasks)
        # One ends the transaction that held the writer up.
        assert statements.count("COMMIT") == 2
        await storage.close()

    async def test_what_is_wrong_with_one_harms_no_other(self, sqlite: SqliteStorage) -> None:
        await sqlite.append(commit(sqlite, ROOM, 1, sample("known"), op_ids=["known"]))
        good = [commit(sqlite, f"team:t{i}", 1, sample(f"r{i}"), plain(f"p{i}")) for i in range(10)]
        bad: list[tuple[Commit, type[Exception]]] = [
            (commit(sqlite, ROOM, 2, sample("again"), op_ids=["known"]), DuplicateOp),
            (commit(sqlite, ROOM, 3, sample("behind-it")), HeadMoved),
            (commit(sqlite, OTHER_ROOM, 2, sample("too-early")), HeadMoved),
            (commit(sqlite, "team:bad1", 1, sample("fine"), sample("list", rank=[1])), ValueError),
            (commit(sqlite, "team:bad2", 1, sample("large", rank=2**63)), ValueError),
            (
                Commit("team:bad3", sqlite.epoch, (entry("team:bad3", 1, sample("x"), by="\ud800"),)),
                ValueError,
            ),
            (commit(sqlite, "team:t0", 2, sample("again"), op_ids=["r"]), HeadMoved),
        ]
        async with held_up(sqlite):
            tasks = [asyncio.ensure_future(sqlite.append(one)) for one, _ in bad[:6]]
            tasks[3:3] = [asyncio.ensure_future(sqlite.append(one)) for one in good]
            cursor = asyncio.ensure_future(sqlite.set_cursor("notify", ROOM, 1))
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await cursor
        expected = [error for _, error in bad[:6]]
        assert [type(o) for o in outcomes[:3] + outcomes[13:]] == expected
        assert outcomes[3:13] == [None] * 10
        for one in good:
            assert await read_all(sqlite, one.room) == list(one.entries)
        for room, head in ((ROOM, 1), (OTHER_ROOM, 0), ("team:bad1", 0), ("team:bad2", 0), ("team:bad3", 0)):
            assert (await sqlite.heads([room]))[room] == head
            assert len(await read_all(sqlite, room)) == head
        assert await sqlite.find(query("sample", room="team:bad1")) == []
        assert await sqlite.locate("sample", "fine") is None
        # The rooms go on.
        await put(sqlite, "team:bad1", sample("fine"))
        await put(sqlite, ROOM, sample("next"))

    async def test_a_value_or_a_statement_that_fails_late_harms_no_other(self, sqlite: SqliteStorage) -> None:
        def again(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE meta SET value = 'changed'")
            connection.execute("INSERT INTO meta VALUES ('epoch', 'another')")

        good = [commit(sqlite, f"team:t{i}", 1, sample(f"r{i}", labels=["x"])) for i in range(9)]
        bad = commit(sqlite, "team:bad", 1, sample("fine", labels=["x"]), sample("list", rank=[1]))
        for failing in (lambda: sqlite.append(bad), lambda: sqlite.write(again)):
            async with held_up(sqlite):
                tasks = [asyncio.ensure_future(sqlite.append(one)) for one in good]
                failed = asyncio.ensure_future(failing())
                await asyncio.sleep(0)
            assert await asyncio.gather(*tasks) == [None] * 9
            with pytest.raises(ValueError, match="this cannot be stored"):
                await failed
            good = [commit(sqlite, one.room, 2, sample(f"{one.room}-again")) for one in good]
        assert await read_all(sqlite, "team:bad") == []
        assert len(await sqlite.find(query("sample", containing={"labels": "x"}))) == 9
        meta = await sqlite.look(lambda connection: connection.execute("SELECT value FROM meta").fetchall())
        assert meta == [(sqlite.epoch,)]

    async def test_a_mistake_in_a_statement_does_not_end_the_writer(self, sqlite: SqliteStorage) -> None:
        def mistaken(connection: sqlite3.Connection) -> None:
            raise LookupError("a mistake")

        async with held_up(sqlite):
            failed = asyncio.ensure_future(sqlite.write(mistaken))
            with_it = asyncio.ensure_future(sqlite.append(commit(sqlite, ROOM, 1, sample("a"))))
            await asyncio.sleep(0)
        for lost in (failed, with_it):
            with pytest.raises(StorageLost, match="a mistake"):
                await lost
        await put(sqlite, ROOM, sample("b"))
        assert ids([e.data for e in await read_all(sqlite, ROOM)]) == ["b"]

    async def test_two_commits_of_one_room_may_wait_behind_each_other(self, sqlite: SqliteStorage) -> None:
        async with held_up(sqlite):
            tasks = [
                asyncio.ensure_future(
                    sqlite.append(commit(sqlite, ROOM, seq, sample("a", rank=seq, labels=[f"l{seq}"])))
                )
                for seq in (1, 2, 3)
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert [e.seq for e in await read_all(sqlite, ROOM)] == [1, 2, 3]
        assert await sqlite.get(ROOM, "sample", "a") == sample("a", rank=3, labels=["l3"]) | {"seq": 3}
        assert ids(await sqlite.find(query("sample", containing={"labels": "l3"}))) == ["a"]
        assert ids(await sqlite.find(query("sample", containing={"labels": "l1"}))) == []

    async def test_of_one_op_twice_in_a_transaction_the_first_is_written(self, sqlite: SqliteStorage) -> None:
        async with held_up(sqlite):
            tasks = [
                asyncio.ensure_future(
                    sqlite.append(commit(sqlite, ROOM, seq, sample(f"r{seq}"), op_ids=["same"]))
                )
                for seq in (1, 2)
            ]
            await asyncio.sleep(0)
        assert [type(o) for o in await asyncio.gather(*tasks, return_exceptions=True)] == [
            type(None),
            DuplicateOp,
        ]
        assert ids([e.data for e in await read_all(sqlite, ROOM)]) == ["r1"]

    async def test_what_json_cannot_hold_is_refused_before_it_waits(self, sqlite: SqliteStorage) -> None:
        for value in ("\ud800", object(), 2**65, {1: 2}):
            with pytest.raises(TypeError):
                await sqlite.append(commit(sqlite, ROOM, 1, sample("a", note=value)))
        with pytest.raises(ValueError, match="topic"):
            await sqlite.append(
                Commit(ROOM, sqlite.epoch, (entry(ROOM, 1, sample("a"), topics=(ROOM, "a|b")),))
            )
        await put(sqlite, ROOM, sample("a"))


class TestWaiting:
    async def test_a_caller_that_goes_away_does_not_take_its_commit_with_it(
        self, sqlite: SqliteStorage
    ) -> None:
        async with held_up(sqlite):
            caller = asyncio.ensure_future(sqlite.append(commit(sqlite, ROOM, 1, sample("a"), sample("b"))))
            await asyncio.sleep(0)
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
        await put(sqlite, OTHER_ROOM, sample("c"))
        assert ids([e.data for e in await read_all(sqlite, ROOM)]) == ["a", "b"]

    async def test_a_write_that_takes_too_long_is_lost_to_its_caller_only(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_writer, "WRITE_LIMIT", 0.2)
        storage = await open_sqlite()
        async with held_up(storage):
            with pytest.raises(StorageLost, match=r"nothing was written within 0\.2 s"):
                await storage.append(commit(storage, ROOM, 1, sample("a")))
            with pytest.raises(StorageLost, match=r"nothing was written within 0\.2 s"):
                await storage.ready()
        await until(lambda: storage.heads([ROOM]))
        await put(storage, OTHER_ROOM, sample("b"))
        assert (await storage.heads([ROOM]))[ROOM] == 1

    async def test_no_more_than_a_limit_may_wait(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_writer, "WRITE_LIMIT", 0.5)
        monkeypatch.setattr(sqlite_writer, "MOST_WAITING", 4)
        storage = await open_sqlite()
        rooms = [f"team:t{i}" for i in range(10)]
        async with held_up(storage):
            outcomes = await asyncio.gather(
                *(storage.append(commit(storage, room, 1, sample(f"r-{room}"))) for room in rooms),
                return_exceptions=True,
            )
        assert {type(o) for o in outcomes} == {StorageLost}
        await put(storage, ROOM, sample("later"))
        # Those that had a place are written; the others never were accepted.
        assert list((await storage.heads(rooms)).values()) == [1, 1, 1] + [0] * 7

    async def test_who_waits_for_a_place_gets_it(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_writer, "MOST_WAITING", 2)
        storage = await open_sqlite()
        rooms = [f"team:t{i}" for i in range(30)]
        await asyncio.gather(*(put(storage, room, sample(f"r-{room}")) for room in rooms))
        assert set((await storage.heads(rooms)).values()) == {1}

    async def test_a_read_that_takes_too_long_is_lost(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_pool, "READ_LIMIT", 0.2)
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a"))
        go_on = threading.Event()
        held = [
            asyncio.ensure_future(storage.look(lambda _: go_on.wait(20))) for _ in range(sqlite_pool.READERS)
        ]
        await asyncio.sleep(0)
        with pytest.raises(StorageLost, match=r"no answer within 0\.2 s"):
            await storage.get(ROOM, "sample", "a")
        go_on.set()
        await asyncio.gather(*held, return_exceptions=True)
        assert await storage.get(ROOM, "sample", "a") is not None

    async def test_nothing_is_answered_before_opening_and_after_closing(self, path: Path) -> None:
        storage = SqliteStorage(path)
        credentials = SqliteCredentials(storage)
        for _ in range(2):
            calls: list[Coroutine[Any, Any, Any]] = [
                storage.append(Commit(ROOM, "epoch", (entry(ROOM, 1, sample("a")),))),
                storage.load(ROOM, [], []),
                storage.heads([ROOM]),
                storage.read(ROOM, after=0, limit=1),
                storage.start(ROOM),
                storage.get(ROOM, "sample", "a"),
                storage.locate("sample", "a"),
                storage.find(query("sample", room=ROOM)),
                storage.count(query("sample", room=ROOM), by="state"),
                storage.cursor("notify", ROOM),
                storage.set_cursor("notify", ROOM, 1),
                storage.lagging("notify", "school"),
                storage.ping(),
                credentials.password_hash("u1"),
                credentials.set_password_hash("u1", "hash"),
                credentials.refresh_token("s1"),
                credentials.add_refresh_token(RefreshToken("s1", "u1", "hash", 1)),
                credentials.rotate_refresh_token("hash", RefreshToken("s1", "u1", "hash", 1)),
                credentials.end_sessions("u1"),
            ]
            for call in calls:
                with pytest.raises(StorageLost, match="is not open"):
                    await call
            await storage.open()
            await storage.close()


class TestFullDisk:
    async def test_a_full_file_loses_the_transaction_and_the_service_resumes(self, open_sqlite: Open) -> None:
        storage = await open_sqlite()
        credentials = SqliteCredentials(storage)
        await put(storage, ROOM, sample("a"))
        await self.limit_pages(storage, extra=1)
        note = "x" * 50_000
        async with held_up(storage):
            tasks = [
                asyncio.ensure_future(
                    storage.append(commit(storage, room, first, sample(f"b-{room}", note=note)))
                )
                for room, first in ((ROOM, 2), (OTHER_ROOM, 1))
            ]
            cursor = asyncio.ensure_future(storage.set_cursor("notify", ROOM, 1))
            password = asyncio.ensure_future(credentials.set_password_hash("u1", "hash"))
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, cursor, password, return_exceptions=True)
        assert [type(o) for o in outcomes] == [StorageLost] * 4
        assert "database or disk is full" in str(outcomes[0])
        assert await storage.heads([ROOM, OTHER_ROOM]) == {ROOM: 1, OTHER_ROOM: 0}
        assert ids([e.data for e in await read_all(storage, ROOM)]) == ["a"]
        assert await storage.locate("sample", f"b-{ROOM}") is None
        assert await credentials.password_hash("u1") is None

        await self.limit_pages(storage, extra=10_000)
        await storage.ping()
        await storage.append(commit(storage, ROOM, 2, sample("b", note=note)))
        await put(storage, OTHER_ROOM, sample("c"))
        storage = await self.reopened(storage, open_sqlite)
        assert ids([e.data for e in await read_all(storage, ROOM)]) == ["a", "b"]

    async def test_a_disk_error_loses_the_transaction_and_the_service_resumes(
        self, open_sqlite: Open, path: Path
    ) -> None:
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a"))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        # No file of this process may grow any further, as on a disk that fails.
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (path.with_name("rollcall.db-wal").stat().st_size + 100, hard)
        )
        try:
            for _ in range(3):
                with pytest.raises(StorageLost, match=r"disk"):
                    await storage.append(commit(storage, ROOM, 2, sample("b", note="x" * 50_000)))
                with pytest.raises(StorageLost, match=r"disk"):
                    await storage.ping()
            assert ids([e.data for e in await read_all(storage, ROOM)]) == ["a"]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await storage.ping()
        await storage.append(commit(storage, ROOM, 2, sample("b")))
        storage = await self.reopened(storage, open_sqlite)
        assert ids([e.data for e in await read_all(storage, ROOM)]) == ["a", "b"]

    async def limit_pages(self, storage: SqliteStorage, *, extra: int) -> None:
        def limit(connection: sqlite3.Connection) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + extra}").close()

        await storage.write(limit)

    async def reopened(self, storage: SqliteStorage, open_sqlite: Open) -> SqliteStorage:
        await storage.close()
        return await open_sqlite()
