"""A node with both doors on a real port, and clients for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import socketio
from aiohttp import web

from app.auth import ACCOUNT_BUDGET, SIGN_IN_BUDGET, Auth
from app.clock import RandomIds
from app.http.door import HttpDoor, add_routes
from app.limits_memory import LimiterMemory
from app.sessions import Sessions
from app.tokens import JwtTokens
from models.actor import Actor
from models.journal import Record
from models.ports import Fanout, Presence
from realtime.fanout_memory import FanoutMemory
from realtime.follower import Followers
from realtime.gateway import Gateway
from realtime.presence import PresenceFeed
from realtime.presence_memory import PresenceMemory
from realtime.push import Push
from realtime.server import SocketServer
from tests.kit import CoreKit, open_kit
from tests.waiting import until

KEYS = {"k1": "a secret that is long enough for HS256"}
LIMIT = 10.0


class Client:
    """A python-socketio client that remembers what it received."""

    def __init__(self, url: str, transports: list[str] | None = None) -> None:
        self.url = url
        self.transports = transports or ["websocket"]
        self.received: list[tuple[str, Any]] = []
        self.socket = socketio.AsyncClient(reconnection=False)
        self.connected = False
        for name in ("ready", "closing", "update", "resync", "presence", "connect_error"):
            self.socket.on(name, self._remember(name))
        self.socket.on("disconnect", self._gone)

    async def connect(self, token: str, headers: dict[str, str] | None = None) -> Client:
        await self.socket.connect(
            self.url,
            auth={"token": token},
            transports=self.transports,
            headers=headers or {},
            wait_timeout=LIMIT,
        )
        self.connected = True
        await self.wait_for("ready")
        return self

    async def call(self, event: str, data: Any) -> Any:
        return await self.socket.call(event, data, timeout=LIMIT)

    async def subscribe(self, topic: str, **more: Any) -> Record:
        """Subscribe to one topic; its reply."""
        answer = await self.call("subscribe", {"topics": [{"topic": topic, **more}]})
        assert answer["ok"], answer
        reply: Record = answer["topics"][0]
        return reply

    async def act(self, type: str, payload: Record, op_id: str, **more: Any) -> Record:
        """Send an action; its ack."""
        ack: Record = await self.call("action", {"type": type, "payload": payload, "op_id": op_id, **more})
        return ack

    def all(self, event: str) -> list[Any]:
        """What came of an event so far."""
        return [data for name, data in self.received if name == event]

    async def wait_for(self, event: str, count: int = 1) -> list[Any]:
        """The first `count` of an event, once they are there."""
        await until(lambda: len(self.all(event)) >= count)
        return self.all(event)[:count]

    async def gone(self) -> None:
        """Wait until the server has ended the connection."""
        await until(lambda: not self.connected)

    async def close(self) -> None:
        await self.socket.disconnect()
        await self.socket.eio.disconnect(abort=True)
        if self.socket.eio.ws is not None:  # engine.io leaves it open where the server went first
            await self.socket.eio.ws.close()

    def _remember(self, name: str) -> Any:
        async def remember(data: Any = None) -> None:
            self.received.append((name, data))

        return remember

    async def _gone(self, *reason: Any) -> None:
        self.connected = False


class DoorKit:
    """A node's core with a Socket.IO door that listens. Without `fanout` and `presence` it is alone."""

    def __init__(
        self,
        core: CoreKit,
        name: str = "n1",
        *,
        fanout: Fanout | None = None,
        presence: Presence | None = None,
    ) -> None:
        self.core = core
        clock = core.clock
        self.sessions = Sessions(core.storage, clock)
        self.tokens = JwtTokens(KEYS, org=core.core.org, sessions=self.sessions, clock=clock)
        self.ids = RandomIds()
        self.auth = Auth(
            storage=core.storage,
            credentials=core.credentials,
            passwords=core.passwords,
            org=core.core.org,
            dispatcher=core.core.dispatcher,
            sessions=self.sessions,
            tokens=self.tokens,
            limiter=LimiterMemory({SIGN_IN_BUDGET: None, ACCOUNT_BUDGET: None}),
            clock=clock,
            ids=self.ids,
        )
        self.server = SocketServer()
        self.push = Push()
        self.presence = PresenceFeed(presence or PresenceMemory(), self.push, clock)
        self.fanout = fanout or FanoutMemory()
        self.followers = Followers(core.storage, self.fanout, compare=0.2)
        self.gateway = Gateway(
            server=self.server,
            core=core.core,
            tokens=self.tokens,
            renewals=self.auth,
            clock=clock,
            push=self.push,
            followers=self.followers,
            presence=self.presence,
            node=name,
            version="0",
        )
        core.listeners += [self.sessions.apply, self.followers.receive, self.fanout.publish]
        self.clients: list[Client] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def open(self, prepare: Callable[[web.Application], None] = lambda app: None) -> None:
        """Listen. `prepare` adds what else there is on the application."""
        app = web.Application()
        prepare(app)
        add_routes(app, self._http_door())
        self.server.attach(app)
        await self.presence.open()
        await self.followers.open(self.gateway)
        await self.gateway.open()
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"

    def _http_door(self) -> HttpDoor:
        kit = self.core
        return HttpDoor(
            core=kit.core,
            auth=self.auth,
            tokens=self.tokens,
            clock=kit.clock,
            ids=self.ids,
            sign_up=False,
            version="0",
            degraded=lambda: not self.fanout.healthy,
        )

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self.clients))
        await self.gateway.close()
        await self.followers.close()
        await self.presence.close()
        self.push.close()
        await self.server.shutdown()
        assert self._runner is not None
        await self._runner.cleanup()

    async def token(self, actor: Actor, session_id: str | None = None) -> str:
        """An access token of a new session."""
        session_id = session_id or self.core.op_id()
        payload = {"user_id": actor.id, "session_id": session_id}
        await self.core.core.dispatcher.run_internal("user.login", payload, actor)
        return self.tokens.issue(actor.id, session_id).text

    async def client(
        self, actor: Actor, *, transports: list[str] | None = None, token: str | None = None
    ) -> Client:
        """A connected client of the user."""
        client = Client(self.url, transports)
        self.clients.append(client)
        return await client.connect(token or await self.token(actor))


@asynccontextmanager
async def open_door(path: Path) -> AsyncIterator[DoorKit]:
    """One node over a SQLite file."""
    async with open_kit(path) as core:
        door = DoorKit(core)
        await door.open()
        try:
            yield door
        finally:
            await door.close()
