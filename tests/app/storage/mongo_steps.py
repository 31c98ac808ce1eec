"""The steps of a projection, and how to stop it there."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from bson import ObjectId

from app.storage.mongo import MongoStorage
from app.storage.mongo_documents import Document
from app.storage.mongo_newest import NewestWriter
from app.storage.mongo_projection import Projection, Round

COLLECTIONS = ["rooms", "records_plain", "records_sample"]
"""What a commit of the sample kinds changes, besides itself."""

STEPS = ["begun", *COLLECTIONS, "half written", "written", "half marked"]
"""Before anything is written; after one collection alone; after half of each; before and amid the marks."""


class _Stopping:
    """A projection that ends at a step."""

    def __init__(self, step: str, stop: Callable[[], None], when: Callable[[Round], bool]) -> None:
        self._step = step
        self._stop = stop
        self._when = when
        self._stopping = False
        self._halves = 0
        self._reached = asyncio.Event()
        self._project, self._write, self._mark = Projection._project, NewestWriter.write, Projection.mark

    async def project(self, projection: Projection, running: Round) -> None:
        self._stopping, self._halves = self._when(running), 0
        await self._project(projection, running)

    async def write(self, writer: NewestWriter, collection: str, documents: Sequence[Document]) -> None:
        if not self._stopping or collection not in COLLECTIONS or self._step in ("written", "half marked"):
            return await self._write(writer, collection, documents)
        if self._step == collection:
            await self._write(writer, collection, documents)
        if self._step == "half written":
            await self._write(writer, collection, documents[: len(documents) // 2])
            self._halves += 1
        if self._step in ("begun", collection) or self._halves == len(COLLECTIONS):
            self._reached.set()
        await self._reached.wait()
        return self._stop()

    async def mark(self, projection: Projection, commits: Sequence[ObjectId]) -> None:
        if not self._stopping:
            return await self._mark(projection, commits)
        if self._step == "half marked":
            await self._mark(projection, commits[: len(commits) // 2])
        return self._stop()


def stop_at(
    step: str,
    stop: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    when: Callable[[Round], bool] = lambda running: True,
) -> None:
    """Call `stop`, which ends the process or raises, at a step of every round that is like this."""
    stopping = _Stopping(step, stop, when)
    monkeypatch.setattr(Projection, "_project", functools.partialmethod(_call, stopping.project))
    monkeypatch.setattr(NewestWriter, "write", functools.partialmethod(_call, stopping.write))
    monkeypatch.setattr(Projection, "mark", functools.partialmethod(_call, stopping.mark))


async def _call(self: Any, method: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    await method(self, *arguments)


@contextlib.asynccontextmanager
async def held_up(storage: MongoStorage) -> AsyncIterator[None]:
    """What this node appends is inserted and not projected, until the end of the block."""
    let = asyncio.Event()
    projection = storage._open.projection
    project = projection._project

    async def project_when_let(running: Round) -> None:
        await let.wait()
        await project(running)

    with pytest.MonkeyPatch.context() as monkeypatch:
        await projection.written()
        monkeypatch.setattr(projection, "_project", project_when_let)
        try:
            yield
        finally:
            let.set()
