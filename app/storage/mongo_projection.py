"""From commits to records: the second half of a write to MongoDB, and what reads wait for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import ObjectId
from pymongo import InsertOne, ReplaceOne, WriteConcern
from pymongo.errors import BulkWriteError

from app.storage.mongo_documents import COMMITS, Document, projected_documents
from app.storage.mongo_limits import brief
from app.storage.shared_look import SharedLook
from models.ports import StorageLost

if TYPE_CHECKING:
    from app.storage.mongo import Collection, Database

IN_FLIGHT = 64
"""So many commits of this process may wait to be projected; the next append waits."""

CHUNK = 200
"""Documents written at a time, so that a large import stays within the limit on one operation."""

MANY = 32
"""So many documents of one collection in one commit are more likely new than not."""

News: TypeAlias = dict[str, list[Document]]
"""What follows from a commit; see `projected_documents`."""

Write: TypeAlias = InsertOne[Document] | ReplaceOne[Document]

_DUPLICATE_KEY = 11000

log = logging.getLogger("rollcall.storage")


class Projection:
    """Writes what follows from each commit (its records, the room's head) and then marks it `projected`.

    A commit is projected in the background as soon as it is inserted. Whatever dies in between leaves
    `projected: false`, and then the first read that needs it does the rest. To project a commit twice, or
    several at once in any order, comes to the same: a document never gives way to an older one.

    A commit that is `projected` is on a majority of the servers, and so are its records.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits = database[COMMITS]
        # A lost mark costs nothing but projecting again.
        self._marks = self._commits.with_options(write_concern=WriteConcern(w=1))
        self._tasks: dict[ObjectId, asyncio.Task[None]] = {}
        self._unprojected = SharedLook(self._look_for_unprojected)

    async def vacancy(self) -> None:
        """Return when one more commit may begin."""
        while len(self._tasks) >= IN_FLIGHT:
            await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)

    def begin(self, document: Document, news: News) -> None:
        """Start to project a commit that is on a majority, unless a read has found it before and does so."""
        if document["_id"] not in self._tasks:
            self._start([document["_id"]], self.project(document, news))

    async def finish(self, rooms: Sequence[str] | None) -> None:
        """Return when every commit that was inserted before this call is projected; None: in all rooms.

        One indexed query, mostly empty.
        """
        await self.finish_commits(await self._unprojected(None if rooms is None else frozenset(rooms)))

    async def finish_commits(self, commits: Iterable[ObjectId]) -> None:
        """Return when these commits are projected. StorageLost if one of them is not there any more."""
        tasks = {commit: self._tasks.get(commit) for commit in commits}
        if left := [commit for commit, task in tasks.items() if task is None]:
            tasks[left[0]] = self._start(left, self._finish(left))
        running = {task for task in tasks.values() if task is not None}
        if not running:
            return
        await asyncio.wait(running)
        for task in running:
            if task.cancelled():
                raise StorageLost("the storage was closed")
            if error := task.exception():
                raise StorageLost(f"a commit could not be projected: {brief(error)}") from error

    async def close(self) -> None:
        """Return when nothing is being projected any more."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def project(self, document: Document, news: News) -> None:
        """Write what follows from the commit, then mark it."""
        await asyncio.gather(*(write_newest(self._database[name], newest) for name, newest in news.items()))
        await self.mark(document)

    async def mark(self, document: Document) -> None:
        """Say that nothing is left to do for the commit."""
        await self._marks.update_one(_only(document), {"$set": {"projected": True}})

    async def _look_for_unprojected(self, rooms: frozenset[str] | None) -> list[ObjectId]:
        wanted: Document = {"projected": {"$eq": False}}
        if rooms is not None:
            wanted["room"] = {"$in": list(rooms)}
        return [commit["_id"] async for commit in self._commits.find(wanted, {"_id": 1})]

    async def _finish(self, commits: Sequence[ObjectId]) -> None:
        for commit_id in commits:
            commit = await self._commits.find_one({"_id": {"$eq": commit_id}})
            if commit is None:
                raise StorageLost("a commit is gone that had not reached a majority of the servers")
            if commit["projected"]:
                continue
            # Perhaps only the primary has it. When a later write to it is acknowledged, a majority has both.
            again = await self._commits.update_one(_only(commit), {"$inc": {"attempts": 1}})
            if again.matched_count == 0:
                raise StorageLost("a commit is gone that had not reached a majority of the servers")
            await self.project(commit, projected_documents(commit))

    def _start(self, commits: Sequence[ObjectId], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="projection")
        for commit in commits:
            self._tasks[commit] = task

        def ended(_: asyncio.Task[None]) -> None:
            for commit in commits:
                del self._tasks[commit]
            if not task.cancelled() and (error := task.exception()):
                log.warning("a commit is left to be projected by the next read: %s", brief(error))

        task.add_done_callback(ended)
        return task


async def write_newest(collection: Collection, documents: Sequence[Document]) -> None:
    """Put each document in the place of the one with its `_id`, unless that one's `seq` is as high.

    Durable on return.
    """
    for start in range(0, len(documents), CHUNK):
        chunk = documents[start : start + CHUNK]
        # Many at once are an import, and new: for a plain insert the server need not search.
        new: list[Write] = [
            InsertOne(document) if len(chunk) >= MANY else ReplaceOne(_older(document), document, upsert=True)
            for document in chunk
        ]
        refused = await _write(collection, chunk, new)
        # Their `_id` was there, or somebody inserted it at the same moment: that one may be newer or older.
        # Where nothing can be inserted, the condition on `seq` alone decides.
        if refused:
            await _write(collection, refused, [ReplaceOne(_older(one), one) for one in refused])


async def _write(
    collection: Collection, documents: Sequence[Document], writes: Sequence[Write]
) -> list[Document]:
    """The documents whose write was refused because their `_id` is taken."""
    try:
        await collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        details = error.details
        others = [e for e in details["writeErrors"] if e["code"] != _DUPLICATE_KEY]
        if others or details["writeConcernErrors"]:
            raise
        return [documents[e["index"]] for e in details["writeErrors"]]
    return []


def _older(document: Document) -> Document:
    return {**_only(document), "seq": {"$lt": document["seq"]}}


def _only(document: Document) -> Document:
    """The filter for one document; the room says which shard it is on."""
    return {"_id": document["_id"], "room": document["room"]}
