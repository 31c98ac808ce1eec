"""Journals and records in MongoDB. The only file that imports motor.

A commit is one document of `commits`; inserting it is the write (`Projection` says what follows from it).
Everything is written with `w=majority, j=true` and read from the primary with read concern `local`, whatever
the address says:

- What was acknowledged is seen, on whatever node: the primary has it. (One that was cut off from the others
  and has not noticed may answer as before, for its election timeout at most; a write to it is not
  acknowledged.)
- What is seen stays: an entry is returned only if its commit is `projected` or is found to be on a majority.

Works on a replica set, on a sharded cluster (all collections by `room`) and on a single server.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel, ReadPreference, WriteConcern
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from app.storage.mongo_address import hosts_of, refusal
from app.storage.mongo_backlog import Backlog
from app.storage.mongo_credentials import MongoCredentials
from app.storage.mongo_documents import (
    COMMITS,
    ROOMS,
    Document,
    cursor_key,
)
from app.storage.mongo_journal import Journal, Part
from app.storage.mongo_limits import limited
from app.storage.mongo_newest import NewestWriter
from app.storage.mongo_projection import Projection
from app.storage.mongo_query import index_spec
from app.storage.mongo_records import Records
from app.storage.mongo_shape import reshape
from app.storage.mongo_trace import CommandTrace
from app.storage.mongo_writer import Writer
from models.journal import Commit, Entry, Op, Record
from models.ports import Lag, Loaded, StorageLost
from models.query import Query, Scalar
from models.record import RecordKey

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase

__all__ = ["Collection", "Database", "MongoCredentials", "MongoStorage"]

Client: TypeAlias = "AsyncIOMotorClient[Document]"
Database: TypeAlias = "AsyncIOMotorDatabase[Document]"
Collection: TypeAlias = "AsyncIOMotorCollection[Document]"

TIMEOUT = 5.0
INDEX_TIMEOUT = 3600.0
"""Seconds that building a collection's indexes may take, when a version that has new ones first starts."""

DEFAULT_DATABASE = "rollcall"
META = "meta"
CURSORS = "cursors"


@dataclass(frozen=True, slots=True)
class _Connection:
    client: Client
    database: Database
    newest: NewestWriter
    projection: Projection
    writer: Writer
    journal: Journal
    records: Records


