"""The plain way, to compare with: a python-socketio handler that makes one durable write for each mark.

It takes the same events as Rollcall and pushes every mark to the dashboards of its school, but knows no
sign-in, no rules, no tally, no summary, no journal and no second sending of the same action: all of these are
in Rollcall's figures.

With `--bare`, on SQLite, it is the least that Rollcall's own path can be on these libraries: a schema, one
durable commit for all marks that wait, a journal, the acknowledgement and the push, and nothing else.

`python -m bench.plain_server PORT DATABASE_URL [--bare]` (`sqlite:///FILE` or `mongodb://…`).
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from time import time
from typing import Any

import orjson
import socketio
import uvloop
from aiohttp import web
from marshmallow import Schema, fields
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern

Write = Callable[[dict[str, Any]], Awaitable[None]]

UPSERT = """INSERT INTO marks (class_id, date, period, student_id, code) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (class_id, date, period, student_id) DO UPDATE SET code = excluded.code"""

KEY = ("class_id", "date", "period", "student_id")


JOURNAL = "INSERT INTO journal (at, data) VALUES (?, ?)"


class MarkSchema(Schema):
    """A mark, for `--bare`."""

    class_id = fields.String(required=True)
    date = fields.Date(required=True)
    period = fields.String(required=True)
    student_id = fields.String(required=True)
    code = fields.String(required=True)


def sqlite_marks(path: str) -> sqlite3.Connection:
    """A database for marks. What is committed is durable."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS marks (class_id, date, period, student_id, code,"
        " PRIMARY KEY (class_id, date, period, student_id))"
    )
    connection.execute("CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, at, data)")
    return connection


def sqlite_writes(path: str) -> Write:
    """One transaction for each mark, in a thread; acknowledged is durable."""
    connection = sqlite_marks(path)
    thread = ThreadPoolExecutor(1)

    def store(mark: dict[str, Any]) -> None:
        connection.execute(UPSERT, [*(mark[name] for name in KEY), mark["code"]])

    async def write(mark: dict[str, Any]) -> None:
        await asyncio.get_running_loop().run_in_executor(thread, store, mark)

    return write


def grouped_sqlite_writes(path: str) -> Write:
    """One transaction for all marks that came while the last one was made; acknowledged is durable."""
    connection = sqlite_marks(path)
    thread = ThreadPoolExecutor(1)
    schema = MarkSchema()
    waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
    committers: set[asyncio.Task[None]] = set()

    def store(marks: list[dict[str, Any]]) -> None:
        now = time()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(JOURNAL, [(now, orjson.dumps(mark)) for mark in marks])
        connection.executemany(UPSERT, [[*(mark[name] for name in KEY), mark["code"]] for mark in marks])
        connection.execute("COMMIT")

    async def commit() -> None:
        while waiting:
            taken = waiting[:]
            waiting.clear()
            marks = [mark for mark, _ in taken]
            await asyncio.get_running_loop().run_in_executor(thread, store, marks)
            for _, stored in taken:
                stored.set_result(None)
        committers.clear()

    async def write(mark: dict[str, Any]) -> None:
        schema.load(mark)
        stored = asyncio.get_running_loop().create_future()
        waiting.append((mark, stored))
        if not committers:
            committers.add(asyncio.create_task(commit()))
        await stored

    return write


def mongo_writes(url: str) -> Write:
    """One replacement for each mark, acknowledged by a majority from its journal."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(url)
    marks = client.get_default_database().get_collection(
        "marks", write_concern=WriteConcern(w="majority", j=True)
    )

    async def write(mark: dict[str, Any]) -> None:
        id = "/".join(mark[name] for name in KEY)
        await marks.replace_one({"_id": id}, {"_id": id, **mark}, upsert=True)

    return write


def writes_to(url: str, *, bare: bool) -> Write:
    """How marks get into the database at this address."""
    if not url.startswith("sqlite:"):
        return mongo_writes(url)
    path = url.removeprefix("sqlite:///")
    return grouped_sqlite_writes(path) if bare else sqlite_writes(path)


async def serve(port: int, write: Write) -> None:
    """Serve until the process is ended."""
    server = socketio.AsyncServer(async_mode="aiohttp")

    async def subscribe(sid: str, request: dict[str, Any]) -> dict[str, Any]:
        for wanted in request["topics"]:
            await server.enter_room(sid, wanted["topic"])
        return {"ok": True}

    async def action(sid: str, request: dict[str, Any]) -> dict[str, Any]:
        mark = request["payload"]
        await write(mark)
        topic = f"school:{mark['class_id'].partition('-')[0]}"
        update = {"topic": topic, "type": request["type"], "data": mark, "op_id": request["op_id"]}
        await server.emit("update", update, room=topic)
        return {"ok": True, "op_id": request["op_id"], "data": mark}

    server.on("subscribe", subscribe)
    server.on("action", action)
    application = web.Application()
    server.attach(application)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), writes_to(sys.argv[2], bare="--bare" in sys.argv[3:])))
