"""What happens between the insert of a commit and its `projected: true`, and what a read then sees."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from app.storage import mongo_projection
from app.storage.mongo import MongoStorage
from app.storage.mongo_documents import COMMITS, Document, commit_document
from app.storage.mongo_projection import News, Projection, write_newest
from models.journal import last_by_record
from models.ports import Lag, StorageLost
from models.query import query
from models.record import KINDS
from tests.app.storage.conftest import OpenMongo
from tests.app.storage.mongo_appender import ROOMS
from tests.contract.samples import ROOM, commit, plain, put, read_all, sample
from tests.parts.process import Child
from tests.waiting import until

ROOT = Path(__file__).parents[3]

STEPS = ["inserted", "rooms", "records_plain", "records_sample", "written"]
"""Where a node dies: before anything is written, after one collection alone, before the mark."""


class Death(Exception):
    """Ends a projection where the process would have ended."""


def die_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let projections die at a step."""

    async def write_one(collection: Any, documents: Sequence[Document]) -> None:
        if step not in (collection.name, "written"):
            raise Death
        await write_newest(collection, documents)

    async def no_mark(self: Projection, document: Document) -> None:
        raise Death

    monkeypatch.setattr(mongo_projection, "write_newest", write_one)
    monkeypatch.setattr(Projection, "mark", no_mark)


async def unprojected(storage: MongoStorage) -> int:
    return await storage.database[COMMITS].count_documents({"projected": False})


async def leave_unprojected(storage: MongoStorage, step: str) -> None:
    """Records a, b and n; then a commit that changes a and n, removes b, adds c, and dies at the step."""
    await put(storage, ROOM, sample("a", title="old", rank=1), sample("b", title="old"), plain("n", number=1))
    assert await storage.lagging("reader", "school") == [Lag(ROOM, 0, 3)]
    changed = [
        sample("a", title="passing"),
        sample("a", title="new"),
        sample("b", deleted=True),
        sample("c", title="new"),
        plain("n", number=2),
    ]
    with pytest.MonkeyPatch.context() as monkeypatch:
        die_at(step, monkeypatch)
        await storage.append(commit(storage, ROOM, 4, *changed))
        await storage._open.projection.close()
    assert await unprojected(storage) == 1


async def heads(storage: MongoStorage) -> Any:
    return await storage.heads([ROOM])


async def lagging(storage: MongoStorage) -> Any:
    return await storage.lagging("reader", "school")


async def load(storage: MongoStorage) -> Any:
    return (await storage.load(ROOM, [], [("sample", "a"), ("sample", "b"), ("plain", "n")])).records


async def get(storage: MongoStorage) -> Any:
    return [await storage.get(ROOM, kind, name) for kind, name in (("plain", "n"), ("sample", "b"))]


async def locate(storage: MongoStorage) -> Any:
    return await storage.locate("sample", "c")


async def find(storage: MongoStorage) -> Any:
    return [record["id"] for record in await storage.find(query("sample", title="new"))]


async def find_in_room(storage: MongoStorage) -> Any:
    return [record["id"] for record in await storage.find(query("sample", room=ROOM, title="old"))]


async def count(storage: MongoStorage) -> Any:
    return await storage.count(query("sample", room=ROOM), by="title")


async def read(storage: MongoStorage) -> Any:
    return [entry.seq for entry in await read_all(storage, ROOM)]


READS: list[tuple[Callable[[MongoStorage], Awaitable[Any]], Any]] = [
    (heads, {ROOM: 8}),
    (lagging, [Lag(ROOM, 0, 8)]),
    (
        load,
        {
            ("sample", "a"): {"kind": "sample", "id": "a", "seq": 5, "title": "new"},
            ("sample", "b"): {"kind": "sample", "id": "b", "seq": 6, "deleted": True},
            ("plain", "n"): {"kind": "plain", "id": "n", "seq": 8, "number": 2},
        },
    ),
    (get, [{"kind": "plain", "id": "n", "seq": 8, "number": 2}, None]),
    (locate, (ROOM, {"kind": "sample", "id": "c", "seq": 7, "title": "new"})),
    (find, ["a", "c"]),
    (find_in_room, []),
    (count, {"new": 2}),
    (read, [1, 2, 3, 4, 5, 6, 7, 8]),
]


