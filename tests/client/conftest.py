"""A real server with a small demo, and programs that use the client libraries."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.client.programs import PASSWORD, ROOT, Program
from tests.parts.missing import missing
from tests.parts.proxy import Proxy
from tests.parts.serve import Rollcall, Serve, make_demo

DEMO = ("--schools", "1", "--classes", "1", "--students", "30", "--teams", "1")
PROGRAMS = Path(__file__).parent

Start = Callable[..., Program]


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo, to be copied."""
    file = tmp_path_factory.mktemp("demo") / "rollcall.db"
    make_demo(file, *DEMO)
    return file


@pytest.fixture
async def server(demo_file: Path, serve: Serve, tmp_path: Path) -> AsyncIterator[Rollcall]:
    """A server of this test's own, with the demo. Killed and started again it has the same data and port."""
    shutil.copy(demo_file, tmp_path / "rollcall.db")
    server = serve({"ROLLCALL_SECRET": "s" * 40, "ROLLCALL_LIMIT_SIGNIN": "off"})
    await server.wait_ready()
    yield server
    sys.stdout.write(server.output)  # shown where the test fails


@pytest.fixture
async def proxy(server: Rollcall) -> AsyncIterator[Proxy]:
    """A way to the server that can be cut."""
    async with Proxy(server.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def javascript_client(node: Path) -> Path:
    """Node, with the JavaScript client built."""
    built = ROOT / "web" / "client" / "dist" / "index.js"
    newest = max(source.stat().st_mtime for source in (ROOT / "web" / "client" / "src").iterdir())
    if not built.exists() or built.stat().st_mtime < newest:
        missing("The JavaScript client", "run scripts/test, which builds it")
    return node


@pytest.fixture(params=["python", "javascript"])
def command(request: pytest.FixtureRequest) -> list[str | Path]:
    """The program with the client of one language."""
    if request.param == "python":
        return [sys.executable, PROGRAMS / "program.py"]
    return [request.getfixturevalue("javascript_client"), PROGRAMS / "program.mjs"]


@pytest.fixture
async def programs(command: list[str | Path]) -> AsyncIterator[Start]:
    """Makes programs, which are to be started; all are ended after the test."""
    made: list[Program] = []

    def make(store: Path | None = None) -> Program:
        made.append(Program(command, store))
        return made[-1]

    try:
        yield make
        await asyncio.gather(*(program.close() for program in made))
    finally:
        for program in made:
            program.kill()


class Journal:
    """What the server has, asked by HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._token: str | None = None

    async def get(self, path: str) -> Any:
        """What the admin is answered."""
        if self._token is None:
            account = {"email": "admin@demo.test", "password": PASSWORD}
            sign_in = f"{self._url}/api/users/authenticate"
            async with aiohttp.request("POST", sign_in, json=account) as answer:
                self._token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.request("GET", self._url + path, headers=headers) as answer:
            assert answer.status == 200
            return await answer.json()

    async def op_ids(self) -> list[str]:
        """The op_ids in the school's journal, in their order: those of the clients of the test."""
        found = []
        path = "/api/journal/school:s1?limit=500"
        cursor = ""
        while True:
            page = await self.get(path + cursor)
            found += [entry["op_id"] for entry in page["items"] if entry["type"] == "attendance.mark"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
def journal(server: Rollcall) -> Journal:
    return Journal(server.url)
