"""The threads that read: each statement sees the file with all that was committed before it began."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson

from app.storage.sqlite_schema import connect
from models.ports import StorageLost

T = TypeVar("T")

READ_LIMIT = 10.0
"""Seconds after which a caller no longer waits for its read."""
READERS = 3
MOST_WAITING = 1_024
"""Reads that run or wait for a thread; at more, callers wait for a place within the same limit."""
CACHE = 32_768
"""Kibibytes of pages that each connection keeps in memory."""


class ReaderPool:
    """Runs reads in a few threads, each with a connection."""

    def __init__(self, path: Path, *, trace: Callable[[str], object] | None = None) -> None:
        self._path = path
        self._trace = trace
        self._idle: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite reader")
        self._places = asyncio.Semaphore(MOST_WAITING)
        self._closed = False

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `read`, called with a connection in a reader's thread. StorageLost."""
        try:
            async with asyncio.timeout(READ_LIMIT), self._places:
                if self._closed:
                    raise StorageLost(f"{self._path} is closed")
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, self._with_connection, read
                )
        except TimeoutError:
            raise StorageLost(f"{self._path}: no answer within {READ_LIMIT:g} s") from None
        except sqlite3.Error as error:
            raise StorageLost(f"{self._path}: {error}") from error

    async def close(self) -> None:
        """Finish what was asked, within the same limit, then close the connections. May be called twice."""
        self._closed = True
        try:
            async with asyncio.timeout(READ_LIMIT):
                await asyncio.to_thread(self._threads.shutdown)
        except TimeoutError:
            raise StorageLost(f"{self._path}: a read did not end within {READ_LIMIT:g} s") from None
        while self._idle:
            self._idle.pop().close()

    def _with_connection(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._idle.pop()
        except IndexError:  # at most once for each thread
            connection = self._connect()
        try:
            return read(connection)
        finally:
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, cache=CACHE)
        connection.execute("PRAGMA query_only = ON")
        if self._trace is not None:
            connection.set_trace_callback(self._trace)
        return connection


def select_list(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> list[Any]:
    """The list that the statement answers as one JSON text, which SQLite puts together itself.

    Fetching rows one by one gives up Python's global lock at each of them; a busy event loop may take it
    then, and keeps it for 5 ms (`sys.setswitchinterval`).
    """
    (text,) = connection.execute(sql, parameters).fetchone()
    result: list[Any] = orjson.loads(text) if text else []
    return result
