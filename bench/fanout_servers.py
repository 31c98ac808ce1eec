"""The servers whose fan-out is measured: Rollcall, its peers, and the limit; each on the server's core."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import builds, protocols
from bench.cores import SERVER_CORE, pin
from bench.generator import Generator, generator
from bench.population import Population, populate
from bench.protocols import Protocol
from bench.servers import ROOT, SERVE, START_LIMIT, served
from tests.parts.process import Child, environment_without, free_port

ROLLCALL = "Rollcall"
PUSH_ALONE = "Rollcall, push alone"
PYTHON = "python-socketio"
NODE = "Node socket.io"
CENTRIFUGE = "Centrifugo's library"
LIMIT = "C loop"
LIMIT_JOINED = "C loop, 4 per write"

NAMES = (ROLLCALL, PUSH_ALONE, PYTHON, NODE, CENTRIFUGE, LIMIT, LIMIT_JOINED)
PEERS = (PYTHON, NODE, CENTRIFUGE)

JOINED = 4

DATABASE = "population.db"


@dataclass(frozen=True, slots=True)
class FanoutServer:
    """A running server and its clients."""

    name: str
    child: Child
    clients: Generator


class Servers:
    """Starts servers. Rollcall's all begin with a copy of one population, which is made when it is needed."""

    def __init__(self, folder: Path, *, teams: Sequence[int] = (), users: int = 0) -> None:
        self._folder = folder
        self._teams = teams
        self._users = users
        self._population: Population | None = None
        self._copies = 0

    def start(self, name: str) -> AbstractAsyncContextManager[FanoutServer]:
        """A server with this name, one of `NAMES`, without connections yet."""
        match name:
            case "Rollcall":
                return self._rollcall(name, SERVE)
            case "Rollcall, push alone":
                return self._rollcall(name, ("bench.push_server",))
            case "python-socketio":
                command = [sys.executable, "-m", "bench.peers.python_socketio.server"]
                return self._peer(name, command, protocols.socketio())
            case "Node socket.io":
                return self._peer(name, builds.node(), protocols.socketio())
            case "Centrifugo's library":
                return self._peer(name, [str(builds.centrifuge())], protocols.centrifuge())
            case "C loop":
                return self._peer(name, [str(builds.limit())], protocols.limit(1))
            case "C loop, 4 per write":
                return self._peer(name, [str(builds.limit())], protocols.limit(JOINED))
        raise ValueError(f"there is no server {name!r}")

    @asynccontextmanager
    async def _rollcall(self, name: str, program: Sequence[str]) -> AsyncIterator[FanoutServer]:
        original = self._folder / DATABASE
        if self._population is None:
            self._population = await populate(f"sqlite:///{original}", teams=self._teams, users=self._users)
        population = self._population
        self._copies += 1
        file = self._folder / f"rollcall-{self._copies}.db"
        shutil.copy(original, file)
        protocol = protocols.rollcall(population.tasks)
        async with (
            served(name, f"sqlite:///{file}", secret=population.secret, program=program) as server,
            generator(name, protocol, server.port, server.child.pid, population.tokens) as clients,
        ):
            yield FanoutServer(name, server.child, clients)
            # Nobody needs this copy any more, and thousands of goodbyes would take their time.
            server.child.kill()

    @asynccontextmanager
    async def _peer(
        self, name: str, command: Sequence[str], protocol: Protocol
    ) -> AsyncIterator[FanoutServer]:
        port = free_port()
        env = environment_without("NODE_") | {"NODE_ENV": "production", "GOMAXPROCS": "1"}
        child = Child([*command, str(port)], env=env, cwd=ROOT)
        child.spawn()
        try:
            await asyncio.to_thread(child.wait_for_line, "listening", START_LIMIT)
            pin(child.pid, SERVER_CORE)
            async with generator(name, protocol, port, child.pid) as clients:
                yield FanoutServer(name, child, clients)
        finally:
            child.kill()
