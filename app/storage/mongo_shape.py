"""Records that were written when their kind had other indexed fields, brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import ReplaceOne

from app.storage.mongo_documents import Document, layout_of, record_document, record_of, records_collection
from models.record import KINDS, RecordKind

if TYPE_CHECKING:
    from app.storage.mongo import Collection, Database

CHUNK = 500


async def reshape(database: Database) -> None:
    """Give every record the fields that its kind declares now, from its JSON.

    For the start of each node: in a rolling update the last one finds what the last old one wrote. One
    indexed query where nothing has changed. May be broken off at any time, and others may write meanwhile.
    """
    for kind in list(KINDS.values()):
        collection = database[records_collection(kind.name)]
        other = {"shape": {"$ne": layout_of(kind).shape}}
        chunk: list[Document] = []
        async for document in collection.find(other, {"room": 1, "seq": 1, "data": 1}):
            chunk.append(document)
            if len(chunk) == CHUNK:
                await _rewrite(collection, kind, chunk)
                chunk = []
        if chunk:
            await _rewrite(collection, kind, chunk)


async def _rewrite(collection: Collection, kind: RecordKind, documents: list[Document]) -> None:
    writes = [
        # One that has changed in the meantime is left alone.
        ReplaceOne(
            {"_id": document["_id"], "room": document["room"], "seq": document["seq"]},
            record_document(kind, document["room"], record_of(document)),
        )
        for document in documents
    ]
    await collection.bulk_write(writes, ordered=False)
