"""The real server as a process of its own: ``python -m app serve``."""

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest

from tests.parts.preloaded import Forked, fork_server
from tests.parts.process import HOST, Child, Process, environment_without, free_port
from tests.waiting import until

QUICK_APP = "tests.parts.quick_app"


class App(Child):
    """`python -m app ARGUMENTS`, but started at once (`tests.parts.preloaded`), and with passwords that are
    cheap to verify. No `ROLLCALL_` variable is inherited. `module` is what runs in the place of `app`.
    """

    def __init__(
        self, folder: Path, env: Mapping[str, str], arguments: tuple[str, ...], module: str = QUICK_APP
    ) -> None:
        self._arguments = [module, *arguments]
        self._environment = environment_without("ROLLCALL_") | {"PYTHONUNBUFFERED": "1"} | dict(env)
        self._folder = folder
        super().__init__([sys.executable, "-m", *self._arguments], env=self._environment, cwd=folder)

    def run(self, limit: float = 120.0) -> None:
        """Starts it and blocks until it has ended. AssertionError if it fails."""
        self.spawn()
        assert self._collect(limit) == 0, self.story("failed")

    def _open(self) -> Process:
        if sys.platform != "linux":
            return super()._open()
        return fork_server().start(self._arguments, self._environment, self._folder)

    def _wait_stopped(self) -> None:
        if isinstance(self._process, Forked):
            self._process.wait_stopped()
        else:
            super()._wait_stopped()


class Rollcall(App):
    """One `python -m app serve`. Once ended it can be started again: same port, same data."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], arguments: tuple[str, ...] = (), module: str = QUICK_APP
    ) -> None:
        settings = {
            "ROLLCALL_PORT": str(free_port()),
            "ROLLCALL_DATABASE_URL": f"sqlite:///{folder}/rollcall.db",
            **env,
        }
        super().__init__(folder, settings, ("serve", *arguments), module)
        self.url = f"http://{HOST}:{settings['ROLLCALL_PORT']}"

    async def start(self) -> None:
        """Starts the server, for the first time or again, and waits until it is ready."""
        self.spawn()
        await self.wait_ready()

    async def wait_ready(self, limit: float = 30.0) -> None:
        """Waits until ``GET /healthz`` answers 200; raises AssertionError with the output if that fails."""
        try:
            # It says so once it listens; asking until then would take time from its start.
            await asyncio.to_thread(self.wait_for_line, f"address +{re.escape(self.url)} ", limit)
            await until(self._is_healthy, limit)
        except AssertionError:
            raise AssertionError(self.story(f"was not ready within {limit:g} s")) from None

    async def _is_healthy(self) -> bool:
        if not self.running:
            raise AssertionError("it has ended")
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


def make_demo(file: Path, *options: str) -> None:
    """A database in this new file with a demo, as large as the options of `python -m app demo` say."""
    App(file.parent, {"ROLLCALL_DATABASE_URL": f"sqlite:///{file}"}, ("demo", *options)).run()


class Serve(Protocol):
    """Starts a server: ``env`` are its settings, ``arguments`` go to ``serve``, ``module`` is as for
    ``Rollcall``. It returns at once.
    """

    def __call__(
        self, env: Mapping[str, str] | None = None, *arguments: str, module: str = QUICK_APP
    ) -> Rollcall: ...


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with this test's folder as the current one; all are ended after the test.

    No ``ROLLCALL_`` variable is inherited. Unless set otherwise, a server listens on a free port of
    127.0.0.1 and keeps its data in ``rollcall.db`` in that folder.
    """
    started: list[Rollcall] = []

    def start(env: Mapping[str, str] | None = None, *arguments: str, module: str = QUICK_APP) -> Rollcall:
        server = Rollcall(tmp_path, env or {}, arguments, module)
        started.append(server)
        server.spawn()
        return server

    try:
        yield start
    finally:
        for server in started:
            server.kill()
