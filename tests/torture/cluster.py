"""The processes under torture: nodes, their MongoDB and their Redis, with a proxy on every way between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import Size, load_demo
from tests.parts.mongodb import mongodb_process
from tests.parts.process import ServerProcess
from tests.parts.proxy import Proxy
from tests.parts.redis import redis_process
from tests.parts.serve import Rollcall

ROOT = Path(__file__).parents[2]
DATABASE = "rollcall_torture"
ERROR = re.compile(r"^\S+ \S+ ERROR .*(?:\n(?!\d{4}-).*)*", re.MULTILINE)
"""A line of the log with what follows it, such as a traceback."""

LISTENING = "address +http"
START_LIMIT = 60.0
UNREACHABLE = "cannot be reached"

SETTINGS = {
    "ROLLCALL_LIMIT_ACTIONS": "off",
    "ROLLCALL_LIMIT_SIGNIN": "off",
    "ROLLCALL_SECRET": "torture:a-secret-that-is-long-enough-for-HS256",
    "PYTHONPATH": str(ROOT),
}


@dataclass(slots=True)
class Node:
    """One server, with the door that clients come by and its own ways to the storage and to Redis.

    `errors` are those that its log tells of.
    """

    server: Rollcall
    door: Proxy
    storage: Proxy
    redis: Proxy | None
    errors: list[str] = field(default_factory=list)

    async def listening(self) -> None:
        """Wait until the process that was spawned accepts connections."""
        await asyncio.to_thread(self.server.wait_for_line, LISTENING, START_LIMIT)

    async def come_back(self) -> None:
        """Start the process again until it accepts connections, as its keeper would: one that cannot reach
        the storage ends with one line.
        """
        async with asyncio.timeout(START_LIMIT):
            while True:
                self.server.spawn()
                try:
                    return await self.listening()
                except AssertionError:
                    if self.server.running or UNREACHABLE not in self.server.output:
                        raise

    def gather_errors(self) -> None:
        """Keep the errors of the process that has run, before its output is forgotten."""
        self.errors += ERROR.findall(self.server.output)


@dataclass(slots=True)
class Cluster:
    """Everything that runs. `storage` is None where it is somebody else's, `redis` where there is none."""

    nodes: list[Node]
    database_url: str
    storage: ServerProcess | None
    redis: ServerProcess | None

    @property
    def doors(self) -> list[str]:
        """Where clients connect."""
        return [node.door.url for node in self.nodes]


@asynccontextmanager
async def cluster(
    folder: Path,
    size: Size,
    *,
    nodes: int,
    with_redis: bool,
    database_url: str | None,
    memory: str,
    module: str,
    env: Mapping[str, str],
) -> AsyncIterator[Cluster]:
    """Nodes with demo data of this size, ready to serve, on an empty database, or on a server of their own
    with so much memory. `module` is what runs in the place of `app`.
    """
    async with AsyncExitStack() as stack:
        storage = redis = None
        if database_url is None:
            storage = mongodb_process(folder / "mongodb", memory)
            stack.callback(storage.kill)
            await storage.start()
            database_url = f"{storage.url}/{DATABASE}"
        if with_redis:
            redis = redis_process(folder / "redis")
            stack.callback(redis.kill)
            await redis.start()
        await load_demo(database_url, size)
        started = []
        for number in range(1, nodes + 1):
            to_storage = await stack.enter_async_context(Proxy(database_url))
            to_redis = None if redis is None else await stack.enter_async_context(Proxy(redis.url))
            settings = {
                **SETTINGS,
                **env,
                "ROLLCALL_NODE": f"n{number}",
                "ROLLCALL_DATABASE_URL": to_storage.url,
                "ROLLCALL_REDIS_URL": "" if to_redis is None else to_redis.url,
            }
            server = Rollcall(folder, settings, module=module)
            stack.callback(server.kill)
            server.spawn()
            door = await stack.enter_async_context(Proxy(server.url))
            started.append(Node(server, door, to_storage, to_redis))
        for node in started:
            await node.listening()
        yield Cluster(started, database_url, storage, redis)
