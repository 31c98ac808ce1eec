"""Reading records from MongoDB: what is written, and what follows from commits that are not projected yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app.storage.mongo_documents import (
    ROOMS,
    Document,
    keep_newest,
    record_key,
    record_of,
    records_collection,
)
from app.storage.mongo_journal import Journal
from app.storage.mongo_projection import Projection
from app.storage.mongo_query import count_pipeline, filter_of, rooms_of, sort_of
from models.journal import Record
from models.query import Query, Scalar
from models.record import RecordKey

if TYPE_CHECKING:
    from app.storage.mongo import Database


class Records:
    """Reads records; see the Storage port.

    Every read first has all commits of its rooms projected or known (`Journal.settle`). Those that are known
    and not written yet lie in memory: reads by key see them there, and a read by other fields waits for them
    only where they could change what it finds.
    """

    def __init__(self, database: Database, journal: Journal, projection: Projection) -> None:
        self._database = database
        self._journal = journal
        self._projection = projection

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        """The head of each of the rooms."""
        if not rooms:
            return {}
        await self._journal.settle(rooms)
        newest = await self._newest(ROOMS, rooms, rooms)
        return {room: newest[room]["seq"] if room in newest else 0 for room in rooms}

    async def held(self, room: str, keys: Iterable[RecordKey]) -> dict[RecordKey, Record | None]:
        """The records of the room, or tombstones, or None, for one who has settled it."""
        records: dict[RecordKey, Record | None] = dict.fromkeys(keys)
        wanted: dict[str, list[str]] = {}
        for kind, id in records:
            wanted.setdefault(records_collection(kind), []).append(record_key(room, id))
        looks = (self._newest(collection, [room], ids) for collection, ids in wanted.items())
        for documents in await asyncio.gather(*looks):
            for record in map(record_of, documents.values()):
                records[record["kind"], record["id"]] = record
        return records

    async def get(self, room: str, kind: str, id: str) -> Record | None:
        """The record, or None."""
        await self._journal.settle([room])
        key = record_key(room, id)
        found = (await self._newest(records_collection(kind), [room], [key])).get(key)
        return None if found is None or found["deleted"] else record_of(found)

    async def locate(self, kind: str, id: str) -> tuple[str, Record] | None:
        """Of several rooms, the one whose name sorts first."""
        await self._journal.settle(None)
        collection = records_collection(kind)
        if any(one["id"] == id for one in self._projection.unwritten(collection, None).values()):
            await self._projection.written()
        there = {"id": {"$eq": id}, "deleted": {"$eq": False}}
        found = self._database[collection].find(there, {"room": 1, "data": 1}).sort("room", 1).limit(1)
        for document in await found.to_list(1):
            return document["room"], record_of(document)
        return None

    async def find(self, query: Query) -> list[Record]:
        """The records. TypeError or ValueError for a query that `filter_of` refuses."""
        await self._journal.settle(rooms_of(query))
        unwritten = self._projection.unwritten(records_collection(query.kind), rooms_of(query))
        found = await self._find(query)
        if _concern(unwritten, query, found):
            await self._projection.written()
            found = await self._find(query)
        return [record_of(document) for document in found]

    async def count(self, query: Query, by: str) -> dict[Scalar, int]:
        """The counts. TypeError or ValueError as with `find`."""
        await self._journal.settle(rooms_of(query))
        collection = records_collection(query.kind)
        if self._projection.unwritten(collection, rooms_of(query)):
            await self._projection.written()
        groups = await self._database[collection].aggregate(count_pipeline(query, by)).to_list(None)
        return {group["_id"]: group["records"] for group in groups}

    async def _find(self, query: Query) -> list[Document]:
        records = self._database[records_collection(query.kind)]
        found = records.find(filter_of(query), {"data": 1}).sort(sort_of(query)).limit(query.limit)
        documents: list[Document] = await found.to_list(None)
        return documents

    async def _newest(self, collection: str, rooms: Sequence[str], ids: Sequence[str]) -> dict[str, Document]:
        """The collection's documents with these ids, by `_id`, as they are or will be written."""
        # In this order: what is written in between is found by the second look.
        unwritten = self._projection.unwritten(collection, rooms)
        fields = {"seq": 1, "deleted": 1, "data": 1}
        found = self._database[collection].find({"_id": {"$in": list(ids)}}, fields)
        newest: dict[str, Document] = {document["_id"]: document for document in await found.to_list(None)}
        keep_newest(newest, {id: unwritten[id] for id in ids if id in unwritten})
        return newest


def _concern(unwritten: dict[str, Document], query: Query, found: Iterable[Document]) -> bool:
    """Whether what is not written yet could change what was found: it is among it, or may belong there."""
    if not unwritten:
        return False
    if any(document["_id"] in unwritten for document in found):
        return True
    wanted = dict(query.equal).items()
    return any(wanted <= document.items() for document in unwritten.values())
