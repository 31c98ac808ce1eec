"""Inserts commits: all that wait, of whatever rooms, go to MongoDB with one command.

What a command costs (the way to one of the driver's threads and back, above all) is so much more than what a
commit costs that their number decides how many commits a core can write.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError, PyMongoError

from app.storage.mongo_backlog import Backlog
from app.storage.mongo_documents import Document, News
from app.storage.mongo_limits import brief
from app.storage.mongo_projection import Projection
from models.journal import CommitTooLarge, DuplicateOp, HeadMoved
from models.ports import StorageLost

if TYPE_CHECKING:
    from app.storage.mongo import Collection

IN_FLIGHT = 2
"""Commands under way at once: while MongoDB is busy with one, the next commits are decided."""

TURNS = 3
"""Turns of the loop between a command and the next decisions: answers go out, new actions come in."""

LARGEST = 15 * 1024 * 1024
"""Bytes of a commit. A document may have 16 MiB (mongodb.com/docs/manual/reference/limits), and that of a
record also holds its indexed fields a second time.
"""

BATCH_BYTES = 16 * 1024 * 1024
"""Bytes after which a command takes no further commit: with the last one it is below the 48 MB that a message
may have (`maxMessageSizeBytes`).
"""

_DUPLICATE_KEY = 11000
# As in: E11000 duplicate key error collection: rollcall.commits index: room_1_first_1 dup key: …
_INDEX = re.compile(r" index: (\S+) dup key: ")
_PLACE = "room_1_first_1"


log = logging.getLogger("rollcall.storage")


@dataclass(frozen=True, slots=True)
class _Job:
    """A commit that waits. `inserted` ends when it is on a majority, or with the reason why it is not."""

    id: ObjectId
    room: str
    first: int
    entries: int
    document: RawBSONDocument
    news: News
    inserted: asyncio.Future[None]


class Writer:
    """Inserts commits, each whole or not at all, and has them projected.

    A caller that goes away changes nothing: what was accepted is inserted.
    """

    def __init__(self, commits: Collection, projection: Projection, backlog: Backlog) -> None:
        self._commits = commits
        self._projection = projection
        self._backlog = backlog
        self._waiting: deque[_Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Event()
        self._free.set()

    async def ready(self) -> None:
        """As Storage.ready."""
        await self._free.wait()

    async def insert(self, document: Document, news: News) -> None:
        """Return once the commit is on a majority; its records follow.

        HeadMoved or DuplicateOp where the unique indexes refuse it, CommitTooLarge. StorageLost: the outcome
        is unknown.
        """
        entries = document["last"] - document["first"] + 1
        encoded = bson.encode(document)
        if len(encoded) > LARGEST:
            raise CommitTooLarge(f"a commit of {entries} entries is too large for MongoDB")
        job = _Job(
            document["_id"],
            document["room"],
            document["first"],
            entries,
            RawBSONDocument(encoded),
            news,
            asyncio.get_running_loop().create_future(),
        )
        await self._backlog.take(entries)
        self._waiting.append(job)
        if not self._tasks or (len(self._waiting) == 1 and len(self._tasks) < IN_FLIGHT):
            self._tasks.add(asyncio.create_task(self._run(), name="commits to MongoDB"))
        await job.inserted

    async def close(self) -> None:
        """Return when everything that was accepted is inserted, or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self) -> None:
        try:
            while self._waiting:
                jobs = self._take()
                if len(self._tasks) == IN_FLIGHT:
                    self._free.clear()
                await self._insert(jobs)
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                self._free.set()
                # What is decided now goes with the next command.
                await asyncio.sleep(0)
        finally:
            # Here and not in a callback, which runs later: the next commit may come before it.
            if (task := asyncio.current_task()) is not None:
                self._tasks.discard(task)
            self._free.set()

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        size = 0
        while self._waiting and size < BATCH_BYTES:
            jobs.append(self._waiting.popleft())
            size += len(jobs[-1].document.raw)
        return jobs

    async def _insert(self, jobs: Sequence[_Job]) -> None:
        refusals: Mapping[int, Exception] = {}
        try:
            # Each document is atomic by itself, and what is wrong with one harms no other.
            await self._commits.insert_many([job.document for job in jobs], ordered=False)
        except BulkWriteError as error:
            refusals = await self._refusals(jobs, error.details)
        except Exception as error:
            # Whatever it was, who waits is told, and the next inserts go on.
            if not isinstance(error, PyMongoError):
                log.exception("an insert failed")
            refusals = {i: StorageLost(f"MongoDB: {brief(error)}") for i in range(len(jobs))}
        for i, job in enumerate(jobs):
            refusal = refusals.get(i)
            if refusal is None:
                self._projection.begin(job.id, job.news, job.entries)
            else:
                self._backlog.give(job.entries)
            if job.inserted.done():
                continue
            if refusal is None:
                job.inserted.set_result(None)
            else:
                job.inserted.set_exception(refusal)

    async def _refusals(self, jobs: Sequence[_Job], details: Mapping[str, Any]) -> dict[int, Exception]:
        """For each job, by its place, why it was not inserted; the others were."""
        refusals: dict[int, Exception] = {}
        for doubt in details["writeConcernErrors"]:
            refusals = {i: StorageLost(f"MongoDB: {doubt['errmsg']}") for i in range(len(jobs))}
        for error in details["writeErrors"]:
            i = error["index"]
            refusal = await self._refusal(jobs[i], error)
            if refusal is not None:
                refusals[i] = refusal
        return refusals

    async def _refusal(self, job: _Job, error: Mapping[str, Any]) -> Exception | None:
        if error["code"] != _DUPLICATE_KEY:
            return StorageLost(f"MongoDB: {error['errmsg']}")
        index = _INDEX.search(error["errmsg"])
        if index is not None and index[1] == _PLACE:
            return HeadMoved()
        try:
            return await self._look(job)
        except PyMongoError as lost:
            return StorageLost(f"MongoDB: {brief(lost)}")

    async def _look(self, job: _Job) -> Exception | None:
        """What stands where the commit should, which may be the commit itself: a driver that has lost the
        answer sends it again.
        """
        place = {"room": {"$eq": job.room}, "first": {"$eq": job.first}}
        there = await self._commits.find_one(place, {"_id": 1})
        if there is None:
            # If what has the op is gone again, with a primary that could not keep it, to look again is right.
            return DuplicateOp()
        return None if there["_id"] == job.id else HeadMoved()
