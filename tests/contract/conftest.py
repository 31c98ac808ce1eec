"""Every contract test runs over every adapter: `backend` stands for one, with an empty store of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from models.ports import Credentials, Storage
from models.record import KINDS
from tests.contract.samples import SAMPLE_KINDS
from tests.parts.mongo_plans import MongoPlans
from tests.parts.plans import Plans


@dataclass
class Backend:
    """One adapter on one store. `open` again after `close` is what a restart does."""

    name: str
    make: Callable[[], Storage]
    make_credentials: Callable[[Any], Credentials]
    opened: list[Storage] = field(default_factory=list)

    async def open(self) -> Storage:
        storage = self.make()
        self.opened.append(storage)
        await storage.open()
        return storage

    async def reopen(self) -> Storage:
        """Close what is open and open the same store again."""
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self.opened:
            await self.opened.pop().close()


@pytest.fixture(autouse=True)
def sample_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The storages know the kinds of the contract suite, and no others."""
    for name in list(KINDS):
        monkeypatch.delitem(KINDS, name)
    for name, kind in SAMPLE_KINDS.items():
        monkeypatch.setitem(KINDS, name, kind)


def _sqlite(path: Path, plans: Plans) -> Backend:
    from app.storage.sqlite import SqliteCredentials, SqliteStorage

    return Backend("sqlite", lambda: SqliteStorage(path, trace=plans.record), SqliteCredentials)


def _mongo(url: str, plans: MongoPlans) -> Backend:
    from app.storage.mongo import MongoCredentials, MongoStorage

    # How long a call may last is not what these tests are about, and the stand-in searches without indexes.
    return Backend("mongo", lambda: MongoStorage(url, timeout=30, trace=plans.record), MongoCredentials)


@pytest.fixture(params=["sqlite", "mongo"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    path, plans, mongo_plans = tmp_path / "rollcall.db", Plans(), MongoPlans()
    if request.param == "sqlite":
        backend = _sqlite(path, plans)
    else:
        backend = _mongo(request.getfixturevalue("mongodb_database_url"), mongo_plans)
    yield backend
    await backend.close()
    assert plans.scans(path) == []
    assert mongo_plans.scans() == []


@pytest.fixture
async def storage(backend: Backend) -> Storage:
    """An open storage with nothing in it."""
    return await backend.open()


@pytest.fixture
def credentials(backend: Backend, storage: Storage) -> Credentials:
    return backend.make_credentials(storage)
