"""Stores of one adapter, with the contract suite's kinds of record beside the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from app.storage.mongo import MongoStorage
from app.storage.mongo_documents import Document
from app.storage.sqlite import SqliteStorage
from models.record import KINDS
from tests.contract.samples import SAMPLE_KINDS


@pytest.fixture
def sample_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The storages know the kinds of the contract suite, and no others."""
    for name in list(KINDS):
        monkeypatch.delitem(KINDS, name)
    for name, kind in SAMPLE_KINDS.items():
        monkeypatch.setitem(KINDS, name, kind)


@pytest.fixture
def path(tmp_path: Path, sample_kinds: None) -> Path:
    """Where a SQLite store of this test is or may be."""
    return tmp_path / "rollcall.db"


Open = Callable[[], Awaitable[SqliteStorage]]


@pytest.fixture
async def open_sqlite(path: Path) -> AsyncIterator[Open]:
    """Opens a SqliteStorage on `path`; all are closed after the test."""
    opened: list[SqliteStorage] = []

    async def open_one() -> SqliteStorage:
        storage = SqliteStorage(path)
        opened.append(storage)
        await storage.open()
        return storage

    yield open_one
    for storage in opened:
        await storage.close()


@pytest.fixture
async def sqlite(open_sqlite: Open) -> SqliteStorage:
    return await open_sqlite()


class OpenMongo(Protocol):
    """Opens a MongoStorage on this test's database, as one more node. `trace`: as MongoStorage has it."""

    async def __call__(self, trace: Callable[[Document], object] | None = None) -> MongoStorage: ...


@pytest.fixture
async def open_mongo(mongodb_database_url: str, sample_kinds: None) -> AsyncIterator[OpenMongo]:
    """All nodes are closed after the test."""
    opened: list[MongoStorage] = []

    async def open_one(trace: Callable[[Document], object] | None = None) -> MongoStorage:
        storage = MongoStorage(mongodb_database_url, trace=trace)
        opened.append(storage)
        await storage.open()
        return storage

    yield open_one
    for storage in opened:
        await storage.close()


@pytest.fixture
async def mongo(open_mongo: OpenMongo) -> MongoStorage:
    return await open_mongo()