class MongoStorage:
    """The Storage port on the database that a MongoDB address names (`rollcall` if it names none).

    `timeout`: seconds after which a call gives up with StorageLost. A lost connection comes back by itself.
    `trace` is called with every command, in the thread that sends it: so tests see which indexes are used.
    """

    def __init__(
        self, url: str, *, timeout: float = TIMEOUT, trace: Callable[[Document], object] | None = None
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._listeners = [] if trace is None else [CommandTrace(trace)]
        self._connection: _Connection | None = None
        self._epoch: str | None = None

    @property
    def timeout(self) -> float:
        """Seconds that one call may last."""
        return self._timeout

    @property
    def epoch(self) -> str:
        """See the port."""
        if self._epoch is None:
            raise RuntimeError("the storage has not been opened")
        return self._epoch

    @property
    def database(self) -> Database:
        """The database, with the concerns that the module's docstring names; StorageLost while not open."""
        return self._open.database

    @property
    def _open(self) -> _Connection:
        if self._connection is None:
            raise StorageLost("the storage is not open")
        return self._connection

    # -- life

    async def open(self) -> None:
        """See the port. An empty database gets one epoch, however many nodes open it at the same time."""
        hosts = await asyncio.to_thread(hosts_of, self._url)
        try:
            self._connection = await self._connect()
            await self._connection.client.admin.command("ping")
            await self._create_indexes()
            self._epoch = await self._agree_on_epoch()
            await self._connection.projection.look(None)
            await self._connection.projection.written()
            await reshape(self.database)
        except (PyMongoError, StorageLost) as error:
            await self.close()
            raise refusal(hosts, error) from error

    async def close(self) -> None:
        """See the port."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.writer.close()
            await connection.projection.close()
            await asyncio.to_thread(connection.client.close)

    @limited
    async def ping(self) -> None:
        """See the port; it writes to the collection `meta`."""
        # Refused only if another node makes the document at the same moment: then writing is possible.
        with contextlib.suppress(DuplicateKeyError):
            await self.database[META].update_one({"_id": "ping"}, {"$inc": {"pings": 1}}, upsert=True)

    async def _connect(self) -> _Connection:
        milliseconds = round(self._timeout * 1000)
        # In a thread, because an address with +srv asks the name service.
        client: Client = await asyncio.to_thread(
            AsyncIOMotorClient,
            self._url,
            io_loop=asyncio.get_running_loop(),
            appname="rollcall",
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            event_listeners=self._listeners,
        )
        database: Database = client.get_default_database(DEFAULT_DATABASE).with_options(
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("local"),
            write_concern=WriteConcern(w="majority", j=True),
        )
        backlog = Backlog()
        newest = NewestWriter(database)
        projection = Projection(database, newest, backlog)
        writer = Writer(database[COMMITS], projection, backlog)
        journal = Journal(database[COMMITS], projection, writer)
        records = Records(database, journal, projection)
        return _Connection(client, database, newest, projection, writer, journal, records)

    async def _create_indexes(self) -> None:
        with pymongo.timeout(INDEX_TIMEOUT):
            for collection, indexes in index_spec().items():
                models = [
                    IndexModel([(name, 1) for name in index.fields], unique=index.unique) for index in indexes
                ]
                await self.database[collection].create_indexes(models)

    async def _agree_on_epoch(self) -> str:
        meta = self.database[META]
        with contextlib.suppress(DuplicateKeyError):
            await meta.insert_one({"_id": "epoch", "epoch": secrets.token_hex(8)})
        found = await meta.find_one({"_id": "epoch"})
        if found is None:
            raise StorageLost("it has lost what was just written to it")
        return str(found["epoch"])

    # -- journal

    @limited
    async def ready(self) -> None:
        """See the port."""
        await self._open.writer.ready()

    @limited
    async def append(self, commit: Commit) -> None:
        """See the port and `Journal.append`."""
        await self._open.journal.append(commit)

    @limited
    async def load(self, room: str, ops: Sequence[Op], keys: Sequence[RecordKey]) -> Loaded:
        """See the port. Everything up to the head, and every answer, is on a majority."""
        head, answers = await self._open.journal.look(room, ops)
        return Loaded(head, answers, await self._open.records.held(room, keys))

    @limited
    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        """See the port."""
        return await self._open.records.heads(rooms)

    @limited
    async def read(
        self,
        room: str,
        *,
        after: int,
        limit: int,
        up_to: int | None = None,
        topic: str | None = None,
        record: str | None = None,
    ) -> list[Entry]:
        """See the port."""
        part = Part(room, topic, record)
        return await self._open.journal.read(part, after=after, up_to=up_to, limit=limit)

    @limited
    async def start(self, room: str) -> int:
        """See the port."""
        return await self._open.journal.start(room)

    # -- records

    @limited
    async def get(self, room: str, kind: str, id: str) -> Record | None:
        """See the port."""
        return await self._open.records.get(room, kind, id)

    @limited
    async def locate(self, kind: str, id: str) -> tuple[str, Record] | None:
        """See the port: of several rooms, the one whose name sorts first."""
        return await self._open.records.locate(kind, id)

    @limited
    async def find(self, query: Query) -> list[Record]:
        """See the port. TypeError or ValueError for a query that `filter_of` refuses."""
        return await self._open.records.find(query)

    @limited
    async def count(self, query: Query, by: str) -> dict[Scalar, int]:
        """See the port. TypeError or ValueError as with `find`."""
        return await self._open.records.count(query, by)

    # -- consumers

    @limited
    async def cursor(self, consumer: str, room: str) -> int:
        """See the port."""
        found = await self.database[CURSORS].find_one({"_id": {"$eq": cursor_key(consumer, room)}})
        return 0 if found is None else int(found["seq"])

    @limited
    async def set_cursor(self, consumer: str, room: str, seq: int) -> None:
        """See the port."""
        cursor = {"_id": cursor_key(consumer, room), "room": room, "seq": seq}
        await self._open.newest.write(CURSORS, [cursor])

    @limited
    async def lagging(self, consumer: str, rooms: str) -> list[Lag]:
        """See the port; in the order of the rooms' names."""
        await self._open.journal.settle(None)
        await self._open.projection.written()
        cursors = self.database[CURSORS].find(_of_noun(cursor_key(consumer, rooms)))
        read = {cursor["room"]: cursor["seq"] async for cursor in cursors}
        heads = self.database[ROOMS].find(_of_noun(rooms)).sort("_id", 1)
        lags = [Lag(head["_id"], read.get(head["_id"], 0), head["seq"]) async for head in heads]
        return [lag for lag in lags if lag.head > lag.cursor]


def _of_noun(name: str) -> Document:
    """The filter for the `_id`s `name` and `name:…` (in the order of texts, `;` follows `:`)."""
    return {"$or": [{"_id": {"$eq": name}}, {"_id": {"$gte": f"{name}:", "$lt": f"{name};"}}]}
