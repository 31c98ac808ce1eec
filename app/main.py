"""The composition root: the only file that names concrete classes.

`open_node` gives the core of a node, which is all that the command line needs; `Server` adds the doors.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from aiohttp import web

from app.auth import ACCOUNT_BUDGET, SIGN_IN_BUDGET, Auth
from app.clock import RandomIds, SystemClock
from app.config import Settings
from app.http.door import HttpDoor, add_routes
from app.http.pages import add_pages
from app.key_file import signing_keys
from app.limits_memory import LimiterMemory
from app.passwords import BcryptPasswords
from app.sessions import Sessions
from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from app.storage.sqlite_reader import SqliteReader
from app.tokens import JwtTokens
from app.turns_jitter import TurnsJitter
from handlers.core import Core, load_handlers
from handlers.dispatch.dispatcher import BUDGET as ACTIONS_BUDGET
from models.journal import Commit
from models.ports import Credentials, Fanout, Presence, Storage, Turns
from realtime.fanout_memory import FanoutMemory
from realtime.follower import Followers
from realtime.gateway import Gateway
from realtime.presence import PresenceFeed
from realtime.presence_memory import PresenceMemory
from realtime.push import Push
from realtime.server import SocketServer

ACCOUNT_LIMIT = "10/15 minutes"
"""Wrong passwords for one account before it is locked for the rest of the window."""


YOUNG_OBJECTS = 20_000
"""Objects made since the last garbage collection that start the next one. Python's 700 are there after ten
actions; what they leave behind is freed without it, save a few cycles.
"""

STOP_LIMIT = 8.0
"""Seconds that requests under way have to be answered once the server stops. Supervisors kill after ten
(docker stop) or more, and one client that is slow to send its body must not bring that about.
"""


def package_version() -> str:
    """The installed version of Rollcall."""
    try:
        return version("rollcall")
    except PackageNotFoundError:
        return "0"


def storage_from(settings: Settings) -> tuple[Storage, Credentials]:
    """The storage that the settings name, not yet open."""
    if settings.database_file is not None:
        sqlite = SqliteStorage(settings.database_file)
        return sqlite, SqliteCredentials(sqlite)
    # Imported where it is used: the driver takes a quarter of the time that a start on SQLite has.
    from app.storage.mongo import MongoCredentials, MongoStorage

    mongo = MongoStorage(settings.database_url)
    return mongo, MongoCredentials(mongo)


def journal_from(settings: Settings) -> SqliteReader | Storage:
    """What reads the journals, not yet open; of the embedded database also while a server has it."""
    if settings.database_file is not None:
        return SqliteReader(settings.database_file)
    return storage_from(settings)[0]


def fanout_from(settings: Settings, epoch: str) -> Fanout:
    """What carries commits to the other nodes of the storage with this epoch; without Redis to nobody."""
    if not settings.redis_url:
        return FanoutMemory()
    # Imported where it is used, as the driver of MongoDB.
    from realtime.fanout_redis import FanoutRedis

    return FanoutRedis(settings.redis_url, epoch)


def turns_from(settings: Settings, epoch: str) -> Turns:
    """Turns between all nodes of the storage with this epoch."""
    if not settings.redis_url:
        return TurnsJitter()
    from app.turns_redis import TurnsRedis

    return TurnsRedis(settings.redis_url, epoch)


def presence_from(settings: Settings, epoch: str) -> Presence:
    """Who is there on all nodes of the storage with this epoch; without Redis, on this one."""
    if not settings.redis_url:
        return PresenceMemory()
    from realtime.presence_redis import PresenceRedis

    return PresenceRedis(settings.redis_url, epoch)


@dataclass(slots=True)
class Node:
    """An open node without doors. `listeners` hear of every commit it has made durable."""

    settings: Settings
    storage: Storage
    credentials: Credentials
    passwords: BcryptPasswords
    limiter: LimiterMemory
    clock: SystemClock
    ids: RandomIds
    turns: Turns
    core: Core
    listeners: list[Callable[[Commit], None]] = field(default_factory=list)

    async def close(self) -> None:
        """Answer what was accepted, finish what is being written, let go of the storage."""
        await self.core.close()
        await self.turns.close()
        self.passwords.close()
        await self.storage.close()


async def open_node(settings: Settings) -> Node:
    """Open the storage and the core on it. StorageRefused with one clear line."""
    storage, credentials = storage_from(settings)
    passwords = BcryptPasswords()
    clock, ids = SystemClock(), RandomIds()
    account_limit = ACCOUNT_LIMIT if settings.limit_signin else None
    limiter = LimiterMemory(
        {
            ACTIONS_BUDGET: settings.limit_actions,
            SIGN_IN_BUDGET: settings.limit_signin,
            ACCOUNT_BUDGET: account_limit,
        }
    )
    listeners: list[Callable[[Commit], None]] = []

    def committed(commit: Commit) -> None:
        for listener in listeners:
            listener(commit)

    load_handlers()
    await storage.open()
    turns = turns_from(settings, storage.epoch)
    core = Core(
        storage=storage,
        credentials=credentials,
        passwords=passwords,
        limiter=limiter,
        turns=turns,
        clock=clock,
        ids=ids,
        committed=committed,
    )
    await core.open()
    return Node(settings, storage, credentials, passwords, limiter, clock, ids, turns, core, listeners)


class Server:
    """The doors of a node: Socket.IO and HTTP on one port."""

    def __init__(self, node: Node, *, shared_port: bool = False) -> None:
        self._node = node
        self._shared_port = shared_port
        settings, core, clock = node.settings, node.core, node.clock
        sessions = Sessions(node.storage, clock, alone=settings.database_file is not None)
        tokens = JwtTokens(signing_keys(settings), org=core.org, sessions=sessions, clock=clock)
        auth = Auth(
            storage=node.storage,
            credentials=node.credentials,
            passwords=node.passwords,
            org=core.org,
            dispatcher=core.dispatcher,
            sessions=sessions,
            tokens=tokens,
            limiter=node.limiter,
            clock=clock,
            ids=node.ids,
        )
        # One client's polls would reach several processes.
        self._sockets = SocketServer(transports=["websocket"] if shared_port else None)
        self._push = Push()
        epoch = node.storage.epoch
        self._fanout = fanout_from(settings, epoch)
        self._presence = PresenceFeed(presence_from(settings, epoch), self._push, clock)
        self._followers = Followers(node.storage, self._fanout)
        self._gateway = Gateway(
            server=self._sockets,
            core=core,
            tokens=tokens,
            renewals=auth,
            clock=clock,
            push=self._push,
            followers=self._followers,
            presence=self._presence,
            node=settings.node,
            version=package_version(),
        )
        node.listeners += [sessions.apply, self._followers.receive, self._fanout.publish]
        self.app = web.Application()
        door = HttpDoor(
            core=core,
            auth=auth,
            tokens=tokens,
            clock=clock,
            ids=node.ids,
            sign_up=settings.sign_up,
            version=package_version(),
            degraded=lambda: not self._fanout.healthy,
        )
        add_routes(self.app, door)
        add_pages(self.app)
        self._sockets.attach(self.app)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. OSError if the address cannot be had."""
        await self._presence.open()
        await self._followers.open(self._gateway)
        await self._gateway.open()
        self._runner = web.AppRunner(
            self.app, access_log=None, handle_signals=False, shutdown_timeout=STOP_LIMIT
        )
        await self._runner.setup()
        settings = self._node.settings
        await web.TCPSite(
            self._runner,
            settings.host,
            settings.port,
            reuse_address=True,
            reuse_port=self._shared_port or None,
        ).start()

    async def stop(self) -> None:
        """Stop accepting, answer what was accepted, tell the clients, and close everything. The node stays
        open."""
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
        await self._gateway.close()
        await self._followers.close()
        await self._presence.close()
        self._push.close()
        # Together: neither a client that does not answer nor a request that does not end waits for the other.
        waits = [self._sockets.shutdown()]
        if self._runner is not None:
            waits.append(self._runner.cleanup())
        await asyncio.gather(*waits)


def _spare_the_collector() -> None:
    """Never look again at what is there after the start: modules, classes, schemas, routes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


async def serve(
    node: Node, stop: asyncio.Event, ready: Callable[[], None], *, shared_port: bool = False
) -> None:
    """Serve the node until `stop` is set; `ready` is called once it listens. `shared_port`: other processes
    listen there too.
    """
    server = Server(node, shared_port=shared_port)
    try:
        await server.start()
        _spare_the_collector()
        ready()
        await stop.wait()
    finally:
        await server.stop()
