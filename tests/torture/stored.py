"""What the storage holds, read from MongoDB itself, without the code under torture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pymongo
from pymongo.database import Database

from tests.torture.journal import StoredEntry
from tests.torture.known import Json, RecordKey

Document = dict[str, Any]


@contextmanager
def stored(database_url: str) -> Iterator[Stored]:
    """The storage at this address."""
    with pymongo.MongoClient[Document](database_url) as client:
        yield Stored(client.get_default_database())


class Stored:
    """Reads the collections of the MongoDB adapter (docs/architecture.md, Storages)."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database

    def heads(self) -> dict[str, int]:
        """The highest seq of each room."""
        found = self._database["commits"].aggregate([{"$group": {"_id": "$room", "head": {"$max": "$last"}}}])
        return {one["_id"]: one["head"] for one in found}

    def unprojected(self) -> int:
        """Commits whose records may not be written yet."""
        return self._database["commits"].count_documents({"projected": False})

    def entries(self, room: str) -> Iterator[StoredEntry]:
        """A room's journal in the order of its commits."""
        for commit in self._database["commits"].find({"room": room}).sort("first", 1):
            for entry in orjson.loads(commit["entries"]):
                yield StoredEntry(
                    str(commit["_id"]),
                    entry["seq"],
                    entry["type"],
                    entry["data"],
                    entry["by"],
                    entry["at"],
                    entry["op_id"],
                    tuple(entry["topics"]),
                )

    def records(self, room: str) -> dict[RecordKey, Json]:
        """All records of a room, deleted ones too."""
        records = {}
        for name in self._database.list_collection_names():
            if name.startswith("records_"):
                for document in self._database[name].find({"room": room}):
                    record = orjson.loads(document["data"])
                    records[record["kind"], record["id"]] = record
        return records
