"""Documents that never give way to older ones."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from app.storage import mongo_newest
from app.storage.mongo import MongoStorage
from app.storage.mongo_documents import Document
from app.storage.mongo_newest import NewestWriter
from tests.contract.samples import ROOM

RECORDS = "records_sample"


def documents(seqs: list[int]) -> list[Document]:
    return [{"_id": f"{ROOM}/{i}", "room": ROOM, "seq": seq} for i, seq in enumerate(seqs)]


async def written(mongo: MongoStorage) -> list[Document]:
    found: list[Document] = await mongo.database[RECORDS].find().sort("_id", 1).to_list(None)
    return found


@pytest.fixture(params=["own", "another"])
def writers(mongo: MongoStorage, request: pytest.FixtureRequest) -> tuple[NewestWriter, NewestWriter]:
    """Who writes first, and who comes after: the same process, or another, which has not written yet."""
    first = NewestWriter(mongo.database)
    return first, first if request.param == "own" else NewestWriter(mongo.database)


async def test_in_whatever_order_the_newest_stays(mongo: MongoStorage) -> None:
    seqs = list(range(1, 31))
    random.Random(5).shuffle(seqs)
    nodes = [NewestWriter(mongo.database) for _ in range(3)]
    await asyncio.gather(*(nodes[seq % 3].write(RECORDS, documents([seq])) for seq in seqs))
    assert await written(mongo) == documents([30])


async def test_of_many_at_once_only_older_ones_give_way(
    mongo: MongoStorage, writers: tuple[NewestWriter, NewestWriter]
) -> None:
    first, then = writers
    await first.write(RECORDS, documents([5, 6, 7]))
    await then.write(RECORDS, documents([9, 6, 3, 2]))
    assert await written(mongo) == documents([9, 6, 7, 2])
    await first.write(RECORDS, documents([8, 7, 7, 4]))
    assert await written(mongo) == documents([9, 7, 7, 4])


async def test_an_older_one_that_comes_in_between_gives_way(
    mongo: MongoStorage, writers: tuple[NewestWriter, NewestWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, then = writers
    await first.write(RECORDS, documents([2]))
    write, calls = mongo_newest._write, 0

    async def overtaken(collection: Any, chunk: Any, writes: Any) -> list[Document]:
        """What MongoDB does when two insert the same `_id` at once: the later one is refused."""
        nonlocal calls
        calls += 1
        if calls == 1:
            await collection.replace_one({}, documents([4])[0])
            return list(chunk)
        return await write(collection, chunk, writes)

    monkeypatch.setattr(mongo_newest, "_write", overtaken)
    await then.write(RECORDS, documents([7]))
    assert await written(mongo) == documents([7])


async def test_more_than_go_with_one_command_are_all_written(
    mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_newest, "CHUNK", 4)
    await NewestWriter(mongo.database).write(RECORDS, documents(list(range(1, 10))))
    assert await written(mongo) == documents(list(range(1, 10)))


async def test_no_more_than_a_limit_is_remembered(
    mongo: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_newest, "REMEMBERED", 3)
    monkeypatch.setattr(mongo_newest, "CHUNK", 2)
    writer = NewestWriter(mongo.database)
    for seq in range(1, 4):
        await writer.write(RECORDS, documents([seq] * 9))
        assert len(writer._there) <= 4
    assert await written(mongo) == documents([3] * 9)
