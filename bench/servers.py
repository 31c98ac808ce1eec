"""The servers that are measured, each a process of its own on one core, and the MongoDB beside them."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import aiohttp
import pymongo

from app.commands.running import opened
from app.config import Settings
from app.demo.load import Demo
from app.demo.passwords import DEMO_PASSWORD, set_password_of_all
from app.demo.plan import Size as DemoSize
from app.demo.plan import accounts
from app.main import Node
from app.passwords import BcryptPasswords
from bench import builds
from bench.cores import SERVER_CORE, generator_core, pin
from bench.socket_client import CONNECTED
from tests.parts.process import HOST, Child, environment_without, free_port

ROOT = Path(__file__).parents[1]
JAR = ROOT / "tests" / "mongo_server" / "target" / "mongo-server.jar"
START_LIMIT = 60.0
STOP_LIMIT = 20.0
CHEAP_ROUNDS = 4
READY = b'42["ready"'
SERVE = ("app", "serve")
KEY_ID = "bench"

HIGH_LIMITS = {
    "ROLLCALL_LIMIT_ACTIONS": "100000000/10 seconds",
    "ROLLCALL_LIMIT_SIGNIN": "1000000/15 minutes",
}
"""Limits that are on, as in service, and that no benchmark reaches."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many people work with the server: each class has a writer, each school a dashboard."""

    schools: int = 10
    classes: int = 5
    students: int = 25

    @property
    def school_ids(self) -> list[str]:
        return [f"s{number}" for number in range(1, self.schools + 1)]

    @property
    def class_ids(self) -> list[str]:
        return [f"{id}-c{number}" for id in self.school_ids for number in range(1, self.classes + 1)]


@dataclass(slots=True)
class Server:
    """A running server. `tokens`: of its users by e-mail address; empty where it knows none."""

    name: str
    child: Child
    port: int
    greeting: bytes
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@asynccontextmanager
async def rollcall(name: str, database_url: str, size: Size) -> AsyncIterator[Server]:
    """Rollcall with demo data for this size, and everybody who is needed signed in."""
    await load_demo(database_url, size)
    async with served(name, database_url) as server:
        emails = [f"viewer@{school_id}.demo.test" for school_id in size.school_ids]
        emails += [teacher_of(class_id) for class_id in size.class_ids]
        server.tokens = await sign_in(server.url, emails)
        yield server


@asynccontextmanager
async def served(
    name: str,
    database_url: str,
    *,
    secret: str | None = None,
    redis_url: str = "",
    program: Sequence[str] = SERVE,
) -> AsyncIterator[Server]:
    """Rollcall on a database that is there. `secret`: the key of tokens made before, or of other nodes."""
    port = free_port()
    env = environment_without("ROLLCALL_") | {
        "ROLLCALL_PORT": str(port),
        "ROLLCALL_DATABASE_URL": database_url,
        "ROLLCALL_REDIS_URL": redis_url,
        "ROLLCALL_SECRET": f"{KEY_ID}:{secret or token_hex(32)}",
        **HIGH_LIMITS,
    }
    child = Child([sys.executable, "-m", *program], env=env, cwd=ROOT)
    with _running(child):
        await asyncio.to_thread(child.wait_for_line, "address +http", START_LIMIT)
        pin(child.pid, SERVER_CORE)
        yield Server(name, child, port, READY)
        await child.terminate(STOP_LIMIT)


@asynccontextmanager
async def plain(name: str, database_url: str, *arguments: str) -> AsyncIterator[Server]:
    """The plain way on this storage. `arguments` go to `bench.plain_server`."""
    command = [sys.executable, "-m", "bench.plain_server"]
    async with _peer(name, command, database_url, *arguments) as server:
        yield server


@asynccontextmanager
async def node_marks(name: str, mongodb_url: str) -> AsyncIterator[Server]:
    """The plain way on Node's socket.io."""
    async with _peer(name, builds.node("marks.js"), mongodb_url) as server:
        yield server


