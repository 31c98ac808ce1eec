"""The journals in MongoDB: the collection `commits`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bson import ObjectId

from app.storage.mongo_documents import (
    Document,
    commit_document,
    entries_of,
    entries_of_ops,
    news_of,
    op_text,
)
from app.storage.mongo_projection import Projection
from app.storage.mongo_writer import Writer
from models.journal import Commit, Entry, HeadMoved, Op
from models.shared_look import SharedLook

if TYPE_CHECKING:
    from app.storage.mongo import Collection

LARGEST = 2**63 - 1
ROOMS_REMEMBERED = 10_000
COMMITS_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Part:
    """What of a room's journal is wanted: the entries of a topic, of the records with an id, or all."""

    room: str
    topic: str | None
    record: str | None

    @property
    def whole(self) -> bool:
        """Whether it is every entry."""
        return self.record is None and self.topic in (None, self.room)

    def filter(self, after: int, last: int) -> Document:
        """Commits that may have such entries with `after < seq <= last`."""
        wanted: Document = {"room": {"$eq": self.room}, "last": {"$gt": after}}
        if last < LARGEST:
            wanted["first"] = {"$lte": last}
        if self.topic not in (None, self.room):
            wanted["topics"] = {"$eq": self.topic}
        if self.record is not None:
            wanted["records"] = {"$eq": self.record}
        return wanted

    def holds(self, entry: Entry) -> bool:
        """Whether it is such an entry."""
        return (self.topic is None or self.topic in entry.topics) and self.record in (None, entry.data["id"])


class Journal:
    """Appends to the journals and reads them; see the Storage port."""

    def __init__(self, commits: Collection, projection: Projection, writer: Writer) -> None:
        self._commits = commits
        self._projection = projection
        self._writer = writer
        # Heads as this node last knew them. Up to there, everything is on a majority, and its records are
        # written or known to the projection. The head may be higher, since other nodes write too.
        self._heads: dict[str, int] = {}
        self._settled = SharedLook(self._settle)
        # Of several appends to a room in this process one is sent; the others wait, and then are late.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def append(self, commit: Commit) -> None:
        """Return once the commit is on a majority. Its records follow, and reads wait for them.

        CommitTooLarge for one of over `mongo_writer.LARGEST` bytes, TypeError for a record that does not fit
        its kind; nothing is written then.
        """
        room, before = commit.room, commit.first - 1
        async with self._locks.setdefault(room, asyncio.Lock()):
            head = self._heads.get(room)
            # The unique index does not see a hole. To look first is enough: what is there stays there.
            if head is None or head < before:
                head = await self._settle(room)
            if head != before:
                raise HeadMoved
            # Before the insert, because what cannot be projected would be in the way of every read.
            news = news_of(room, commit.entries)
            await self._writer.insert(commit_document(commit), news)
            self._remember(room, commit.last)

    async def settle(self, rooms: Sequence[str] | None) -> None:
        """Return when every commit that was inserted before this call is projected or known to the
        projection; None: in all rooms.
        """
        if rooms is not None and len(rooms) == 1:
            await self._settled(rooms[0])
        else:
            await self._projection.look(rooms)

    async def look(self, room: str, ops: Sequence[Op]) -> tuple[int, dict[Op, list[Entry]]]:
        """The head, and the entries of those ops that are known up to there, all of it on a majority; the
        records are written or known to the projection.
        """
        if not ops:
            return await self._settled(room), {}
        wanted = frozenset(ops)
        head, found = await asyncio.gather(self._settled(room), self._with_ops(room, wanted))
        answers: dict[Op, list[Entry]] = {}
        for document in found:
            if document["last"] <= head:
                for op, entry in entries_of_ops(document, wanted):
                    answers.setdefault(op, []).append(entry)
        return head, answers

    async def read(self, part: Part, *, after: int, up_to: int | None, limit: int) -> list[Entry]:
        """The entries, all of them on a majority."""
        after, last = max(after, 0), LARGEST if up_to is None else min(up_to, LARGEST)
        if not part.whole:
            return await self._entries(part, after, last, limit)
        # Numbers have no gaps, so all that is wanted ends there, unless the journal begins later.
        entries = await self._entries(part, after, min(last, after + limit), limit)
        if not (entries and entries[0].seq == after + 1) and (start := await self.start(part.room)) > after:
            entries = await self._entries(part, start, min(last, start + limit), limit)
        return entries

    async def start(self, room: str) -> int:
        """The seq before the first entry. Who shortens a journal leaves its newest commit."""
        return max(await self._edge(room, "first", 1) - 1, 0)

    async def _entries(self, part: Part, after: int, last: int, limit: int) -> list[Entry]:
        if limit <= 0 or after >= last:
            return []
        entries: list[Entry] = []
        unsure: list[ObjectId] = []
        found = self._commits.find(part.filter(after, last)).sort("last", 1)
        async with found.batch_size(min(limit + 1, COMMITS_AT_A_TIME)) as commits:
            async for commit in commits:
                if not commit["projected"]:
                    unsure.append(commit["_id"])
                asked = (e for e in entries_of(commit) if after < e.seq <= last and part.holds(e))
                entries += islice(asked, limit - len(entries))
                if len(entries) == limit:
                    break
        await self._projection.confirm(unsure)
        return entries

    async def _settle(self, room: str) -> int:
        """The head; up to there, everything is on a majority, and its records are written or known to the
        projection.
        """
        head = self._heads.get(room)
        if head is None or (head := await self._follow(room, head)) is None:
            head = await self._edge(room, "last", -1)
            unprojected = {"projected": {"$eq": False}, "room": {"$eq": room}}
            await self._projection.take_over(await self._commits.find(unprojected).to_list(None))
        self._remember(room, head)
        return head

    async def _follow(self, room: str, head: int) -> int | None:
        """The head, from one that was settled before; None if that is long ago."""
        # Mostly in vain, and the unique index knows it at once.
        behind = {"room": {"$eq": room}, "first": {"$eq": head + 1}}
        if await self._commits.find_one(behind, {"_id": 1}) is None:
            return head
        newer = self._commits.find({"room": {"$eq": room}, "last": {"$gt": head}}).sort("last", 1)
        commits = await newer.limit(COMMITS_AT_A_TIME).to_list(None)
        if len(commits) == COMMITS_AT_A_TIME:
            return None
        await self._projection.take_over([commit for commit in commits if not commit["projected"]])
        return int(commits[-1]["last"]) if commits else head

    async def _with_ops(self, room: str, ops: frozenset[Op]) -> list[Document]:
        known = {"room": {"$eq": room}, "ops": {"$in": [op_text(op) for op in ops]}}
        found: list[Document] = await self._commits.find(known).sort("last", 1).to_list(None)
        return found

    async def _edge(self, room: str, field: str, direction: int) -> int:
        """The greatest or least value of the field in the room's commits; 0 if there are none."""
        commits = self._commits.find({"room": {"$eq": room}}, {"_id": 0, field: 1})
        found = await commits.sort(field, direction).limit(1).to_list(1)
        return int(found[0][field]) if found else 0

    def _remember(self, room: str, head: int) -> None:
        if len(self._heads) >= ROOMS_REMEMBERED:
            self._heads.clear()
        self._heads[room] = max(head, self._heads.get(room, 0))
