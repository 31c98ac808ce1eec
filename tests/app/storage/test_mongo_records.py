"""What reads find while commits of their node are not projected yet, and for what they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app.storage.mongo import MongoStorage
from models.ports import Lag
from models.query import Query, query
from tests.app.storage.conftest import OpenMongo
from tests.app.storage.mongo_steps import held_up
from tests.contract.samples import OTHER_ROOM, ROOM, commit, ids, plain, put, sample

Call = Callable[[MongoStorage], Coroutine[Any, Any, Any]]

LIMIT = 10.0


@pytest.fixture
async def filled(mongo: MongoStorage) -> MongoStorage:
    """Records a, b and c of rank 1 to 3."""
    records = [sample(name, rank=rank, state="open", labels=[name]) for rank, name in enumerate("abc", 1)]
    await put(mongo, ROOM, *records)
    await put(mongo, OTHER_ROOM, sample("a", rank=1, state="open"))
    return mongo


async def change(storage: MongoStorage) -> None:
    """a gets rank 9, b is removed, d is new."""
    records = [
        sample("a", rank=9, state="done"),
        sample("b", deleted=True),
        sample("d", rank=4, state="open", labels=["d"]),
    ]
    await storage.append(commit(storage, ROOM, 4, *records))


async def test_reads_by_key_find_it_at_once(filled: MongoStorage) -> None:
    async with held_up(filled):
        await change(filled)
        assert await filled.heads([ROOM, OTHER_ROOM, "team:t1"]) == {ROOM: 6, OTHER_ROOM: 1, "team:t1": 0}
        assert (await filled.get(ROOM, "sample", "a") or {})["rank"] == 9
        assert await filled.get(ROOM, "sample", "b") is None
        assert (await filled.get(ROOM, "sample", "c") or {})["rank"] == 3
        assert (await filled.get(OTHER_ROOM, "sample", "a") or {})["rank"] == 1
        loaded = await filled.load(ROOM, [], [("sample", name) for name in "abcdx"])
        assert loaded.head == 6
        found = {id: record and record["seq"] for (_, id), record in loaded.records.items()}
        assert found == {"a": 4, "b": 5, "c": 3, "d": 6, "x": None}
        assert [entry.seq for entry in await filled.read(ROOM, after=3, limit=9)] == [4, 5, 6]


async def test_of_several_states_that_wait_the_newest_is_found(
    filled: MongoStorage, open_mongo: OpenMongo
) -> None:
    other = await open_mongo()
    async with held_up(filled):
        await change(filled)
        assert (await other.get(ROOM, "sample", "a") or {})["rank"] == 9
        await other.append(commit(other, ROOM, 7, sample("a", rank=10)))
        await other.lagging("reader", "school")
        assert (await filled.get(ROOM, "sample", "a") or {})["rank"] == 10
        await filled.append(commit(filled, ROOM, 8, sample("a", rank=11)))
        assert (await filled.get(ROOM, "sample", "a") or {})["rank"] == 11
        assert (await other.get(ROOM, "sample", "a") or {})["rank"] == 11
        await filled.append(commit(filled, ROOM, 9, sample("a", rank=12)))
        assert (await filled.get(ROOM, "sample", "a") or {})["rank"] == 12


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (query("sample", room=ROOM, rank=3, state="open"), ["c"]),
        (query("sample", room=OTHER_ROOM), ["a"]),
        (query("sample", room=ROOM, rank=7, state="open"), []),
        (query("plain", room=ROOM), []),
    ],
    ids=str,
)
async def test_a_query_that_it_does_not_concern_does_not_wait(
    filled: MongoStorage, asked: Query, found: list[str]
) -> None:
    async with held_up(filled), asyncio.timeout(LIMIT):
        await change(filled)
        assert ids(await filled.find(asked)) == found


WAITING: list[tuple[Call, Any]] = [
    (lambda storage: storage.find(query("sample", room=ROOM, rank=1, state="open")), []),
    (lambda storage: storage.find(query("sample", room=ROOM, rank=2, state="open")), []),
    (lambda storage: storage.find(query("sample", room=ROOM, rank=4, state="open")), ["d"]),
    (lambda storage: storage.find(query("sample", room=ROOM, order=("-rank",), limit=1)), ["a"]),
    (lambda storage: storage.find(query("sample", room=ROOM)), ["a", "c", "d"]),
    (
        lambda storage: storage.find(query("sample", one_of={"room": (ROOM, "school:s2")})),
        ["a", "a", "c", "d"],
    ),
    (lambda storage: storage.find(query("sample", state="open")), ["a", "c", "d"]),
    (lambda storage: storage.find(query("sample", containing={"labels": "d"})), ["d"]),
    (lambda storage: storage.find(query("sample", room=ROOM, within={"rank": (4, 9)})), ["d", "a"]),
    (lambda storage: storage.count(query("sample", room=ROOM), by="state"), {"done": 1, "open": 2}),
    (lambda storage: storage.count(query("sample", title=None), by="state"), {"done": 1, "open": 3}),
    (lambda storage: storage.locate("sample", "b"), None),
    (lambda storage: storage.locate("sample", "d"), "d"),
    (lambda storage: storage.lagging("reader", "school"), [Lag(ROOM, 0, 6), Lag(OTHER_ROOM, 0, 1)]),
]


@pytest.mark.parametrize(("call", "expected"), WAITING)
async def test_one_that_it_concerns_waits_for_it(filled: MongoStorage, call: Call, expected: Any) -> None:
    async with held_up(filled):
        await change(filled)
        asking = asyncio.create_task(call(filled))
        await filled.ping()
        await filled.ping()
        assert not asking.done()
    found = await asking
    if isinstance(found, tuple):
        assert found[1]["id"] == expected
    elif isinstance(found, list) and found and isinstance(found[0], dict):
        assert sorted(ids(found)) == sorted(expected)
    else:
        assert found == expected


async def test_a_query_sees_what_another_node_has_not_projected(
    filled: MongoStorage, open_mongo: OpenMongo
) -> None:
    other = await open_mongo()
    await other.heads([ROOM])
    async with held_up(filled):
        await change(filled)
        await filled.append(commit(filled, ROOM, 7, plain("p")))
        assert ids(await other.find(query("sample", room=ROOM))) == ["a", "c", "d"]
        assert await other.count(query("plain", room=ROOM), by="id") == {"p": 1}
        assert ids(await other.find(query("sample", state="done"))) == ["a"]
