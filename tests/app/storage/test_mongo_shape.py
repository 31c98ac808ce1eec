"""A release that indexes other fields, on a database that an older one has filled."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from app.storage import mongo_shape
from app.storage.mongo import MongoStorage
from models.query import query
from models.record import KINDS
from tests.app.storage.conftest import OpenMongo
from tests.contract.samples import PLAIN, ROOM, plain, put

NEWER = dataclasses.replace(PLAIN, indexes=(("colour", "size"),), lists=("tags",))


@pytest.fixture
async def filled(open_mongo: OpenMongo, monkeypatch: pytest.MonkeyPatch) -> OpenMongo:
    """A database with 70 records of a kind that indexes more from now on."""
    monkeypatch.setattr(mongo_shape, "CHUNK", 16)
    mongo = await open_mongo()
    await put(mongo, ROOM, *(plain(f"p{i:02}", colour="red", size=i, tags=["x"]) for i in range(70)))
    await put(mongo, ROOM, plain("p00", deleted=True))
    await mongo.close()
    monkeypatch.setitem(KINDS, "plain", NEWER)
    return open_mongo


async def outdated(storage: MongoStorage) -> int:
    return await storage.database["records_plain"].count_documents({"tags": {"$exists": False}})


async def test_records_are_found_by_fields_that_were_not_indexed_when_they_were_written(
    filled: OpenMongo,
) -> None:
    mongo = await filled()
    assert await outdated(mongo) == 0
    assert await mongo.count(query("plain", colour="red"), by="colour") == {"red": 69}
    found = await mongo.find(query("plain", within={"size": (5, 7)}, order=("-size",)))
    assert [record["id"] for record in found] == ["p07", "p06", "p05"]
    assert len(await mongo.find(query("plain", containing={"tags": "x"}))) == 69
    assert (await mongo.load(ROOM, [], [("plain", "p00")])).records["plain", "p00"] == {
        "kind": "plain",
        "id": "p00",
        "seq": 71,
        "deleted": True,
    }


async def test_what_an_old_node_writes_in_the_meantime_is_found_after_the_next_start(
    filled: OpenMongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    mongo = await filled()
    with monkeypatch.context() as old_release:
        old_release.setitem(KINDS, "plain", PLAIN)
        await put(mongo, ROOM, plain("late", colour="blue"))
        assert await mongo.get(ROOM, "plain", "late") is not None
    assert await mongo.find(query("plain", colour="blue")) == []
    mongo = await filled()
    assert [record["id"] for record in await mongo.find(query("plain", colour="blue"))] == ["late"]


async def test_nodes_that_start_at_once_come_to_the_same(filled: OpenMongo) -> None:
    nodes = await asyncio.gather(*(filled() for _ in range(3)))
    assert [await outdated(node) for node in nodes] == [0, 0, 0]


async def test_records_that_change_meanwhile_keep_the_change(
    filled: OpenMongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    mongo, rewrite = await filled(), mongo_shape._rewrite
    await mongo.database["records_plain"].update_many({}, {"$set": {"shape": "older"}})

    async def overtaken(collection: Any, kind: Any, documents: Any) -> None:
        """Somebody changes a record after it was read, before it is written."""
        await put(mongo, ROOM, plain(documents[0]["_id"].split("/")[1], colour="green", tags=["new"]))
        assert await mongo.count(query("plain", containing={"tags": "new"}), by="colour")
        await rewrite(collection, kind, documents)

    with monkeypatch.context() as changing:
        changing.setattr(mongo_shape, "_rewrite", overtaken)
        await filled()
    assert await mongo.count(query("plain", containing={"tags": "new"}), by="colour") == {"green": 5}
    assert await outdated(mongo) == 0
