"""Reads the journals of a file that another process may have open."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from app.storage.sqlite_journal import read_entries
from app.storage.sqlite_rows import Room
from app.storage.sqlite_schema import APPLICATION_ID, BUSY_LIMIT, SCHEMA_VERSION, SEQ_BITS
from models.journal import Entry
from models.ports import StorageLost, StorageRefused

T = TypeVar("T")

_NEWEST = f"SELECT max(at) FROM rooms CROSS JOIN journal ON place = (number << {SEQ_BITS}) | head"  # noqa: S608 - a number


class SqliteReader:
    """The journals as they are at each call. Takes no lock and changes nothing, so it disturbs no server."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Connect. StorageRefused where there is no file, or one that this release cannot read."""
        try:
            await asyncio.to_thread(self._connect)
        except sqlite3.Error as error:
            raise StorageRefused(f"{self._path} cannot be read: {error}") from None

    async def close(self) -> None:
        """Disconnect. May be called twice."""
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)
            self._connection = None

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        """The head of each of the rooms, 0 where nothing was written yet. StorageLost."""
        found = await self._run(lambda connection: [_room(connection, name) for name in rooms])
        return {name: 0 if room is None else room.head for name, room in zip(rooms, found, strict=True)}

    async def read(self, room: str, *, after: int, limit: int) -> list[Entry]:
        """Entries with `seq > after`, ascending, at most `limit`. StorageLost."""
        found = await self._run(lambda connection: _room(connection, room))
        if found is None:
            return []
        return await self._run(lambda connection: read_entries(connection, found, after, limit))

    async def newest(self) -> str | None:
        """The time of the newest entry of all rooms; None where there is none. StorageLost."""
        row = await self._run(lambda connection: connection.execute(_NEWEST).fetchone())
        return None if row is None else row[0]

    async def _run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        async with self._turn:
            if self._connection is None:
                raise StorageLost(f"{self._path} is not open")
            try:
                return await asyncio.to_thread(read, self._connection)
            except sqlite3.Error as error:
                raise StorageLost(f"{self._path}: {error}") from error

    def _connect(self) -> None:
        if not self._path.is_file():
            raise StorageRefused(f"there is no database {self._path} yet: start the server first")
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=ro",
            uri=True,
            timeout=BUSY_LIMIT,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _check(self, connection: sqlite3.Connection) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StorageRefused(f"{self._path} is not a database of Rollcall")
        if version > SCHEMA_VERSION:
            raise StorageRefused(
                f"{self._path} was written by a newer Rollcall (schema {version}): update this one"
            )


def _room(connection: sqlite3.Connection, name: str) -> Room | None:
    row = connection.execute("SELECT number, name, head FROM rooms WHERE name = ?", (name,)).fetchone()
    return None if row is None else Room(*row)