@asynccontextmanager
async def _peer(name: str, command: Sequence[str], *arguments: str) -> AsyncIterator[Server]:
    port = free_port()
    env = environment_without("ROLLCALL_") | {"NODE_ENV": "production"}
    child = Child([*command, str(port), *arguments], env=env, cwd=ROOT)
    with _running(child):
        await asyncio.to_thread(child.wait_for_line, "listening", START_LIMIT)
        pin(child.pid, SERVER_CORE)
        yield Server(name, child, port, CONNECTED)


@asynccontextmanager
async def mongodb(folder: Path, given: str | None) -> AsyncIterator[str]:
    """The address of a MongoDB, without a database: the given one, `mongod`, or the stand-in for it."""
    if given:
        yield given
        return
    port = free_port()
    if mongod := shutil.which("mongod"):
        command = [mongod, "--bind_ip", HOST, "--port", str(port), "--dbpath", str(folder), "--nounixsocket"]
        ready = "Waiting for connections"
    elif (java := shutil.which("java")) and JAR.exists():
        command, ready = [java, "-Xmx1g", "-XX:+UseSerialGC", "-jar", str(JAR), str(port)], "listening on "
    else:
        raise RuntimeError("there is no MongoDB: install one, or a JDK and Maven, and run scripts/test once")
    child = Child(command, cwd=ROOT)
    with _running(child):
        await asyncio.to_thread(child.wait_for_line, ready, START_LIMIT)
        pin(child.pid, generator_core())
        yield f"mongodb://{HOST}:{port}"


@contextmanager
def mongo_database(url: str) -> Iterator[str]:
    """The address of a new database there, dropped afterwards."""
    name = f"rollcall_bench_{token_hex(8)}"
    address, _, options = url.partition("?")
    yield f"{address.rstrip('/')}/{name}{'?' + options if options else ''}"
    with pymongo.MongoClient[dict[str, object]](url) as client:
        client.drop_database(name)


async def load_demo(database_url: str, size: Size) -> None:
    """The demo data, with password hashes that are cheap to verify: signing in is not what is measured."""
    demo_size = DemoSize(size.schools, size.classes, size.students)
    async with demo_node(database_url, demo_size) as node:
        passwords = BcryptPasswords(CHEAP_ROUNDS)
        password_hash = await passwords.hash(DEMO_PASSWORD)
        passwords.close()
        ids = [account.id for account in accounts(demo_size)]
        await set_password_of_all(node.credentials, ids, password_hash)


@asynccontextmanager
async def demo_node(database_url: str, size: DemoSize) -> AsyncIterator[Node]:
    """A node without doors that holds the demo of this size."""
    settings = Settings(
        host=HOST,
        port=0,
        database_url=database_url,
        redis_url="",
        keys=(),
        node="bench",
        limit_actions=None,
        limit_signin=None,
        sign_up=False,
        allow_demo_passwords=False,
        log_level=logging.WARNING,
    )
    async with opened(settings) as node:
        demo = Demo(
            size,
            core=node.core,
            credentials=node.credentials,
            passwords=node.passwords,
            clock=node.clock,
        )
        await demo.load(password=None, history=0, advance=lambda done: None)
        yield node


async def sign_in(url: str, emails: Sequence[str]) -> dict[str, str]:
    """An access token for each of the accounts, which have the demo password."""

    async def one(session: aiohttp.ClientSession, email: str) -> str:
        body = {"email": email, "password": DEMO_PASSWORD}
        async with session.post(f"{url}/api/users/authenticate", json=body) as response:
            answer = await response.json()
            return str(answer["access_token"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=4)) as session:
        tokens = await asyncio.gather(*(one(session, email) for email in emails))
    return dict(zip(emails, tokens, strict=True))


def teacher_token(server: Server, class_id: str) -> str | None:
    """The token of the class's teacher."""
    return server.tokens.get(teacher_of(class_id))


def viewer_token(server: Server, school_id: str) -> str | None:
    """The token of the school's dashboard."""
    return server.tokens.get(f"viewer@{school_id}.demo.test")


def teacher_of(class_id: str) -> str:
    """The e-mail address of the class's teacher."""
    school_id, _, number = class_id.partition("-c")
    return f"teacher{number}@{school_id}.demo.test"


@contextmanager
def _running(child: Child) -> Iterator[None]:
    child.spawn()
    try:
        yield
    finally:
        child.kill()
