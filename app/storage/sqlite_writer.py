"""The one thread that writes: all that waits goes into one transaction, so that all share one fsync.

Transactions follow each other in rounds. When one has ended, its callers are told, a few turns of the loop
bring what their clients send next, and only then the next batches are decided (`ready`) and written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from app.storage.sqlite_rows import CommitRows, CommitTables, Room
from app.storage.sqlite_schema import connect
from models.journal import DuplicateOp, HeadMoved
from models.ports import StorageLost

T = TypeVar("T")
Statement = Callable[[sqlite3.Connection], Any]

WRITE_LIMIT = 10.0
"""Seconds after which a caller no longer waits for its write; what was accepted may still be written."""
MOST_WAITING = 4_096
"""Writes that may wait; at more, callers wait for a place within the same limit."""
MOST_ENTRIES = 5_000
"""Entries after which a transaction takes no further write, so that nobody waits for a very long one."""
TURNS = 3
"""Turns of the loop between a transaction and the next decisions: answers go out, new actions come in."""
CACHE = 65_536
"""Kibibytes of pages that the writer keeps in memory."""
CHECKPOINT_PAGES = 8_000
"""Pages in the write-ahead log (32 MB) at which it is copied into the database: a page that changes often is
copied once for many commits."""

JOB_ERRORS = (
    DuplicateOp,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    OverflowError,
    ValueError,
)
"""What is wrong with one write, not with the disk."""


log = logging.getLogger("rollcall.storage")


@dataclass(slots=True)
class Job:
    """A write that waits: a commit or a statement. `deadline`: when its caller is told that it took too long,
    in seconds of the loop's clock. `outcome`: its result, or the exception for its caller.
    """

    future: asyncio.Future[Any]
    commit: CommitRows | None
    statement: Statement | None
    deadline: float
    outcome: Any = None

    @property
    def size(self) -> int:
        return 1 if self.commit is None else len(self.commit.journal)


class Writer:
    """Writes commits and statements, each whole or not at all, and durably before its caller hears of it.

    A caller that goes away changes nothing: what was accepted is written.
    """

    def __init__(
        self, path: Path, tables: CommitTables, *, trace: Callable[[str], object] | None = None
    ) -> None:
        self._path = path
        self._tables = tables
        self._trace = trace
        self._queue: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        self._gathered: deque[Job] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._places = asyncio.Semaphore(MOST_WAITING)
        self._waiting: deque[Job] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="sqlite writer", daemon=True)
        self._thread.start()

    async def append(self, commit: CommitRows) -> None:
        """Write a commit. HeadMoved, DuplicateOp or StorageLost, as Storage.append says."""
        await self._write(commit, None)

    async def ready(self) -> None:
        """As Storage.ready."""
        if self._idle.is_set():
            return
        try:
            async with asyncio.timeout(WRITE_LIMIT):
                await self._idle.wait()
        except TimeoutError:
            raise self._too_late() from None

    async def run(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """Run a statement in the next transaction; its result once that is durable. StorageLost."""
        result: T = await self._write(None, statement)
        return result

    async def close(self) -> None:
        """Write what was accepted, then end the thread. May be called twice. StorageLost if it hangs."""
        if not self._closed:
            self._closed = True
            self._begin()
        await asyncio.to_thread(self._thread.join, WRITE_LIMIT)
        if self._alarm is not None:
            self._alarm.cancel()
        if self._thread.is_alive():
            raise StorageLost(f"{self._path}: the last writes did not end within {WRITE_LIMIT:g} s")

    async def _write(self, commit: CommitRows | None, statement: Statement | None) -> Any:
        await self._place()
        if self._closed:
            self._places.release()
            raise StorageLost(f"{self._path} is closed")
        job = Job(self._loop.create_future(), commit, statement, self._loop.time() + WRITE_LIMIT)
        self._waiting.append(job)
        if self._alarm is None:
            self._alarm = self._loop.call_at(job.deadline, self._give_up)
        self._gathered.append(job)
        if len(self._gathered) == 1:
            # At the end of this turn: what else is written in it goes into the same transaction.
            self._loop.call_soon(self._begin)
        return await job.future

    async def _place(self) -> None:
        try:
            if self._places.locked():
                async with asyncio.timeout(WRITE_LIMIT):
                    await self._places.acquire()
            else:
                await self._places.acquire()
        except TimeoutError:
            raise self._too_late() from None

    def _too_late(self) -> StorageLost:
        return StorageLost(f"{self._path}: nothing was written within {WRITE_LIMIT:g} s")

    def _give_up(self) -> None:
        """Tell those who have waited too long, and come back when the next one has: one timer for all."""
        waiting = self._waiting
        while waiting and (waiting[0].future.done() or waiting[0].deadline <= self._loop.time()):
            job = waiting.popleft()
            if not job.future.done():
                job.future.set_exception(self._too_late())
        self._alarm = self._loop.call_at(waiting[0].deadline, self._give_up) if waiting else None

    def _begin(self) -> None:
        """Hand over what has gathered, unless a transaction is under way: its end comes back here."""
        if not self._idle.is_set():
            return
        if jobs := self._take():
            self._idle.clear()
            self._queue.put(jobs)
        elif self._closed:
            self._queue.put(None)

    def _take(self) -> list[Job]:
        jobs: list[Job] = []
        entries = 0
        while self._gathered and entries < MOST_ENTRIES:
            jobs.append(self._gathered.popleft())
            entries += jobs[-1].size
        return jobs

    def _end(self, turns: int) -> None:
        """A transaction has ended: after some turns of the loop the next batches may be decided; what they
        bring, and what was written without waiting, is the next transaction.
        """
        if turns:
            self._loop.call_soon(self._end, turns - 1)
        else:
            self._idle.set()
            self._loop.call_soon(self._begin)

    # Everything below but `_resolve` runs in the writer's thread.

    def _run(self) -> None:
        while (jobs := self._queue.get()) is not None:
            self._transact(jobs)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any longer
                self._loop.call_soon_threadsafe(self._resolve, jobs)
        if self._connection is not None:
            self._connection.close()

    def _transact(self, jobs: Sequence[Job]) -> None:
        """One transaction for all of the jobs; each has its outcome afterwards."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                heads = self._together(connection, jobs)
            except JOB_ERRORS:
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                heads = self._one_by_one(connection, jobs)
            connection.execute("COMMIT")
        except Exception as error:
            # Whatever it was, who waits is told, and the thread goes on with the next writes.
            if not isinstance(error, sqlite3.Error):
                log.exception("a transaction failed")
            self._roll_back()
            for job in jobs:
                job.outcome = StorageLost(f"{self._path}: {error}")
            return
        for room, head in heads.items():
            room.head = head

    def _together(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> dict[Room, int]:
        """All jobs with few statements; the rooms' new heads. Raises if anything is wrong with any job."""
        heads: dict[Room, int] = {}
        commits: list[CommitRows] = []
        for job in jobs:
            if job.commit is not None:
                if _follows(job.commit, heads):
                    commits.append(job.commit)
                    heads[job.commit.room] = job.commit.last
                else:
                    job.outcome = HeadMoved()
        if commits:
            self._tables.write(connection, commits)
        for job in jobs:
            if job.statement is not None:
                job.outcome = job.statement(connection)
        return heads

    def _one_by_one(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> dict[Room, int]:
        """Each job by itself, so that what is wrong with one harms no other; the rooms' new heads."""
        heads: dict[Room, int] = {}
        for job in jobs:
            job.outcome = None
            connection.execute("SAVEPOINT job")
            try:
                if job.statement is not None:
                    job.outcome = job.statement(connection)
                if job.commit is not None:
                    if not _follows(job.commit, heads):
                        raise HeadMoved
                    self._tables.write(connection, [job.commit])
                    heads[job.commit.room] = job.commit.last
            except (HeadMoved, DuplicateOp) as refusal:
                connection.execute("ROLLBACK TO job")
                job.outcome = refusal
            except JOB_ERRORS as error:
                connection.execute("ROLLBACK TO job")
                job.outcome = ValueError(f"this cannot be stored: {error}")
            connection.execute("RELEASE job")
        return heads

    def _roll_back(self) -> None:
        """Leave nothing half-done; a connection that cannot even do this is replaced at the next write."""
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, cache=CACHE)
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        if self._trace is not None:
            connection.set_trace_callback(self._trace)
        return connection

    def _resolve(self, jobs: Sequence[Job]) -> None:
        """On the loop: tell every caller that still waits."""
        for job in jobs:
            self._places.release()
            if job.future.done():
                continue
            if isinstance(job.outcome, Exception):
                job.future.set_exception(job.outcome)
            else:
                job.future.set_result(job.outcome)
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
        self._end(TURNS)


def _follows(commit: CommitRows, heads: dict[Room, int]) -> bool:
    return commit.first == heads.get(commit.room, commit.room.head) + 1
