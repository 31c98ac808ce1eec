"""The journals in MongoDB: the collection `commits`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bson import ObjectId
from bson.errors import InvalidDocument
from pymongo.errors import DuplicateKeyError

from app.storage.mongo_documents import (
    Document,
    commit_document,
    entries_of_ops,
    entry_of,
    op_text,
    projected_documents,
)
from app.storage.mongo_projection import Projection
from app.storage.shared_look import SharedLook
from models.journal import Commit, CommitTooLarge, DuplicateOp, Entry, HeadMoved, Op

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

    def holds(self, entry: Document) -> bool:
        """Whether it is such an entry."""
        return (self.topic is None or self.topic in entry["topics"]) and self.record in (None, entry["id"])


class Journal:
    """Appends to the journals and reads them; see the Storage port."""

    def __init__(self, commits: Collection, projection: Projection) -> None:
        self._commits = commits
        self._projection = projection
        self._head = SharedLook(self._look_for_head)
        # Heads that were seen and are on a majority; where there is none, the next append looks.
        self._heads: dict[str, int] = {}
        # Of several appends to a room in this process one is sent; the others wait, and then are late.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def append(self, commit: Commit) -> None:
        """Return once the commit is on a majority. Its records follow, and reads wait for them.

        CommitTooLarge for one that does not fit into one document (16 MiB), TypeError for a record that does
        not fit its kind; nothing is written then.
        """
        room, before = commit.room, commit.first - 1
        await self._projection.vacancy()
        async with self._locks.setdefault(room, asyncio.Lock()):
            head = self._heads.get(room, -1)
            if head > before:
                raise HeadMoved
            # The unique index does not see a hole. To look first is enough: what is there stays there.
            if head < before and not await self._ends_at(room, before):
                raise HeadMoved
            self._heads.pop(room, None)
            document = commit_document(commit)
            # Before the insert, because what cannot be projected would be in the way of every read.
            news = projected_documents(document)
            await self._insert(document)
            self._remember(room, commit.last)
        self._projection.begin(document, news)

    async def look(self, room: str, ops: Sequence[Op]) -> tuple[int, dict[Op, list[Entry]]]:
        """The head, and the entries of those ops that are known; on a majority and projected, all of it."""
        head, answers = await asyncio.gather(self._head(room), self._answers(room, ops))
        await self._projection.finish([room])
        self._remember(room, head)
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
                asked = (e for e in commit["entries"] if after < e["seq"] <= last and part.holds(e))
                entries += [entry_of(part.room, e) for e in islice(asked, limit - len(entries))]
                if len(entries) == limit:
                    break
        await self._projection.finish_commits(unsure)
        return entries

    async def _look_for_head(self, room: str) -> int:
        return await self._edge(room, "last", -1)

    async def _answers(self, room: str, ops: Sequence[Op]) -> dict[Op, list[Entry]]:
        answers: dict[Op, list[Entry]] = {}
        if ops:
            wanted = frozenset(ops)
            known = {"room": {"$eq": room}, "ops": {"$in": [op_text(op) for op in wanted]}}
            async for commit in self._commits.find(known).sort("last", 1):
                for op, entry in entries_of_ops(commit, wanted):
                    answers.setdefault(op, []).append(entry)
        return answers

    async def _edge(self, room: str, field: str, direction: int) -> int:
        """The greatest or least value of the field in the room's commits; 0 if there are none."""
        commits = self._commits.find({"room": {"$eq": room}}, {"_id": 0, field: 1})
        found = await commits.sort(field, direction).limit(1).to_list(1)
        return int(found[0][field]) if found else 0

    async def _insert(self, document: Document) -> None:
        try:
            await self._commits.insert_one(document)
        except DuplicateKeyError:
            # Unless it is this very commit, because the driver had lost the answer and sent it again.
            if not await self._has({"_id": document["_id"]}):
                raise await self._refusal(document) from None
        except InvalidDocument as error:
            message = f"a commit of {len(document['entries'])} entries is too large for MongoDB"
            raise CommitTooLarge(message) from error

    async def _ends_at(self, room: str, seq: int) -> bool:
        return seq == 0 or await self._has({"room": {"$eq": room}, "last": {"$eq": seq}})

    async def _refusal(self, document: Document) -> HeadMoved | DuplicateOp:
        room = {"room": {"$eq": document["room"]}}
        if await self._has({**room, "last": {"$gte": document["first"]}}):
            return HeadMoved()
        if await self._has({**room, "ops": {"$in": document["ops"]}}):
            return DuplicateOp()
        # What was in the way is gone, with a primary that could not keep it. To look again is right anyway.
        return HeadMoved()

    async def _has(self, wanted: Document) -> bool:
        return await self._commits.find_one(wanted, {"_id": 1}) is not None

    def _remember(self, room: str, head: int) -> None:
        if len(self._heads) >= ROOMS_REMEMBERED:
            self._heads.clear()
        self._heads[room] = head
