"""What only the MongoDB storage has: several nodes on one database, and a server that may be away."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from app.storage.mongo import MongoCredentials, MongoStorage
from app.storage.mongo_documents import COMMITS, Document
from app.storage.mongo_projection import Projection, Round
from app.storage.mongo_query import index_spec
from models.journal import CommitTooLarge, DuplicateOp, HeadMoved, Op
from models.ports import Lag, RefreshToken, StorageLost, StorageRefused
from models.query import query
from tests.app.storage.conftest import OpenMongo
from tests.contract.samples import (
    OTHER_ROOM,
    ROOM,
    append_when_possible,
    commit,
    plain,
    put,
    read_all,
    sample,
)
from tests.parts.process import HOST, ServerProcess, free_port
from tests.waiting import until

LIMIT = 1.0
"""Seconds that a call may last where the server is made to be silent."""
CLOSE_TO_LIMIT = 8.0
"""Seconds within which it must have ended then, on a busy machine."""

Call = Callable[[MongoStorage], Awaitable[Any]]


class TestOpen:
    async def test_nodes_that_open_an_empty_database_at_once_agree_on_the_epoch(
        self, open_mongo: OpenMongo
    ) -> None:
        nodes = await asyncio.gather(*(open_mongo() for _ in range(4)))
        assert len({node.epoch for node in nodes}) == 1
        assert nodes[0].epoch

    async def test_every_index_of_the_spec_is_on_the_server(self, mongo: MongoStorage) -> None:
        for collection, indexes in index_spec().items():
            made = (await mongo.database[collection].index_information()).values()
            present = {(tuple(name for name, _ in i["key"]), bool(i.get("unique"))) for i in made}
            assert present == {(("_id",), False)} | {(i.fields, i.unique) for i in indexes}

    async def test_writes_are_durable_and_reads_from_the_primary_whatever_the_address_says(
        self, mongodb_database_url: str, sample_kinds: None
    ) -> None:
        options = "?w=1&journal=false&readPreference=secondaryPreferred&readConcernLevel=available"
        storage = MongoStorage(mongodb_database_url + options)
        await storage.open()
        for collection in ("commits", "records_sample", "passwords", "refresh_tokens", "cursors"):
            assert storage.database[collection].write_concern == WriteConcern(w="majority", j=True)
            assert storage.database[collection].read_concern == ReadConcern("local")
            assert storage.database[collection].read_preference == ReadPreference.PRIMARY
        await storage.close()

    async def test_an_address_without_a_database_means_rollcall(self, mongodb_url: str) -> None:
        storage = MongoStorage(mongodb_url)
        storage._connection = await storage._connect()
        assert storage.database.name == "rollcall"
        await storage.close()

    async def test_where_nobody_listens_it_says_so_within_the_limit(self) -> None:
        address = f"{HOST}:{free_port()}"
        began = monotonic()
        with pytest.raises(StorageRefused) as refused:
            await MongoStorage(f"mongodb://user:secret@{address}/x", timeout=LIMIT).open()
        assert monotonic() - began < CLOSE_TO_LIMIT
        message = str(refused.value)
        assert message.startswith(f"MongoDB at {address} cannot be reached (")
        assert message.endswith("): start it, or correct ROLLCALL_DATABASE_URL")
        assert "\n" not in message
        assert "secret" not in message

    async def test_a_wrong_address_is_refused(self) -> None:
        with pytest.raises(StorageRefused, match="ROLLCALL_DATABASE_URL is not the address of a MongoDB"):
            await MongoStorage("mongodb://host:port/db").open()

    async def test_what_is_not_open_is_lost(self, mongo: MongoStorage) -> None:
        await mongo.close()
        with pytest.raises(StorageLost, match="not open"):
            await mongo.get(ROOM, "sample", "a")


async def _none(storage: MongoStorage, collection: str, wanted: Document) -> bool:
    return await storage.database[collection].count_documents(wanted) == 0


class TestSeveralNodes:
    async def test_nodes_that_append_to_one_room_at_once_leave_no_hole(self, open_mongo: OpenMongo) -> None:
        nodes = [await open_mongo() for _ in range(2)]

        async def fill(node: MongoStorage, name: str) -> list[int]:
            return [
                await append_when_possible(node, ROOM, sample(f"{name}-{i}", rank=i), f"{name}-{i}")
                for i in range(25)
            ]

        taken = await asyncio.gather(*(fill(nodes[i % 2], f"n{i}") for i in range(4)))
        assert sorted(seq for seqs in taken for seq in seqs) == list(range(1, 101))
        for node in nodes:
            entries = await read_all(node, ROOM)
            assert [entry.seq for entry in entries] == list(range(1, 101))
            assert len(await node.find(query("sample", room=ROOM))) == 100
        unprojected = {"projected": False}
        await until(lambda: _none(nodes[0], COMMITS, unprojected))

    async def test_a_head_that_another_node_has_moved_is_noticed(self, open_mongo: OpenMongo) -> None:
        here, there = await open_mongo(), await open_mongo()
        await put(here, ROOM, sample("a"))
        await there.append(commit(there, ROOM, 2, sample("b"), sample("c")))
        for first in (2, 3):
            with pytest.raises(HeadMoved):
                await here.append(commit(here, ROOM, first, sample("d")))
        await here.append(commit(here, ROOM, 4, sample("d")))

    async def test_an_op_that_another_node_has_accepted_is_noticed(self, open_mongo: OpenMongo) -> None:
        here, there = await open_mongo(), await open_mongo()
        await there.append(commit(there, ROOM, 1, sample("a"), op_ids=["op"]))
        assert (await here.load(ROOM, [], [])).head == 1
        with pytest.raises(DuplicateOp):
            await here.append(commit(here, ROOM, 2, sample("a"), op_ids=["op"]))

    async def test_an_op_that_is_accepted_behind_the_head_is_no_answer_yet(
        self, open_mongo: OpenMongo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here, there = await open_mongo(), await open_mongo()
        await put(here, ROOM, sample("a"))
        journal = here._open.journal
        look_for_ops = journal._with_ops

        async def after_the_head(room: str, ops: frozenset[Op]) -> list[Document]:
            await journal.settle([room])
            await there.append(commit(there, ROOM, 2, sample("b"), op_ids=["op"]))
            return await look_for_ops(room, ops)

        monkeypatch.setattr(journal, "_with_ops", after_the_head)
        loaded = await here.load(ROOM, [("u1", "op")], [])
        assert (loaded.head, loaded.answers) == (1, {})

    async def test_every_read_sees_what_another_node_has_just_acknowledged(
        self, open_mongo: OpenMongo
    ) -> None:
        here, there = await open_mongo(), await open_mongo()
        for seq in range(1, 31):
            await here.append(commit(here, ROOM, seq, sample("a", rank=seq), op_ids=[f"op{seq}"]))
            match seq % 5:
                case 0:
                    assert (await there.get(ROOM, "sample", "a") or {})["rank"] == seq
                case 1:
                    assert (await there.heads([ROOM]))[ROOM] == seq
                case 2:
                    assert len(await there.find(query("sample", rank=seq, state=None))) == 1
                case 3:
                    assert await there.lagging("reader", "school") == [Lag(ROOM, 0, seq)]
                case _:
                    loaded = await there.load(ROOM, [("u1", f"op{seq}")], [("sample", "a")])
                    assert (loaded.head, len(loaded.answers)) == (seq, 1)
                    assert (loaded.records["sample", "a"] or {})["rank"] == seq

    async def test_a_commit_that_is_too_large_is_refused_and_nothing_is_written(
        self, mongo: MongoStorage
    ) -> None:
        large = [sample(f"r{i}", note="x" * 1_000_000) for i in range(17)]
        with pytest.raises(CommitTooLarge, match="a commit of 17 entries is too large for MongoDB"):
            await mongo.append(commit(mongo, ROOM, 1, *large))
        assert (await mongo.heads([ROOM]))[ROOM] == 0
        await mongo.append(commit(mongo, ROOM, 1, *large[:10]))


class TestShortenedJournal:
    async def test_start_is_the_seq_before_the_first_entry_that_is_left(self, mongo: MongoStorage) -> None:
        for name in "abcd":
            await put(mongo, ROOM, sample(f"{name}1"), sample(f"{name}2"))
        await put(mongo, OTHER_ROOM, sample("x"))
        await mongo.database[COMMITS].delete_many({"room": ROOM, "last": {"$lte": 4}})
        assert await mongo.start(ROOM) == 4
        assert await mongo.start(OTHER_ROOM) == 0
        assert [entry.seq for entry in await read_all(mongo, ROOM)] == [5, 6, 7, 8]
        for after, limit, expected in ((0, 3, [5, 6, 7]), (3, 3, [5, 6, 7]), (4, 1, [5]), (6, 9, [7, 8])):
            entries = await mongo.read(ROOM, after=after, limit=limit)
            assert [entry.seq for entry in entries] == expected
        assert [entry.seq for entry in await mongo.read(ROOM, after=0, up_to=6, limit=9)] == [5, 6]
        await put(mongo, ROOM, sample("next"))
        assert (await mongo.heads([ROOM]))[ROOM] == 9


@pytest.fixture
async def away(mongodb_server: ServerProcess, sample_kinds: None) -> AsyncIterator[MongoStorage]:
    """A storage on a server of this test alone, with the records a and b in it."""
    storage = MongoStorage(f"{mongodb_server.url}/rollcall_test", timeout=LIMIT)
    await storage.open()
    await put(storage, ROOM, sample("a"), sample("b"))
    await storage.get(ROOM, "sample", "a")
    yield storage
    mongodb_server.resume()
    await storage.close()


CALLS: dict[str, Call] = {
    "append": lambda storage: storage.append(commit(storage, ROOM, 3, sample("c"))),
    "load": lambda storage: storage.load(ROOM, [("u1", "op")], [("sample", "a")]),
    "heads": lambda storage: storage.heads([ROOM]),
    "read": lambda storage: storage.read(ROOM, after=0, limit=10),
    "start": lambda storage: storage.start(ROOM),
    "get": lambda storage: storage.get(ROOM, "sample", "a"),
    "locate": lambda storage: storage.locate("sample", "a"),
    "find": lambda storage: storage.find(query("sample", room=ROOM)),
    "count": lambda storage: storage.count(query("sample", room=ROOM), by="state"),
    "cursor": lambda storage: storage.cursor("reader", ROOM),
    "set_cursor": lambda storage: storage.set_cursor("reader", ROOM, 1),
    "lagging": lambda storage: storage.lagging("reader", "school"),
    "ping": lambda storage: storage.ping(),
    "password_hash": lambda storage: MongoCredentials(storage).password_hash("u1"),
    "set_password_hash": lambda storage: MongoCredentials(storage).set_password_hash("u1", "hash"),
    "end_sessions": lambda storage: MongoCredentials(storage).end_sessions("u1"),
}


_attempts = itertools.count()


async def lost(call: Awaitable[Any]) -> bool:
    try:
        await call
    except StorageLost:
        return True
    return False


async def works(storage: MongoStorage) -> bool:
    """Whether an append and a read succeed; an outage may be noticed by a call or two more."""
    try:
        seq = await append_when_possible(storage, ROOM, sample("back"), f"back{next(_attempts)}")
        record = await storage.get(ROOM, "sample", "back")
    except StorageLost:
        return False
    return record is not None and record["seq"] == seq


class TestAway:
    async def test_every_call_gives_up_in_time_while_the_server_is_silent(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        mongodb_server.pause()
        began = monotonic()
        outcomes = await asyncio.gather(*(lost(call(away)) for call in CALLS.values()))
        assert dict(zip(CALLS, outcomes, strict=True)) == dict.fromkeys(CALLS, True)
        assert monotonic() - began < CLOSE_TO_LIMIT

    async def test_many_calls_at_once_give_up_in_time_too(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        mongodb_server.pause()
        began = monotonic()
        rooms = [f"school:s{i}" for i in range(300)]
        assert all(await asyncio.gather(*(lost(away.get(room, "sample", "a")) for room in rooms)))
        assert monotonic() - began < CLOSE_TO_LIMIT

    async def test_it_works_again_by_itself_when_the_server_answers_again(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        mongodb_server.pause()
        assert await lost(away.ping())
        mongodb_server.resume()
        await until(lambda: works(away), 20)
        await away.ping()

    async def test_an_append_whose_outcome_was_unknown_is_there_whole_or_not_at_all(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        appended = [
            commit(away, f"team:t{i}", 1, sample(f"x{i}"), plain(f"y{i}"), op_ids=["op", "op"])
            for i in range(20)
        ]
        mongodb_server.pause()
        assert all(await asyncio.gather(*(lost(away.append(one)) for one in appended)))
        mongodb_server.resume()
        await until(lambda: works(away), 20)
        for one in appended:
            loaded = await away.load(one.room, [("u1", "op")], [("sample", one.entries[0].data["id"])])
            if loaded.head:
                assert list(loaded.answers["u1", "op"]) == list(one.entries)
                assert list(loaded.records.values()) == [one.entries[0].data]
            else:
                assert loaded.answers == {}
                assert list(loaded.records.values()) == [None]

    async def test_a_server_that_was_started_again_is_used_again(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        mongodb_server.stop()
        assert await lost(away.ping())
        assert await lost(away.append(commit(away, ROOM, 3, sample("c"))))
        await mongodb_server.start()
        await until(lambda: works(away), 20)

    async def test_it_can_be_closed_while_the_server_is_silent(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        mongodb_server.pause()
        assert await lost(away.append(commit(away, ROOM, 3, sample("c"))))
        async with asyncio.timeout(CLOSE_TO_LIMIT):
            await away.close()

    async def test_it_can_be_closed_while_it_projects_and_the_server_is_silent(
        self, away: MongoStorage, mongodb_server: ServerProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        silent, project = asyncio.Event(), Projection._project

        async def project_in_silence(self: Projection, running: Round) -> None:
            await silent.wait()
            await project(self, running)

        monkeypatch.setattr(Projection, "_project", project_in_silence)
        await away.append(commit(away, ROOM, 3, sample("c")))
        mongodb_server.pause()
        silent.set()
        async with asyncio.timeout(CLOSE_TO_LIMIT):
            await away.close()

    async def test_a_silent_server_refuses_the_opening_in_time(
        self, away: MongoStorage, mongodb_server: ServerProcess
    ) -> None:
        mongodb_server.pause()
        async with asyncio.timeout(CLOSE_TO_LIMIT):
            with pytest.raises(StorageRefused, match=r"cannot be reached \(.*\): start it, or correct"):
                await MongoStorage(f"{mongodb_server.url}/rollcall_test", timeout=LIMIT).open()


OPERATORS: list[Any] = [{"$gt": ""}, {"$ne": None}, {"$in": ["a"]}, {"$where": "1"}, {"$regex": "."}, ["a"]]


@pytest.mark.parametrize("operator", OPERATORS, ids=str)
class TestOperators:
    """No value can become an operator, even where a caller has not checked that it is a text."""

    async def test_none_finds_a_record_or_an_entry(self, mongo: MongoStorage, operator: Any) -> None:
        await put(mongo, ROOM, sample("a", title="t", labels=["x"]), plain("n"))
        assert await mongo.get(ROOM, "sample", operator) is None
        assert await mongo.locate("sample", operator) is None
        assert await mongo.read(ROOM, after=0, limit=10, record=operator) == []
        assert await mongo.read(ROOM, after=0, limit=10, topic=operator) == []
        assert await mongo.start(operator) == 0
        assert await mongo.cursor("reader", operator) == 0
        assert await mongo.lagging("reader", operator) == []
        assert await mongo.read(operator, after=0, limit=10) == []
        with pytest.raises(TypeError):
            await mongo.get(operator, "sample", "a")
        for asked in (
            query("sample", title=operator),
            query("sample", room=operator),
            query("sample", containing={"labels": operator}),
        ):
            with pytest.raises(TypeError):
                await mongo.find(asked)
            with pytest.raises(TypeError):
                await mongo.count(asked, by="title")

    async def test_none_finds_or_changes_a_secret(self, mongo: MongoStorage, operator: Any) -> None:
        credentials = MongoCredentials(mongo)
        token = RefreshToken("s1", "u1", "hash", 1)
        await credentials.set_password_hash("u1", "secret")
        await credentials.add_refresh_token(token)
        assert await credentials.password_hash(operator) is None
        assert await credentials.refresh_token(operator) is None
        assert await credentials.rotate_refresh_token(operator, token) is False
        assert await credentials.end_sessions(operator) == []
        assert await credentials.end_sessions("u1", operator) == []
        assert await credentials.refresh_token("s1") == token
