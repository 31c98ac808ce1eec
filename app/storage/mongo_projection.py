"""From commits to records: the second half of a write to MongoDB, and what reads must know of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo import WriteConcern
from pymongo.errors import PyMongoError

from app.storage.mongo_backlog import Backlog
from app.storage.mongo_documents import COMMITS, Document, News, entries_of, keep_newest, merge, news_of
from app.storage.mongo_limits import brief
from app.storage.mongo_newest import NewestWriter
from models.ports import StorageLost
from models.shared_look import SharedLook

if TYPE_CHECKING:
    from app.storage.mongo import Database

PAUSE = 0.05
"""Seconds between two rounds, unless somebody waits: so that one round does for many commits."""

GRACE = 0.1
"""Seconds that are left to another node to project what it has just inserted: its pause and its round."""

RETRY = 1.0
"""Seconds between two tries while MongoDB does not answer, unless somebody waits."""

AT_A_TIME = 100
"""Commits of other nodes that are fetched at once."""

log = logging.getLogger("rollcall.storage")


@dataclass(eq=False, slots=True)
class Round:
    """Commits that are projected together: their news, and how many entries each has.

    `taken_over`: those of other nodes, with the news of each, for they may be projected by now.
    """

    commits: dict[ObjectId, int] = field(default_factory=dict)
    news: News = field(default_factory=dict)
    taken_over: dict[ObjectId, News] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    done: bool = False
    error: Exception | None = None

    @property
    def empty(self) -> bool:
        return not (self.commits or self.taken_over)

    def take_back(self, other: Round) -> None:
        """Take in what another round could not do."""
        self.commits.update(other.commits)
        self.taken_over.update(other.taken_over)
        merge(self.news, other.news)


class Projection:
    """Writes what follows from commits (their records, the room's head) and then marks them `projected`.

    This happens in the background, in rounds: each takes all that has come since the round before, of all
    rooms, and writes only the newest state of each record. Whatever dies in between leaves
    `projected: false`, and then the first read that needs it does the rest. To project a commit twice, or
    several at once in any order, comes to the same: a document never gives way to an older one.

    A commit that is `projected` is on a majority of the servers, and so are its records. What is not written
    yet is known here, once its commit was begun or taken over: reads look at `unwritten`, or wait for
    `written`.
    """

    def __init__(self, database: Database, newest: NewestWriter, backlog: Backlog) -> None:
        self._newest = newest
        self._backlog = backlog
        self._commits = database[COMMITS]
        # A lost mark costs nothing but projecting again.
        self._marks = self._commits.with_options(write_concern=WriteConcern(w=1))
        self._known: set[ObjectId] = set()
        self._gathering = Round()
        self._running: Round | None = None
        self._task: asyncio.Task[None] | None = None
        # Set while somebody waits for the next round.
        self._wanted = asyncio.Event()
        self._closed = False
        self._look = SharedLook(self._look_for_unprojected)

    def begin(self, commit: ObjectId, news: News, entries: int) -> None:
        """Project a commit of this process that is on a majority; its entries then leave the backlog."""
        if commit in self._known:
            # A read has found it before.
            self._backlog.give(entries)
            return
        self._gathering.commits[commit] = entries
        merge(self._gathering.news, news)
        self._join(commit)

    async def look(self, rooms: Sequence[str] | None) -> None:
        """Return when every commit that was inserted before this call is projected or known here; None: in
        all rooms.

        One indexed query, which mostly finds nothing but commits of this process.
        """
        await self._look(None if rooms is None else frozenset(rooms))

    async def take_over(self, documents: Sequence[Document]) -> None:
        """Project commits that perhaps nobody projects, once a majority has them.

        StorageLost for what `confirm` and `news_of` refuse.
        """
        await self.confirm([document["_id"] for document in documents])
        for document in documents:
            if document["_id"] not in self._known:
                news = news_of(document["room"], entries_of(document))
                self._gathering.taken_over[document["_id"]] = news
                self._join(document["_id"])

    async def confirm(self, commits: Sequence[ObjectId]) -> None:
        """Return when these commits are known to be on a majority. StorageLost if one of them is gone."""
        others = [commit for commit in commits if commit not in self._known]
        if not others:
            return
        # Perhaps only the primary has them. When a later write to them is acknowledged, a majority has both.
        again = await self._commits.update_many({"_id": {"$in": others}}, {"$inc": {"attempts": 1}})
        if again.matched_count < len(others):
            raise StorageLost("a commit is gone that had not reached a majority of the servers")

    def unwritten(self, collection: str, rooms: Sequence[str] | None) -> dict[str, Document]:
        """The newest known documents of the collection that are not written yet, by `_id`: those of some
        rooms or, with None, of all.
        """
        found: dict[str, Document] = {}
        for news in self._all_news():
            in_rooms = {room for place, room in news if place == collection} if rooms is None else rooms
            for room in in_rooms:
                keep_newest(found, news.get((collection, room), {}))
        return found

    async def written(self) -> None:
        """Return when everything that is known here now is written. StorageLost."""
        for one in (self._running, self._gathering):
            if one is None or one.empty:
                continue
            self._wanted.set()
            await one.ended.wait()
            if not one.done:
                raise StorageLost("commits could not be projected") from one.error

    async def mark(self, commits: Sequence[ObjectId]) -> None:
        """Say that nothing is left to do for these commits."""
        await self._marks.update_many({"_id": {"$in": commits}}, {"$set": {"projected": True}})

    async def close(self) -> None:
        """Return when everything is projected that can be now."""
        self._closed = True
        self._wanted.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _look_for_unprojected(self, rooms: frozenset[str] | None) -> None:
        wanted: Document = {"projected": {"$eq": False}}
        if rooms is not None:
            wanted["room"] = {"$in": list(rooms)}
        found = [commit["_id"] async for commit in self._commits.find(wanted, {"_id": 1})]
        others = [commit for commit in found if commit not in self._known]
        for start in range(0, len(others), AT_A_TIME):
            left = {"_id": {"$in": others[start : start + AT_A_TIME]}, "projected": {"$eq": False}}
            await self.take_over(await self._commits.find(left).to_list(None))

    def _all_news(self) -> Iterator[News]:
        for one in (self._gathering, self._running):
            if one is not None:
                yield one.news
                yield from one.taken_over.values()

    def _join(self, commit: ObjectId) -> None:
        """The commit is in the round that gathers; see that one is run."""
        self._known.add(commit)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="projection")

    async def _run(self) -> None:
        try:
            while not self._gathering.empty:
                if not self._gathering.commits:
                    await self._pause(GRACE)
                done = await self._run_round()
                if self._closed and not done:
                    return
                await self._pause(PAUSE if done else RETRY)
        finally:
            self._task = None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()

    async def _run_round(self) -> bool:
        running, self._gathering = self._gathering, Round()
        self._running = running
        if not self._closed:
            self._wanted.clear()
        try:
            await self._project(running)
            running.done = True
        except Exception as error:
            # Whatever it was, who waits is told, and the commits are tried again.
            if not isinstance(error, PyMongoError):
                log.exception("a projection failed")
            running.error = error
            log.warning("commits are left to be projected later: %s", brief(error))
        finally:
            self._running = None
            self._end(running)
        return running.done

    def _end(self, ended: Round) -> None:
        if ended.done:
            self._known.difference_update(ended.commits, ended.taken_over)
            self._backlog.give(sum(ended.commits.values()))
        else:
            self._gathering.take_back(ended)
        ended.ended.set()

    async def _project(self, running: Round) -> None:
        """Write the news, then mark the commits."""
        left = await self._left(running) if running.taken_over else []
        for commit in left:
            merge(running.news, running.taken_over[commit])
        documents: dict[str, list[Document]] = {}
        for (collection, _), newest in running.news.items():
            documents.setdefault(collection, []).extend(newest.values())
        writes = (self._newest.write(collection, some) for collection, some in documents.items())
        for failure in await asyncio.gather(*writes, return_exceptions=True):
            if failure is not None:
                raise failure
        if commits := [*running.commits, *left]:
            await self.mark(commits)

    async def _left(self, running: Round) -> list[ObjectId]:
        """Those of the commits taken over that nobody has projected by now."""
        left = {"_id": {"$in": list(running.taken_over)}, "projected": {"$eq": False}}
        return [commit["_id"] async for commit in self._commits.find(left, {"_id": 1})]
