"""The servers that other tests rely on do what those tests take for granted."""

import subprocess
from pathlib import Path

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.parts.node import ROOT
from tests.parts.process import ServerProcess

Client = AsyncIOMotorClient[dict[str, object]]


async def test_mongodb_refuses_a_second_commit_with_the_same_first_or_operation(
    mongodb_database_url: str,
) -> None:
    client: Client = AsyncIOMotorClient(mongodb_database_url, w="majority", journal=True)
    journal = client.get_default_database()["journal"]
    await journal.create_index([("room", 1), ("first", 1)], unique=True)
    await journal.create_index([("room", 1), ("ops", 1)], unique=True)
    await journal.insert_one({"room": "a", "first": 1, "ops": ["x", "y"]})
    await journal.insert_one({"room": "b", "first": 1, "ops": ["x", "y"]})
    with pytest.raises(DuplicateKeyError, match="room_1_first_1"):
        await journal.insert_one({"room": "a", "first": 1, "ops": ["z"]})
    with pytest.raises(DuplicateKeyError, match="room_1_ops_1"):
        await journal.insert_one({"room": "a", "first": 3, "ops": ["z", "y"]})
    client.close()


async def test_mongodb_reads_a_range_in_order_over_several_batches(mongodb_database_url: str) -> None:
    client: Client = AsyncIOMotorClient(mongodb_database_url)
    journal = client.get_default_database()["journal"]
    await journal.insert_many([{"room": "a", "first": first} for first in range(100)], ordered=False)
    found = journal.find({"room": "a", "first": {"$gt": 10, "$lte": 90}}).sort("first", -1).limit(70)
    assert [entry["first"] async for entry in found.batch_size(20)] == list(range(90, 20, -1))
    client.close()


async def test_mongodb_keeps_the_newer_record_when_a_stale_one_is_put(mongodb_database_url: str) -> None:
    client: Client = AsyncIOMotorClient(mongodb_database_url)
    records = client.get_default_database()["records"]

    def put(identity: str, seq: int) -> ReplaceOne[dict[str, object]]:
        return ReplaceOne({"_id": identity, "seq": {"$lt": seq}}, {"_id": identity, "seq": seq}, upsert=True)

    await records.bulk_write([put("a", 5), put("b", 5)], ordered=False)
    with pytest.raises(BulkWriteError) as refused:
        await records.bulk_write([put("a", 4), put("b", 6)], ordered=False)
    assert refused.value.details is not None
    assert [error["code"] for error in refused.value.details["writeErrors"]] == [11000]
    by_seq: list[dict[str, object]] = [
        {"$match": {"seq": {"$gte": 5}}},
        {"$group": {"_id": "$seq", "n": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    assert await records.aggregate(by_seq).to_list(None) == [{"_id": 5, "n": 1}, {"_id": 6, "n": 1}]
    client.close()


async def test_a_paused_mongodb_answers_again_with_its_data(mongodb_server: ServerProcess) -> None:
    client: Client = AsyncIOMotorClient(mongodb_server.url)
    await client["test"]["kept"].insert_one({"_id": "a"})
    hasty: Client = AsyncIOMotorClient(mongodb_server.url, timeoutMS=300)
    mongodb_server.pause()
    with pytest.raises(PyMongoError):
        await hasty["test"]["kept"].find_one({})
    mongodb_server.resume()
    assert await client["test"]["kept"].find_one({}) == {"_id": "a"}
    hasty.close()
    client.close()


async def test_a_stopped_mongodb_comes_back_on_the_same_port(mongodb_server: ServerProcess) -> None:
    mongodb_server.stop()
    await mongodb_server.start()
    client: Client = AsyncIOMotorClient(mongodb_server.url)
    assert (await client.admin.command("ping"))["ok"] == 1
    client.close()


async def test_redis_is_empty_at_the_start_of_a_test(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left", "behind")


async def test_redis_is_empty_again_after_a_test_that_left_something(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left", "behind")


async def test_a_stopped_redis_comes_back_on_the_same_port(redis_server: ServerProcess) -> None:
    async with Redis.from_url(redis_server.url) as client:
        assert await client.ping()
        redis_server.stop()
        with pytest.raises(RedisError):
            await client.ping()
        await redis_server.start()
        assert await client.ping()


def test_node_finds_the_official_client(node: Path) -> None:
    code = "console.log(typeof require('socket.io-client').io)"
    printed = subprocess.run([node, "-e", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "function"
