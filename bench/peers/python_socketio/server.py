"""A python-socketio server as one would write it first: rooms, and an `emit` to one of them for each update.

`python -m bench.peers.python_socketio.server PORT [REDIS_URL]`. With a Redis, it is one of the servers that
hear each other through it. It knows no sign-in, no rules and no journal.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import socketio
import uvloop
from aiohttp import web

from app.open_files import allow_open_files


async def serve(port: int, redis_url: str | None = None) -> None:
    """Serve until the process is ended."""
    manager = None if redis_url is None else socketio.AsyncRedisManager(redis_url)
    server = socketio.AsyncServer(async_mode="aiohttp", client_manager=manager)

    async def subscribe(sid: str, request: dict[str, Any]) -> dict[str, Any]:
        for wanted in request["topics"]:
            await server.enter_room(sid, wanted["topic"])
        return {"ok": True}

    async def action(sid: str, update: dict[str, Any]) -> dict[str, Any]:
        await server.emit("update", update, room=update["topic"])
        return {"ok": True}

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
    allow_open_files()
    uvloop.run(serve(int(sys.argv[1]), *sys.argv[2:]))