class TestDeathInBetween:
    @pytest.mark.parametrize("step", STEPS)
    async def test_the_next_to_open_finishes_what_was_left(self, open_mongo: OpenMongo, step: str) -> None:
        await leave_unprojected(await open_mongo(), step)
        other = await open_mongo()
        assert await unprojected(other) == 0
        for look, expected in READS:
            assert await look(other) == expected, look.__name__

    @pytest.mark.parametrize("step", ["inserted", "records_sample"])
    @pytest.mark.parametrize(("look", "expected"), READS, ids=[look.__name__ for look, _ in READS])
    async def test_every_read_of_another_node_sees_what_was_acknowledged(
        self,
        open_mongo: OpenMongo,
        step: str,
        look: Callable[[MongoStorage], Awaitable[Any]],
        expected: Any,
    ) -> None:
        first, other = await open_mongo(), await open_mongo()
        await leave_unprojected(first, step)
        assert await look(other) == expected
        assert await unprojected(other) == 0

    async def test_reads_of_the_same_node_see_it_too(self, mongo: MongoStorage) -> None:
        await leave_unprojected(mongo, "records_sample")
        for look, expected in READS:
            assert await look(mongo) == expected, look.__name__

    async def test_the_journal_goes_on_before_anyone_finishes(self, mongo: MongoStorage) -> None:
        await leave_unprojected(mongo, "inserted")
        await mongo.append(commit(mongo, ROOM, 9, sample("a", title="newest")))
        assert (await mongo.get(ROOM, "sample", "a") or {})["title"] == "newest"
        assert [record["id"] for record in await mongo.find(query("sample", room=ROOM))] == ["a", "c"]

    async def test_several_nodes_that_finish_the_same_at_once_come_to_the_same(
        self, open_mongo: OpenMongo
    ) -> None:
        nodes = [await open_mongo() for _ in range(3)]
        await leave_unprojected(nodes[0], "rooms")
        looks = [look(node) for look, _ in READS for node in nodes]
        found = await asyncio.gather(*looks)
        assert found == [expected for _, expected in READS for _ in nodes]


@pytest.fixture
def appender(mongodb_database_url: str) -> Iterator[Callable[..., Child]]:
    """Starts nodes that append without end; all are ended after the test."""
    started: list[Child] = []

    def start(*arguments: str) -> Child:
        module = "tests.app.storage.mongo_appender"
        child = Child([sys.executable, "-m", module, mongodb_database_url, *arguments], cwd=ROOT)
        started.append(child)
        child.spawn()
        return child

    yield start
    for child in started:
        child.kill()


def acknowledged(child: Child) -> dict[str, int]:
    heads = dict.fromkeys(ROOMS, 0)
    for line in child.output.splitlines():
        match line.split():
            case ["acknowledged", room, seq]:
                heads[room] = int(seq)
    return heads


async def check(storage: MongoStorage, room: str, least: int) -> None:
    """Everything acknowledged is there once, and the records are what the journal adds up to."""
    entries = await read_all(storage, room)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) >= least
    assert len(entries) % 3 == 0
    assert (await storage.heads([room]))[room] == len(entries)
    state = last_by_record(entries)
    assert (await storage.load(room, [], list(state))).records == state
    samples = [record for (kind, _), record in state.items() if kind == "sample"]
    assert await storage.find(query("sample", room=room)) == sorted(samples, key=lambda record: record["id"])


class TestKilled:
    @pytest.mark.parametrize("step", STEPS)
    async def test_a_node_killed_at_a_step_leaves_everything_it_acknowledged(
        self, open_mongo: OpenMongo, appender: Callable[..., Child], step: str
    ) -> None:
        other = await open_mongo()
        child = appender("run", step)
        assert await child.exited(30) == -9
        assert await unprojected(other) >= 1
        await check(other, ROOMS[0], acknowledged(child)[ROOMS[0]])
        assert await unprojected(other) == 0

    async def test_nodes_killed_at_any_moment_lose_nothing(
        self, open_mongo: OpenMongo, appender: Callable[..., Child]
    ) -> None:
        dice = random.Random(4)
        for run in range(3):
            child = appender(f"run{run}")
            wanted = dice.randrange(5, 40)
            await until(lambda: child.output.count("acknowledged") >= wanted, 60)  # noqa: B023
            child.kill()
            storage = await open_mongo()
            for room, head in acknowledged(child).items():
                await check(storage, room, head)
            await storage.close()


