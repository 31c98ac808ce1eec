"""A storage that is busy for as long as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator

from app.storage.sqlite import SqliteStorage
from models.ports import StorageLost


@contextlib.asynccontextmanager
async def held_up(storage: SqliteStorage) -> AsyncIterator[None]:
    """The writer is busy: all that it is asked for meanwhile waits, and is then taken together."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(20)

    held = asyncio.ensure_future(storage.write(wait))
    assert await asyncio.to_thread(begun.wait, 20)
    try:
        yield
    finally:
        go_on.set()
    with contextlib.suppress(StorageLost):
        await held
