"""Commits under stress: many at once, callers that go away, restarts; and whose the objects are."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from models.journal import Commit, DuplicateOp, HeadMoved
from models.ports import Storage
from models.query import query
from tests.contract.conftest import Backend
from tests.contract.samples import (
    AT,
    PATIENCE,
    ROOM,
    append_when_possible,
    commit,
    put,
    read_all,
    sample,
)


class TestConcurrency:
    async def test_200_tasks_appending_to_one_room_leave_no_hole(self, storage: Storage) -> None:
        seqs = await asyncio.gather(
            *(append_when_possible(storage, ROOM, sample(f"r{i}", rank=i), f"op{i}") for i in range(200))
        )
        assert sorted(seqs) == list(range(1, 201))
        entries = await read_all(storage, ROOM)
        assert [e.seq for e in entries] == list(range(1, 201))
        assert {e.op_id for e in entries} == {f"op{i}" for i in range(200)}

    async def test_many_rooms_at_once_each_keep_their_order(self, storage: Storage) -> None:
        rooms = [f"school:s{i}" for i in range(40)]

        async def fill(room: str) -> None:
            for i in range(10):
                await storage.append(commit(storage, room, i + 1, sample(f"{room}-{i}")))

        await asyncio.gather(*map(fill, rooms))
        assert await storage.heads(rooms) == dict.fromkeys(rooms, 10)
        for room in rooms:
            assert [e.data["id"] for e in await read_all(storage, room)] == [f"{room}-{i}" for i in range(10)]

    async def test_of_equal_commits_at_once_one_is_written(self, storage: Storage) -> None:
        commits = [commit(storage, ROOM, 1, sample(f"r{i}"), sample("shared", rank=i)) for i in range(20)]
        outcomes = await asyncio.gather(*map(storage.append, commits), return_exceptions=True)
        assert [type(o) for o in outcomes if o is not None] == [HeadMoved] * 19
        winner = commits[outcomes.index(None)]
        assert await read_all(storage, ROOM) == list(winner.entries)
        assert await storage.get(ROOM, "sample", "shared") == winner.entries[1].data

    async def test_refused_commits_harm_no_other_at_the_same_moment(self, storage: Storage) -> None:
        rooms = [f"team:t{i}" for i in range(30)]
        await asyncio.gather(
            *(
                storage.append(commit(storage, room, 1, sample(f"{room}-1"), op_ids=["known"]))
                for room in rooms
            )
        )

        def second(i: int, room: str) -> Commit:
            first = 5 if i % 3 == 1 else 2
            op_id = "known" if i % 3 == 2 else "new"
            return commit(storage, room, first, sample(f"{room}-2"), op_ids=[op_id])

        outcomes = await asyncio.gather(
            *(storage.append(second(i, room)) for i, room in enumerate(rooms)), return_exceptions=True
        )
        expected = [None, HeadMoved, DuplicateOp] * 10
        assert [None if o is None else type(o) for o in outcomes] == expected
        heads = await storage.heads(rooms)
        assert [heads[room] for room in rooms] == [2, 1, 1] * 10

    async def test_what_was_acknowledged_is_seen_by_every_read_that_begins_then(
        self, storage: Storage
    ) -> None:
        async def write_and_look(i: int) -> None:
            room, name = f"user:u{i}", f"r{i}"
            written = commit(storage, room, 1, sample(name, title=name), op_ids=["x"])
            await storage.append(written)
            data = written.entries[0].data
            loaded = await storage.load(room, [("u1", "x")], [("sample", name)])
            assert loaded.head == 1
            assert list(loaded.answers["u1", "x"]) == list(written.entries)
            assert loaded.records["sample", name] == data
            assert await storage.get(room, "sample", name) == data
            assert await storage.locate("sample", name) == (room, data)
            assert await storage.find(query("sample", title=name)) == [data]
            assert await storage.count(query("sample", title=name), by="title") == {name: 1}
            assert await read_all(storage, room) == list(written.entries)

        await asyncio.gather(*map(write_and_look, range(50)))

    async def test_a_caller_that_goes_away_leaves_a_whole_commit_or_none(self, storage: Storage) -> None:
        for turn in range(10):
            room = f"school:gone{turn}"
            written = commit(storage, room, 1, *(sample(f"g{turn}-{i}") for i in range(5)))
            caller = asyncio.create_task(storage.append(written))
            for _ in range(turn):
                await asyncio.sleep(0)
            caller.cancel()
            await asyncio.wait([caller], timeout=PATIENCE)
            seq = await append_when_possible(storage, room, sample(f"g{turn}-next"), "next")
            entries = await read_all(storage, room)
            assert [e.seq for e in entries] == list(range(1, seq + 1))
            assert seq in (1, 6)
            for one in entries:
                assert await storage.get(room, "sample", one.data["id"]) == one.data


class TestRestart:
    async def test_the_epoch_survives(self, backend: Backend, storage: Storage) -> None:
        epoch = storage.epoch
        assert epoch
        storage = await backend.reopen()
        assert storage.epoch == epoch

    async def test_every_commit_survives(self, backend: Backend, storage: Storage) -> None:
        first = commit(storage, ROOM, 1, sample("a"), sample("b"))
        second = commit(storage, ROOM, 3, sample("a", deleted=True), sample("c"))
        await storage.append(first)
        await storage.append(second)
        storage = await backend.reopen()
        assert await read_all(storage, ROOM) == [*first.entries, *second.entries]
        loaded = await storage.load(ROOM, [], [("sample", name) for name in "abc"])
        assert loaded.head == 4
        assert [record and record["seq"] for record in loaded.records.values()] == [3, 2, 4]

    async def test_the_journal_goes_on_where_it_was(self, backend: Backend, storage: Storage) -> None:
        await put(storage, ROOM, sample("a"))
        storage = await backend.reopen()
        with pytest.raises(HeadMoved):
            await storage.append(commit(storage, ROOM, 1, sample("b")))
        await storage.append(commit(storage, ROOM, 2, sample("b")))
        assert (await storage.heads([ROOM]))[ROOM] == 2

    async def test_what_was_accepted_is_written_before_the_storage_is_closed(
        self, backend: Backend, storage: Storage
    ) -> None:
        rooms = [f"school:s{i}" for i in range(20)]
        waiting = [
            asyncio.create_task(
                storage.append(commit(storage, room, 1, sample(f"{room}-a"), sample(f"{room}-b")))
            )
            for room in rooms
        ]
        await asyncio.sleep(0)
        await storage.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        storage = await backend.reopen()
        heads = await storage.heads(rooms)
        for room, outcome in zip(rooms, outcomes, strict=True):
            assert heads[room] == 2 if outcome is None else heads[room] in (0, 2)

    async def test_closing_twice_does_nothing_more(self, storage: Storage) -> None:
        await storage.close()
        await storage.close()

    async def test_a_storage_that_was_never_opened_can_be_closed(self, backend: Backend) -> None:
        await backend.make().close()

    async def test_ping_returns_while_the_storage_can_be_used(self, storage: Storage) -> None:
        await storage.ping()


class TestIndependence:
    async def test_a_change_of_what_was_given_does_not_reach_the_storage(self, storage: Storage) -> None:
        written = commit(storage, ROOM, 1, sample("a", labels=["x"]))
        expected = dataclasses.replace(written.entries[0], data={**written.entries[0].data, "labels": ["x"]})
        appending = asyncio.create_task(storage.append(written))
        await appending
        written.entries[0].data["labels"].append("y")
        written.entries[0].data["title"] = "changed"
        assert await read_all(storage, ROOM) == [expected]
        assert await storage.get(ROOM, "sample", "a") == expected.data

    async def test_a_change_of_what_was_returned_does_not_reach_the_next_reader(
        self, storage: Storage
    ) -> None:
        await put(storage, ROOM, sample("a", title="t", labels=["x"]))
        for _ in range(2):
            loaded = (await storage.load(ROOM, [], [("sample", "a")])).records["sample", "a"]
            got = await storage.get(ROOM, "sample", "a")
            located = await storage.locate("sample", "a")
            assert loaded is not None
            assert got is not None
            assert located is not None
            returned = [
                loaded,
                got,
                located[1],
                (await storage.find(query("sample", title="t")))[0],
                (await read_all(storage, ROOM))[0].data,
            ]
            for record in returned:
                assert record == {"kind": "sample", "id": "a", "seq": 1, "title": "t", "labels": ["x"]}
                record["labels"].append("changed")
                record["title"] = "changed"

    async def test_the_at_of_an_entry_is_kept_to_the_millisecond(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a"))
        assert (await read_all(storage, ROOM))[0].at == AT
