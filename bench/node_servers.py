"""Several nodes of one server, all on the server's core, with a Redis of their own on the other one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from bench import builds, protocols
from bench.cores import SERVER_CORE, generator_core, pin
from bench.fanout_servers import ROLLCALL
from bench.generator import Generator, generator
from bench.population import populate
from bench.protocols import Protocol
from bench.servers import (
    ROOT,
    START_LIMIT,
    Server,
    Size,
    load_demo,
    mongo_database,
    served,
    sign_in,
    teacher_of,
)
from tests.parts.process import Child, environment_without, free_port
from tests.parts.redis import redis_binary, redis_process


@dataclass(frozen=True, slots=True)
class Listener:
    """A node that listens."""

    child: Child
    port: int


@dataclass(frozen=True, slots=True)
class Nodes:
    """The running nodes of one server, and their clients, which have not come yet."""

    name: str
    listeners: Sequence[Listener]
    clients: Generator


class NodeServers:
    """Starts nodes. Rollcall's nodes that belong together have a database of their own on this MongoDB."""

    def __init__(self, folder: Path, mongo_url: str) -> None:
        self._folder = folder
        self._mongo_url = mongo_url

    def start(self, name: str, count: int) -> AbstractAsyncContextManager[Nodes]:
        """So many nodes of the server with this name: Rollcall, or a peer that knows Redis."""
        match name:
            case "Rollcall":
                return self._rollcall(count)
            case "Node socket.io":
                return self._peers(name, builds.node(), count)
            case "python-socketio":
                return self._peers(name, [sys.executable, "-m", "bench.peers.python_socketio.server"], count)
        raise ValueError(f"there are no nodes of {name!r}")

    @asynccontextmanager
    async def rollcall_with(self, size: Size, count: int) -> AsyncIterator[list[Server]]:
        """Rollcall's nodes with demo data for this size; each knows the tokens of all classes' teachers."""
        with mongo_database(self._mongo_url) as database_url:
            await load_demo(database_url, size)
            async with self._rollcall_nodes(database_url, token_hex(32), count) as servers:
                tokens = await sign_in(servers[0].url, [teacher_of(class_id) for class_id in size.class_ids])
                for server in servers:
                    server.tokens = tokens
                yield servers

    @asynccontextmanager
    async def _rollcall(self, count: int) -> AsyncIterator[Nodes]:
        with mongo_database(self._mongo_url) as database_url:
            population = await populate(database_url, teams=(1,))
            protocol = protocols.rollcall(population.tasks)
            async with self._rollcall_nodes(database_url, population.secret, count) as servers:
                listeners = [Listener(server.child, server.port) for server in servers]
                async with _with_clients(ROLLCALL, protocol, listeners, population.tokens) as nodes:
                    yield nodes

    @asynccontextmanager
    async def _rollcall_nodes(
        self, database_url: str, secret: str, count: int
    ) -> AsyncIterator[list[Server]]:
        async with AsyncExitStack() as stack:
            redis_url = await stack.enter_async_context(redis(self._folder))
            # At the same time, for each needs more than a second to start.
            async with asyncio.TaskGroup() as starting:
                started = [
                    starting.create_task(
                        stack.enter_async_context(
                            served(ROLLCALL, database_url, secret=secret, redis_url=redis_url)
                        )
                    )
                    for _ in range(count)
                ]
            servers = [task.result() for task in started]
            yield servers
            # Nobody needs this database any more, and hundreds of goodbyes would take their time.
            for server in servers:
                server.child.kill()

    @asynccontextmanager
    async def _peers(self, name: str, command: Sequence[str], count: int) -> AsyncIterator[Nodes]:
        env = environment_without("NODE_") | {"NODE_ENV": "production"}
        async with AsyncExitStack() as stack:
            redis_url = await stack.enter_async_context(redis(self._folder))
            listeners = []
            for _ in range(count):
                port = free_port()
                child = Child([*command, str(port), redis_url], env=env, cwd=ROOT)
                stack.callback(child.kill)
                child.spawn()
                await asyncio.to_thread(child.wait_for_line, "listening", START_LIMIT)
                pin(child.pid, SERVER_CORE)
                listeners.append(Listener(child, port))
            yield await stack.enter_async_context(_with_clients(name, protocols.socketio(), listeners))


@asynccontextmanager
async def redis(folder: Path) -> AsyncIterator[str]:
    """The address of a new redis-server that keeps nothing on disk."""
    if redis_binary() is None:
        raise builds.ToolMissing("several nodes need redis-server, which is not here: install it")
    server = redis_process(folder / "redis")
    try:
        await server.start()
        pin(server.pid, generator_core())
        yield server.url
    finally:
        server.kill()


@asynccontextmanager
async def _with_clients(
    name: str, protocol: Protocol, listeners: Sequence[Listener], tokens: Sequence[str] = ()
) -> AsyncIterator[Nodes]:
    first = listeners[0]
    async with generator(name, protocol, first.port, first.child.pid, tokens) as clients:
        yield Nodes(name, listeners, clients)