class TestWriteNewest:
    def document(self, seq: int) -> Document:
        return {"_id": "school:s1/a", "room": ROOM, "seq": seq}

    async def test_in_whatever_order_the_newest_stays(self, mongo: MongoStorage) -> None:
        records = mongo.database["records_sample"]
        documents = [self.document(seq) for seq in range(1, 31)]
        random.Random(5).shuffle(documents)
        await asyncio.gather(*(write_newest(records, [document]) for document in documents))
        assert await records.find().to_list(None) == [self.document(30)]

    @pytest.mark.parametrize("many", [1, 1_000], ids=["inserted", "replaced"])
    async def test_of_many_at_once_only_older_ones_give_way(
        self, mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch, many: int
    ) -> None:
        monkeypatch.setattr(mongo_projection, "MANY", many)
        records = mongo.database["records_sample"]

        def documents(seqs: list[int]) -> list[Document]:
            return [{"_id": f"{ROOM}/{i}", "room": ROOM, "seq": seq} for i, seq in enumerate(seqs)]

        await write_newest(records, documents([5, 6, 7]))
        await write_newest(records, documents([9, 6, 3, 2]))
        assert await records.find().sort("_id").to_list(None) == documents([9, 6, 7, 2])

    @pytest.mark.parametrize("many", [1, 1_000], ids=["inserted", "replaced"])
    async def test_an_older_one_that_comes_in_between_gives_way(
        self, mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch, many: int
    ) -> None:
        monkeypatch.setattr(mongo_projection, "MANY", many)
        records = mongo.database["records_sample"]
        write, calls = mongo_projection._write, 0

        async def overtaken(collection: Any, documents: Any, writes: Any) -> list[Document]:
            """What MongoDB does when two insert the same `_id` at once: the later one is refused."""
            nonlocal calls
            calls += 1
            if calls == 1:
                await records.insert_one(self.document(4))
                return list(documents)
            return await write(collection, documents, writes)

        monkeypatch.setattr(mongo_projection, "_write", overtaken)
        await write_newest(records, [self.document(7)])
        assert await records.find().to_list(None) == [self.document(7)]


class TestProjection:
    async def test_an_import_of_thousands_is_projected_whole(self, mongo: MongoStorage) -> None:
        records = [sample(f"r{i}", rank=i, labels=["new"]) for i in range(1_250)]
        await mongo.append(commit(mongo, ROOM, 1, *records, op_ids=["import"] * 1_250, bulk=True))
        assert await mongo.count(query("sample", containing={"labels": "new"}), by="state") == {None: 1_250}

    async def test_an_entry_that_is_returned_is_on_a_majority(self, mongo: MongoStorage) -> None:
        inserted = commit(mongo, ROOM, 1, sample("a"), op_ids=["op"])
        for look in (
            lambda room: mongo.read(room, after=0, limit=10),
            lambda room: mongo.load(room, [("u1", "op")], []),
            lambda room: mongo.heads([room]),
        ):
            await mongo.database[COMMITS].delete_many({})
            await mongo.database[COMMITS].insert_one(commit_document(inserted))
            await look(ROOM)
            (document,) = await mongo.database[COMMITS].find().to_list(None)
            assert document["projected"] is True
            assert document["attempts"] == 1

    async def test_a_commit_that_is_gone_again_is_not_returned(self, mongo: MongoStorage) -> None:
        with pytest.raises(StorageLost, match="a commit is gone"):
            await mongo._open.projection.finish_commits([ObjectId()])

    async def test_records_of_an_unknown_kind_are_left_to_those_who_know_it(
        self, open_mongo: OpenMongo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mongo = await open_mongo()
        await mongo.database[COMMITS].insert_one(commit_document(commit(mongo, ROOM, 1, plain("n"))))
        with monkeypatch.context() as older:
            older.delitem(KINDS, "plain")
            with pytest.raises(StorageLost, match="unknown kind 'plain'"):
                await mongo.get(ROOM, "sample", "a")
            assert await unprojected(mongo) == 1
        assert await mongo.get(ROOM, "plain", "n") == {"kind": "plain", "id": "n", "seq": 1}

    @pytest.mark.parametrize("title", [{"$gt": ""}, ["x"], 2**63, 0.5], ids=str)
    async def test_what_could_not_be_projected_is_not_written(self, mongo: MongoStorage, title: Any) -> None:
        with pytest.raises(TypeError, match="title holds text, integers of 64 bits or null"):
            await mongo.append(commit(mongo, ROOM, 1, plain("n"), sample("a", title=title)))
        assert await mongo.database[COMMITS].count_documents({}) == 0
        await mongo.append(commit(mongo, ROOM, 1, plain("n")))

    async def test_an_append_waits_while_too_much_is_not_projected_yet(
        self, mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        let, project = asyncio.Event(), Projection.project

        async def project_when_let(self: Projection, document: Document, news: News) -> None:
            await let.wait()
            await project(self, document, news)

        monkeypatch.setattr(Projection, "project", project_when_let)
        monkeypatch.setattr(mongo_projection, "IN_FLIGHT", 3)
        for number in range(3):
            await mongo.append(commit(mongo, f"school:s{number}", 1, sample("a")))
        fourth = asyncio.create_task(mongo.append(commit(mongo, "school:s3", 1, sample("a"))))
        assert await mongo.start("school:s0") == 0
        appended = await mongo.database[COMMITS].count_documents({})
        let.set()
        await fourth
        assert appended == 3
        assert await mongo.locate("sample", "a") is not None

    async def test_closing_waits_until_all_is_projected(self, open_mongo: OpenMongo) -> None:
        mongo, other = await open_mongo(), await open_mongo()
        for number in range(20):
            await mongo.append(commit(mongo, f"school:s{number}", 1, sample("a")))
        await mongo.close()
        assert await unprojected(other) == 0
