"""The embedded store: journals and records in one SQLite file, for one process at a time."""
# ruff: noqa: S608  (names of tables come from the declared kinds; values are parameters)

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson

from app.storage.sqlite_credentials import SqliteCredentials
from app.storage.sqlite_journal import load, read_entries, rooms_behind, start_of
from app.storage.sqlite_lock import FileLock
from app.storage.sqlite_pool import ReaderPool, select_list
from app.storage.sqlite_query import QueryCompiler
from app.storage.sqlite_rows import CommitTables, Rooms
from app.storage.sqlite_schema import connect, prepare, record_table
from app.storage.sqlite_writer import Writer
from models.journal import Commit, Entry, Op, Record
from models.ports import Lag, Loaded, StorageLost, StorageRefused
from models.query import Query, Scalar
from models.record import KINDS, RecordKey, RecordKind

__all__ = ["SqliteCredentials", "SqliteStorage"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What there is while the storage is open."""

    kinds: dict[str, RecordKind]
    rooms: Rooms
    tables: CommitTables
    queries: QueryCompiler
    readers: ReaderPool
    writer: Writer


class SqliteStorage:
    """Storage on one file, made with its folder where there is none. A second process is refused.

    `trace` is called with every statement, in the thread that runs it: so tests see which indexes are used.
    """

    def __init__(self, path: Path, *, trace: Callable[[str], object] | None = None) -> None:
        self._path = path
        self._trace = trace
        self._lock = FileLock(path)
        self._epoch = ""
        self._open_parts: _Parts | None = None

    @property
    def epoch(self) -> str:
        """As Storage.epoch."""
        return self._epoch

    async def open(self) -> None:
        """As Storage.open. The kinds of record must be declared before."""
        kinds = dict(KINDS)
        try:
            self._epoch, rooms = await asyncio.to_thread(self._open_file, kinds)
        except OSError as error:
            self._lock.release()
            raise StorageRefused(
                f"{self._path} cannot be written ({error.strerror}: {error.filename}); "
                "make it writable or use another ROLLCALL_DATABASE_URL"
            ) from None
        except sqlite3.Error as error:
            self._lock.release()
            raise StorageRefused(
                f"{self._path} cannot be opened ({error}); "
                "mend it, restore a backup or use another ROLLCALL_DATABASE_URL"
            ) from None
        except StorageRefused:
            self._lock.release()
            raise
        tables = CommitTables(kinds.values())
        self._open_parts = _Parts(
            kinds=kinds,
            rooms=rooms,
            tables=tables,
            queries=QueryCompiler(kinds, rooms),
            readers=ReaderPool(self._path, trace=self._trace),
            writer=Writer(self._path, tables, trace=self._trace),
        )

    async def close(self) -> None:
        """As Storage.close."""
        parts, self._open_parts = self._open_parts, None
        if parts is not None:
            try:
                await parts.readers.close()
            finally:
                # A writer that hangs keeps the lock: it may still write.
                await parts.writer.close()
                self._lock.release()

    async def ping(self) -> None:
        """As Storage.ping: something is written, and is durable."""
        await self.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('ping', hex(randomblob(8)))"
            ).close()
        )

    async def ready(self) -> None:
        """As Storage.ready."""
        await self._parts.writer.ready()

    async def append(self, commit: Commit) -> None:
        """As Storage.append."""
        parts = self._parts
        await parts.writer.append(parts.tables.bind(parts.rooms.find_or_number(commit.room), commit))

    async def load(self, room: str, ops: Sequence[Op], keys: Sequence[RecordKey]) -> Loaded:
        """As Storage.load. Without ops and keys it is answered from memory, since nobody else writes."""
        found = self._parts.rooms.find(room)
        if found is None:
            return Loaded(0, {}, dict.fromkeys(keys))
        if not ops and not keys:
            return Loaded(found.head, {}, {})
        kinds = self._parts.kinds
        return await self.look(lambda connection: load(connection, kinds, found, ops, keys))

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        """As Storage.heads, from memory."""
        find = self._parts.rooms.find
        return {name: 0 if (room := find(name)) is None else room.head for name in rooms}

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
        """As Storage.read."""
        found = self._parts.rooms.find(room)
        if found is None or after >= found.head:
            return []
        return await self.look(
            lambda connection: read_entries(connection, found, after, limit, up_to, topic, record)
        )

    async def start(self, room: str) -> int:
        """As Storage.start."""
        found = self._parts.rooms.find(room)
        if found is None:
            return 0
        return await self.look(lambda connection: start_of(connection, found))

    async def get(self, room: str, kind: str, id: str) -> Record | None:
        """As Storage.get."""
        found = self._parts.rooms.find(room)
        if found is None:
            return None
        sql = f"SELECT data FROM {self._table(kind)} WHERE id = ? AND room = ? AND deleted = 0"
        row = await self.look(lambda connection: connection.execute(sql, (id, found.number)).fetchone())
        return None if row is None else orjson.loads(row[0])

    async def locate(self, kind: str, id: str) -> tuple[str, Record] | None:
        """As Storage.locate: of several rooms, the one that was written to first."""
        rooms = self._parts.rooms
        sql = f"SELECT room, data FROM {self._table(kind)} WHERE id = ? AND deleted = 0 ORDER BY room LIMIT 1"
        row = await self.look(lambda connection: connection.execute(sql, (id,)).fetchone())
        return None if row is None else (rooms.name(row[0]), orjson.loads(row[1]))

    async def find(self, query: Query) -> list[Record]:
        """As Storage.find. ValueError where no declared index serves the query."""
        select = self._parts.queries.find(query)
        if select is None:
            return []
        return await self.look(lambda connection: select_list(connection, select.sql, select.parameters))

    async def count(self, query: Query, by: str) -> dict[Scalar, int]:
        """As Storage.count. ValueError where no declared index serves the query."""
        rooms, select = self._parts.rooms, self._parts.queries.count(query, by)
        if select is None:
            return {}
        counted = await self.look(lambda connection: select_list(connection, select.sql, select.parameters))
        return {(rooms.name(value) if by == "room" else value): number for value, number in counted}

    async def cursor(self, consumer: str, room: str) -> int:
        """As Storage.cursor."""
        sql = "SELECT seq FROM cursors WHERE consumer = ? AND room = ?"
        row = await self.look(lambda connection: connection.execute(sql, (consumer, room)).fetchone())
        return 0 if row is None else int(row[0])

    async def set_cursor(self, consumer: str, room: str, seq: int) -> None:
        """As Storage.set_cursor."""
        sql = """INSERT INTO cursors VALUES (?, ?, ?)
            ON CONFLICT (consumer, room) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > cursors.seq"""
        await self.write(lambda connection: connection.execute(sql, (consumer, room, seq)).close())

    async def lagging(self, consumer: str, rooms: str) -> list[Lag]:
        """As Storage.lagging."""
        return await self.look(lambda connection: rooms_behind(connection, consumer, rooms))

    async def look(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read in a reader's thread. StorageLost."""
        return await self._parts.readers.run(read)

    async def write(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """Run a statement in the writer's next transaction, and return once it is durable. StorageLost."""
        return await self._parts.writer.run(statement)

    @property
    def _parts(self) -> _Parts:
        if self._open_parts is None:
            raise StorageLost(f"{self._path} is not open")
        return self._open_parts

    def _table(self, kind: str) -> str:
        return record_table(self._parts.kinds[kind])

    def _open_file(self, kinds: dict[str, RecordKind]) -> tuple[str, Rooms]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        epoch = prepare(self._path, kinds.values())
        connection = connect(self._path)
        try:
            return epoch, Rooms(connection.execute("SELECT number, name, head FROM rooms"))
        finally:
            connection.close()
