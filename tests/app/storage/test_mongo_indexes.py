"""Which index each call on the MongoDB storage uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.storage.mongo import MongoCredentials, MongoStorage
from models.ports import RefreshToken
from models.query import query
from tests.contract.samples import ROOM, commit, plain, put, sample
from tests.parts.mongo_plans import MongoPlans

HEAD = ("room", "last")
NEXT = ("room", "first")
LEFT = ("projected", "room")
ID = ("_id",)

Call = Callable[[MongoStorage], Awaitable[Any]]


@pytest.fixture
def plans() -> MongoPlans:
    return MongoPlans()


@pytest.fixture
async def traced(
    mongodb_database_url: str, sample_kinds: None, plans: MongoPlans
) -> AsyncIterator[MongoStorage]:
    storage = MongoStorage(mongodb_database_url, trace=plans.record)
    await storage.open()
    await put(storage, ROOM, sample("a", title="t"), plain("n"))
    await storage.lagging("reader", "school")
    yield storage
    await storage.close()


@pytest.mark.parametrize(
    ("call", "used"),
    [
        (lambda storage: storage.load(ROOM, [], []), [NEXT]),
        (lambda storage: storage.load(ROOM, [("u1", "x")], []), [NEXT, ("room", "ops")]),
        (lambda storage: storage.load("school:unknown", [], []), [HEAD, LEFT]),
        (lambda storage: storage.heads([ROOM]), [NEXT]),
        (lambda storage: storage.heads([ROOM, "team:t1"]), [LEFT]),
        (lambda storage: storage.start(ROOM), [("room", "first")]),
        (lambda storage: storage.read(ROOM, after=0, limit=1), [HEAD]),
        (lambda storage: storage.read(ROOM, after=1, limit=5, up_to=2, topic=ROOM), [HEAD]),
        (
            lambda storage: storage.read(ROOM, after=1, limit=5, topic="class:c1"),
            [("room", "topics", "last")],
        ),
        (lambda storage: storage.read(ROOM, after=1, limit=5, record="a"), [("room", "records", "last")]),
        (lambda storage: storage.get(ROOM, "sample", "a"), [NEXT]),
        (lambda storage: storage.locate("sample", "a"), [LEFT]),
        (lambda storage: storage.lagging("reader", "school"), [LEFT]),
    ],
)
async def test_every_look_into_the_journal_has_an_index_made_for_it(
    traced: MongoStorage, plans: MongoPlans, call: Call, used: list[tuple[str, ...]]
) -> None:
    plans.asked.clear()
    await call(traced)
    assert sorted(plans.indexes("commits")) == sorted(used)


@pytest.mark.parametrize(
    ("call", "used"),
    [
        (lambda storage: storage.get(ROOM, "sample", "a"), ID),
        (lambda storage: storage.load(ROOM, [], [("sample", "a"), ("sample", "b")]), ID),
        (lambda storage: storage.locate("sample", "a"), ("id", "room")),
        (lambda storage: storage.find(query("sample", room=ROOM)), ("room", "id")),
        (lambda storage: storage.find(query("sample", room=ROOM, order=("id",), limit=5)), ("room", "id")),
        (
            lambda storage: storage.find(query("sample", room=ROOM, rank=1, order=("-date",), limit=5)),
            ("room", "rank", "date", "id"),
        ),
        (
            lambda storage: storage.find(query("sample", class_id="c", within={"date": ("a", "b")})),
            ("class_id", "date", "period", "id"),
        ),
        (lambda storage: storage.find(query("sample", title="t")), ("title", "id")),
        (
            lambda storage: storage.find(query("sample", containing={"labels": "x"})),
            ("labels", "room", "id"),
        ),
        (
            lambda storage: storage.count(query("sample", containing={"assignees": "u1"}), by="state"),
            ("assignees", "room", "id"),
        ),
    ],
)
async def test_every_look_for_records_has_an_index(
    traced: MongoStorage, plans: MongoPlans, call: Call, used: tuple[str, ...]
) -> None:
    plans.asked.clear()
    await call(traced)
    assert plans.indexes("records_sample") == [used]


async def test_a_page_behind_another_uses_the_index_of_its_order(
    traced: MongoStorage, plans: MongoPlans
) -> None:
    plans.asked.clear()
    await traced.find(query("sample", state="open", order=("-rank",), after=(5, "a"), limit=10))
    assert set(plans.indexes("records_sample")) == {("state", "rank", "id")}


async def test_nothing_reads_a_whole_collection(traced: MongoStorage, plans: MongoPlans) -> None:
    credentials = MongoCredentials(traced)
    token = RefreshToken("s1", "u1", "hash", 1)
    await traced.append(commit(traced, ROOM, 3, sample("a", deleted=True), sample("b")))
    await traced.set_cursor("reader", ROOM, 2)
    await traced.cursor("reader", ROOM)
    await traced.lagging("reader", "school")
    await traced.ping()
    await credentials.set_password_hash("u1", "hash")
    await credentials.password_hash("u1")
    await credentials.add_refresh_token(token)
    await credentials.rotate_refresh_token("hash", token)
    await credentials.refresh_token("s1")
    await credentials.end_sessions("u1")
    assert plans.scans() == []


async def test_what_would_read_a_whole_collection_is_noticed(traced: MongoStorage, plans: MongoPlans) -> None:
    await traced.database["commits"].find({"last": 1}).to_list(None)
    await traced.find(query("sample", period="1"))
    await traced.find(query("sample"))
    assert len(plans.scans()) == 3
