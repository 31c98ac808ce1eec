"""What happens between the insert of a commit and its `projected: true`, and what a read then sees."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import ConnectionFailure

from app.storage import mongo_backlog, mongo_journal, mongo_projection
from app.storage.mongo import MongoStorage
from app.storage.mongo_documents import COMMITS, Document, commit_document
from models.journal import HeadMoved, last_by_record
from models.ports import Lag, StorageLost
from models.query import query
from models.record import KINDS
from tests.app.storage.conftest import OpenMongo
from tests.app.storage.mongo_appender import ROOMS
from tests.app.storage.mongo_steps import STEPS, held_up, stop_at
from tests.contract.samples import OTHER_ROOM, ROOM, commit, plain, put, read_all, sample
from tests.parts.process import Child
from tests.waiting import until

ROOT = Path(__file__).parents[3]
TEAM = "team:t1"


def go_away() -> None:
    """What a write meets when the server has gone."""
    raise ConnectionFailure("gone")


async def unprojected(storage: MongoStorage) -> int:
    return await storage.database[COMMITS].count_documents({"projected": False})


async def all_projected(storage: MongoStorage) -> bool:
    return await unprojected(storage) == 0


async def append_two(storage: MongoStorage) -> None:
    """A commit that changes a and n, removes b and adds c, and one of another room in the same round."""
    changed = [
        sample("a", title="passing"),
        sample("a", title="new"),
        sample("b", deleted=True),
        sample("c", title="new"),
        plain("n", number=2),
    ]
    await asyncio.gather(
        storage.append(commit(storage, ROOM, 4, *changed)),
        storage.append(commit(storage, TEAM, 2, plain("m", number=2))),
    )


async def begin(storage: MongoStorage) -> None:
    """Records a, b and n of one room and m of another, projected."""
    await put(storage, TEAM, plain("m", number=1))
    await put(storage, ROOM, sample("a", title="old", rank=1), sample("b", title="old"), plain("n", number=1))
    assert await storage.lagging("reader", "school") == [Lag(ROOM, 0, 3)]


async def leave_unprojected(storage: MongoStorage, step: str) -> None:
    """Begin, then append two commits, and end while they are projected."""
    await begin(storage)
    with pytest.MonkeyPatch.context() as monkeypatch:
        stop_at(step, go_away, monkeypatch)
        await append_two(storage)
        await storage.close()


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


class TestEndInBetween:
    @pytest.mark.parametrize("step", STEPS)
    async def test_the_next_to_open_finishes_what_was_left(self, open_mongo: OpenMongo, step: str) -> None:
        witness = await open_mongo()
        await leave_unprojected(await open_mongo(), step)
        assert await unprojected(witness) == (1 if step == "half marked" else 2)
        other = await open_mongo()
        assert await unprojected(witness) == 0
        for look, expected in READS:
            assert await look(other) == expected, look.__name__

    @pytest.mark.parametrize("step", ["begun", "records_sample"])
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

    async def test_a_read_has_what_it_found_projected(self, open_mongo: OpenMongo) -> None:
        first, other = await open_mongo(), await open_mongo()
        await leave_unprojected(first, "begun")
        await other.heads([ROOM, TEAM])
        await until(lambda: all_projected(other))

    @pytest.mark.parametrize("at_a_time", [3, 100], ids=["many", "few"])
    async def test_a_node_that_knows_an_earlier_head_finishes_what_came_after_it(
        self, open_mongo: OpenMongo, monkeypatch: pytest.MonkeyPatch, at_a_time: int
    ) -> None:
        monkeypatch.setattr(mongo_journal, "COMMITS_AT_A_TIME", at_a_time)
        first, other = await open_mongo(), await open_mongo()
        await begin(first)
        assert (await other.heads([ROOM]))[ROOM] == 3
        with pytest.MonkeyPatch.context() as away:
            stop_at("begun", go_away, away)
            await append_two(first)
            for seq in range(9, 20):
                await first.append(commit(first, ROOM, seq, plain("n", number=seq)))
            await first.close()
        assert (await load(other))["plain", "n"]["number"] == 19
        assert await find(other) == ["a", "c"]

    async def test_the_journal_goes_on_before_anyone_finishes(self, open_mongo: OpenMongo) -> None:
        first, other = await open_mongo(), await open_mongo()
        await leave_unprojected(first, "begun")
        await other.append(commit(other, ROOM, 9, sample("a", title="newest")))
        assert (await other.get(ROOM, "sample", "a") or {})["title"] == "newest"
        assert [record["id"] for record in await other.find(query("sample", room=ROOM))] == ["a", "c"]

    async def test_several_nodes_that_finish_the_same_at_once_come_to_the_same(
        self, open_mongo: OpenMongo
    ) -> None:
        first, *nodes = [await open_mongo() for _ in range(4)]
        await leave_unprojected(first, "rooms")
        looks = [look(node) for look, _ in READS for node in nodes]
        found = await asyncio.gather(*looks)
        assert found == [expected for _, expected in READS for _ in nodes]


class TestAway:
    @pytest.mark.parametrize("step", STEPS)
    async def test_what_could_not_be_written_is_known_meanwhile_and_written_later(
        self, mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        monkeypatch.setattr(mongo_projection, "RETRY", 0.01)
        await begin(mongo)
        with pytest.MonkeyPatch.context() as away:
            stop_at(step, go_away, away)
            await append_two(mongo)
            by_key = {heads, load, get, read}
            for look, expected in READS:
                if look in by_key:
                    assert await look(mongo) == expected, look.__name__
            with pytest.raises(StorageLost, match="could not be projected"):
                await count(mongo)
            await mongo.append(commit(mongo, TEAM, 3, plain("m", number=3)))
        await until(lambda: all_projected(mongo))
        for look, expected in READS:
            assert await look(mongo) == expected, look.__name__
        assert await mongo.get(TEAM, "plain", "m") == {"kind": "plain", "id": "m", "seq": 3, "number": 3}


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
        for room, head in acknowledged(child).items():
            await check(other, room, head)
        await until(lambda: all_projected(other))

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


class TestProjection:
    async def test_an_import_of_thousands_is_projected_whole(self, mongo: MongoStorage) -> None:
        records = [sample(f"r{i}", rank=i, labels=["new"]) for i in range(1_250)]
        await mongo.append(commit(mongo, ROOM, 1, *records, op_ids=["import"] * 1_250, bulk=True))
        assert await mongo.count(query("sample", containing={"labels": "new"}), by="state") == {None: 1_250}

    async def test_what_is_returned_is_on_a_majority(self, open_mongo: OpenMongo) -> None:
        mongo = await open_mongo()
        inserted = commit(mongo, ROOM, 1, sample("a"), op_ids=["op"])
        looks: list[Callable[[MongoStorage], Awaitable[Any]]] = [
            lambda node: node.read(ROOM, after=0, limit=10),
            lambda node: node.load(ROOM, [("u1", "op")], []),
            lambda node: node.heads([ROOM]),
            lambda node: node.get(ROOM, "sample", "a"),
        ]
        for look in looks:
            node = await open_mongo()
            await mongo.database[COMMITS].delete_many({})
            await mongo.database[COMMITS].insert_one(commit_document(inserted))
            await look(node)
            (document,) = await mongo.database[COMMITS].find().to_list(None)
            assert document["attempts"] == 1
            await node.close()

    async def test_a_commit_that_is_gone_again_is_not_returned(self, mongo: MongoStorage) -> None:
        with pytest.raises(StorageLost, match="a commit is gone"):
            await mongo._open.projection.confirm([ObjectId()])

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

    async def test_what_waits_is_written_in_one_round_and_each_record_once(
        self, open_mongo: OpenMongo
    ) -> None:
        commands: Counter[str] = Counter()

        def count_command(command: Document) -> None:
            name, collection = next(iter(command.items()))
            commands[f"{name} {collection}"] += len(command.get("updates") or command.get("documents") or "1")

        mongo = await open_mongo(count_command)
        await put(mongo, ROOM, sample("first"))
        async with held_up(mongo):
            commands.clear()
            # The first round has begun with the first of them.
            for seq in range(2, 30):
                await mongo.append(commit(mongo, ROOM, seq, sample("a", rank=seq)))
        await mongo.lagging("reader", "school")
        assert commands["insert commits"] == 28
        assert commands["insert records_sample"] + commands["update records_sample"] == 2
        assert commands["update rooms"] == 2
        assert commands["update commits"] == 2

    async def test_what_another_node_projects_meanwhile_is_not_projected_again(
        self, open_mongo: OpenMongo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mongo_projection, "GRACE", 60.0)
        written: list[str] = []

        def note(command: Document) -> None:
            if "insert" in command or "update" in command:
                written.append(str(next(iter(command.values()))))

        here, there = await open_mongo(), await open_mongo(note)
        async with held_up(here):
            await here.append(commit(here, ROOM, 1, sample("a", rank=1)))
            assert (await there.get(ROOM, "sample", "a") or {})["rank"] == 1
        await until(lambda: all_projected(here))
        await there.close()
        assert "commits" in written
        assert not {"rooms", "records_sample"}.intersection(written)

    async def test_an_append_waits_while_too_much_is_not_projected_yet(
        self, mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mongo_backlog, "MOST_ENTRIES", 3)
        async with held_up(mongo):
            for number in range(3):
                await mongo.append(commit(mongo, f"school:s{number}", 1, sample("a")))
            fourth = asyncio.create_task(mongo.append(commit(mongo, "school:s3", 1, sample("a"))))
            assert await mongo.start("school:s0") == 0
            appended = await mongo.database[COMMITS].count_documents({})
        await fourth
        assert appended == 3
        assert await mongo.locate("sample", "a") is not None

    async def test_a_commit_that_a_read_has_found_before_leaves_its_place_to_others(
        self, mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mongo_backlog, "MOST_ENTRIES", 3)
        insert_many = AsyncIOMotorCollection.insert_many

        async def look_before_the_answer(self: Any, documents: Any, **options: Any) -> Any:
            answer = await insert_many(self, documents, **options)
            await mongo.heads([ROOM])
            return answer

        monkeypatch.setattr(AsyncIOMotorCollection, "insert_many", look_before_the_answer)
        async with held_up(mongo):
            await mongo.append(commit(mongo, ROOM, 1, sample("a"), sample("b"), sample("c")))
            await mongo.append(commit(mongo, OTHER_ROOM, 1, sample("a")))
        await until(lambda: all_projected(mongo))
        assert [entry.seq for entry in await read_all(mongo, ROOM)] == [1, 2, 3]

    async def test_a_commit_that_was_refused_leaves_its_place_to_others(
        self, open_mongo: OpenMongo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mongo_backlog, "MOST_ENTRIES", 3)
        here, there = await open_mongo(), await open_mongo()
        await put(here, ROOM, sample("a"))
        await there.append(commit(there, ROOM, 2, sample("b"), op_ids=["op"]))
        for _ in range(5):
            with pytest.raises(HeadMoved):
                await here._open.writer.insert(commit_document(commit(here, ROOM, 2, sample("c"))), {})
        await here.append(commit(here, ROOM, 3, sample("c"), sample("d")))

    async def test_an_unforeseen_error_is_told_and_what_it_left_is_projected_by_the_next_round(
        self, mongo: MongoStorage, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> None:
            raise LookupError("unforeseen")

        with pytest.MonkeyPatch.context() as failing:
            stop_at("begun", fail, failing)
            await mongo.append(commit(mongo, ROOM, 1, sample("a")))
            with pytest.raises(StorageLost, match="could not be projected") as caught:
                await mongo.locate("sample", "a")
        assert isinstance(caught.value.__cause__, LookupError)
        assert "unforeseen" in caplog.text
        assert await mongo.locate("sample", "a") == (ROOM, {"kind": "sample", "id": "a", "seq": 1})

    async def test_closing_waits_until_all_is_projected(self, open_mongo: OpenMongo) -> None:
        mongo, other = await open_mongo(), await open_mongo()
        for number in range(20):
            await mongo.append(commit(mongo, f"school:s{number}", 1, sample("a")))
        await mongo.close()
        assert await unprojected(other) == 0
