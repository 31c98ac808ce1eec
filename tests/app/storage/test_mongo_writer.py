"""Commits that are inserted together: each is whole and has its own outcome."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bson import ObjectId

from app.storage import mongo_writer
from app.storage.mongo import MongoStorage
from app.storage.mongo_documents import COMMITS, Document, commit_document
from models.journal import Commit, CommitTooLarge, DuplicateOp, HeadMoved
from models.ports import StorageLost
from tests.app.storage.conftest import OpenMongo
from tests.contract.samples import ROOM, commit, plain, put, read_all, sample

ROOMS = [f"school:s{i}" for i in range(30)]


@pytest.fixture
def inserts() -> list[int]:
    """How many commits each insert had."""
    return []


@pytest.fixture
async def here(open_mongo: OpenMongo, inserts: list[int]) -> MongoStorage:
    """A node that has written to all rooms."""

    def note(command: Document) -> None:
        if command.get("insert") == COMMITS:
            inserts.append(len(command["documents"]))

    storage = await open_mongo(note)
    first = [commit(storage, room, 1, plain("first"), op_ids=["known"]) for room in ROOMS]
    await asyncio.gather(*map(storage.append, first))
    inserts.clear()
    return storage


async def append_all(storage: MongoStorage, commits: list[Commit]) -> list[type | None]:
    outcomes = await asyncio.gather(*map(storage.append, commits), return_exceptions=True)
    return [None if outcome is None else type(outcome) for outcome in outcomes]


class TestTogether:
    async def test_all_that_waits_goes_with_one_command(self, here: MongoStorage, inserts: list[int]) -> None:
        commits = [commit(here, room, 2, sample(room)) for room in ROOMS]
        assert await append_all(here, commits) == [None] * 30
        assert inserts == [30]
        for one in commits:
            assert await here.get(one.room, "sample", one.room) == one.entries[0].data

    async def test_what_comes_meanwhile_goes_with_the_next_command(
        self, here: MongoStorage, inserts: list[int]
    ) -> None:
        async def fill(room: str) -> None:
            for seq in range(2, 12):
                await here.append(commit(here, room, seq, sample(room, rank=seq)))

        await asyncio.gather(*map(fill, ROOMS))
        assert sum(inserts) == 300
        assert len(inserts) <= 10 * mongo_writer.IN_FLIGHT
        assert await here.heads(ROOMS) == dict.fromkeys(ROOMS, 11)

    async def test_who_waited_for_a_command_goes_with_the_next(
        self, here: MongoStorage, inserts: list[int]
    ) -> None:
        async def decide_and_append(room: str) -> None:
            await here.ready()
            await here.append(commit(here, room, 2, sample(room)))

        busy: list[asyncio.Future[None]] = []
        for room in ROOMS[: mongo_writer.IN_FLIGHT]:
            busy.append(asyncio.ensure_future(decide_and_append(room)))
            for _ in range(3):
                await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(decide_and_append(room)) for room in ROOMS[len(busy) :]]
        await asyncio.gather(*busy, *waiting)
        assert inserts == [1] * len(busy) + [len(waiting)]

    async def test_a_command_takes_no_more_than_a_message_can_hold(
        self, here: MongoStorage, inserts: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mongo_writer, "BATCH_BYTES", 2_500)
        commits = [commit(here, room, 2, sample(room, note="x" * 1_000)) for room in ROOMS[:9]]
        assert await append_all(here, commits) == [None] * 9
        assert sorted(inserts) == [1] + [2] * 4

    async def test_each_has_its_own_outcome_where_another_node_was_first(
        self, here: MongoStorage, open_mongo: OpenMongo, inserts: list[int]
    ) -> None:
        there = await open_mongo()
        for room in ROOMS[1::3]:
            await there.append(commit(there, room, 2, sample("theirs")))
        for room in ROOMS[2::3]:
            await there.append(commit(there, room, 2, sample("theirs"), op_ids=["theirs"]))
        # What was first, and what has a known op; both at once is the head that has moved.
        ops = ["new", "known", "theirs"]
        commits = [commit(here, room, 2, sample("ours"), op_ids=[ops[i % 3]]) for i, room in enumerate(ROOMS)]
        commits += [commit(here, "team:t1", 1, sample("fine")), commit(here, "team:t2", 2, sample("hole"))]
        assert await append_all(here, commits) == [None, HeadMoved, HeadMoved] * 10 + [None, HeadMoved]
        again = [commit(here, room, 3, sample("ours"), op_ids=["known"]) for room in ROOMS]
        assert await append_all(here, again) == [DuplicateOp] * 30
        for room in ROOMS[::3]:
            assert [e.data["id"] for e in await read_all(here, room)] == ["first", "ours"]
        for room in ROOMS[1::3] + ROOMS[2::3]:
            assert [e.data["id"] for e in await read_all(here, room)] == ["first", "theirs"]

    async def test_one_that_is_too_large_harms_no_other(self, here: MongoStorage) -> None:
        large = [sample(f"r{i}", note="x" * 1_000_000) for i in range(17)]
        commits = [commit(here, room, 2, sample(room)) for room in ROOMS]
        commits[7] = commit(here, ROOMS[7], 2, *large)
        assert await append_all(here, commits) == [None] * 7 + [CommitTooLarge] + [None] * 22
        await here.append(commit(here, ROOMS[7], 2, *large[:10]))


class TestOutcome:
    async def test_a_commit_that_the_driver_sends_twice_is_written_once(self, mongo: MongoStorage) -> None:
        written = commit(mongo, ROOM, 1, sample("a"))
        await mongo.append(written)
        document = await mongo.database[COMMITS].find_one({})
        assert document is not None
        await mongo._open.writer.insert(document, {})
        assert await read_all(mongo, ROOM) == list(written.entries)

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            ({"code": 11000, "errmsg": "E11000 … index: room_1_first_1 dup key: { … }"}, HeadMoved),
            ({"code": 11000, "errmsg": "E11000 … index: room_1_ops_1 dup key: { … }"}, HeadMoved),
            ({"code": 11000, "errmsg": "another server's words"}, HeadMoved),
            ({"code": 10334, "errmsg": "anything else"}, StorageLost),
        ],
        ids=["place", "op", "unknown", "other"],
    )
    async def test_the_head_counts_before_the_ops_whatever_the_server_names_first(
        self, mongo: MongoStorage, error: dict[str, Any], outcome: type[Exception]
    ) -> None:
        await put(mongo, ROOM, sample("a"))
        late = commit_document(commit(mongo, ROOM, 1, sample("b")))
        job = mongo_writer._Job(ObjectId(), ROOM, late["first"], 1, None, {}, asyncio.Future())  # type: ignore[arg-type]
        assert type(await mongo._open.writer._refusal(job, error)) is outcome

    async def test_without_a_majority_the_outcome_is_unknown(self, mongo: MongoStorage) -> None:
        jobs = [
            mongo_writer._Job(ObjectId(), ROOM, seq, 1, None, {}, asyncio.Future())  # type: ignore[arg-type]
            for seq in (1, 2)
        ]
        details = {"writeErrors": [], "writeConcernErrors": [{"code": 64, "errmsg": "waiting timed out"}]}
        refusals = await mongo._open.writer._refusals(jobs, details)
        assert [type(refusals[i]) for i in range(2)] == [StorageLost, StorageLost]

    async def test_a_caller_that_goes_away_changes_nothing(self, here: MongoStorage) -> None:
        for turn, room in enumerate(ROOMS[:10]):
            caller = asyncio.create_task(here.append(commit(here, room, 2, sample("gone"))))
            for _ in range(turn):
                await asyncio.sleep(0)
            caller.cancel()
            await asyncio.wait([caller])
        await here._open.writer.close()
        accepted = []
        for room in ROOMS[:10]:
            head = (await here.load(room, [], [])).head
            accepted.append(head == 2)
            assert [e.seq for e in await read_all(here, room)] == list(range(1, head + 1))
            assert (await here.get(room, "sample", "gone") is not None) == accepted[-1]
            await here.append(commit(here, room, head + 1, sample("next")))
        assert set(accepted) == {True, False}


class TestMistakes:
    async def test_a_mistake_is_told_to_those_whose_commits_it_hit_and_inserts_go_on(
        self, here: MongoStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commits = [commit(here, room, 2, sample("a")) for room in ROOMS]
        with monkeypatch.context() as mistake:
            mistake.setattr(type(here._open.writer._commits), "insert_many", _mistaken)
            assert await append_all(here, commits) == [StorageLost] * len(ROOMS)
        assert await append_all(here, commits) == [None] * len(ROOMS)


async def _mistaken(self: object, documents: object, **options: object) -> None:
    raise RuntimeError("a mistake")
