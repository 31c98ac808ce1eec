"""Documents that never give way to older ones, in whatever order and from wherever they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from app.storage.mongo_documents import Document

if TYPE_CHECKING:
    from app.storage.mongo import Collection, Database

CHUNK = 500
"""Documents written at a time, so that a large import stays within the limit on one operation."""

REMEMBERED = 50_000
"""Documents that are remembered to be there: about 10 MB."""

Write: TypeAlias = InsertOne[Document] | ReplaceOne[Document]

_DUPLICATE_KEY = 11000


class NewestWriter:
    """Puts documents in the place of older ones.

    One that this process has not written before is taken for new: for a plain insert the server need not
    search, which makes it several times cheaper. If it is not new, that costs one more command.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._there: set[tuple[str, str]] = set()

    async def write(self, collection: str, documents: Sequence[Document]) -> None:
        """Put each document in the place of the one with its `_id`, unless that one's `seq` is as high.

        Durable on return.
        """
        into = self._database[collection]
        for start in range(0, len(documents), CHUNK):
            chunk = documents[start : start + CHUNK]
            keys = [(collection, document["_id"]) for document in chunk]
            writes: list[Write] = [
                ReplaceOne(_older(document), document, upsert=True)
                if key in self._there
                else InsertOne(document)
                for key, document in zip(keys, chunk, strict=True)
            ]
            refused = await _write(into, chunk, writes)
            # Their `_id` was there, or somebody inserted it at the same moment: that one may be newer or
            # older. Where nothing can be inserted, the condition on `seq` alone decides.
            if refused:
                await _write(into, refused, [ReplaceOne(_older(one), one) for one in refused])
            if len(self._there) >= REMEMBERED:
                self._there.clear()
            self._there.update(keys)


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
    """The filter for an older one; the room says which shard it is on."""
    return {"_id": document["_id"], "room": document["room"], "seq": {"$lt": document["seq"]}}
