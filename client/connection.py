"""One connection by python-socketio, from the attempt to its end. It is never used again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import socketio
from socketio.exceptions import SocketIOError

from client.wire import Json

LARGEST_MESSAGE = 64 * 2**20
"""Bytes: a school's snapshot can be some megabytes."""

END_LIMIT = 5.0
"""Seconds for ending a connection in good order; then it is cut."""

log = logging.getLogger("rollcall.client")

Emitted = tuple[str, Json, Callable[[Any], None]]


@dataclass(frozen=True, slots=True)
class ConnectionListener:
    """Who is told what happens. Nothing comes after `refused`, `lost`, or `Connection.close`."""

    ready: Callable[[Json], None]
    refused: Callable[[str], None]
    lost: Callable[[], None]
    closing: Callable[[str], None]
    update: Callable[[Json], None]
    resync: Callable[[str], None]
    presence: Callable[[Json], None]


class Connection:
    """Made by an event loop, and begins at once. `close` it; then wait for `ended`."""

    def __init__(self, url: str, token: str, transports: Sequence[str], listener: ConnectionListener) -> None:
        self._url = url
        self._token = token
        self._transports = list(transports)
        self._listener: ConnectionListener | None = listener
        self._emitted: asyncio.Queue[Emitted] = asyncio.Queue()
        self._socket = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            websocket_extra_options={"max_msg_size": LARGEST_MESSAGE},
        )
        # Plain functions, so that python-socketio calls them in the order in which the packets came.
        for name in ("ready", "update", "presence"):
            self._socket.on(name, self._pass_on(name))
        self._socket.on("closing", self._pass_on("closing", "code"))
        self._socket.on("resync", self._pass_on("resync", "topic"))
        self._socket.on("connect_error", self._refused)
        self._running = asyncio.create_task(self._run())
        self.ended = asyncio.create_task(self._end())

    def emit(self, event: str, data: Json, answered: Callable[[Any], None]) -> None:
        """Send an event, behind those before it."""
        self._emitted.put_nowait((event, data, answered))

    def close(self) -> None:
        """End it; nothing more is told."""
        self._listener = None
        self._running.cancel()

    async def _run(self) -> None:
        """Connect, and send until the connection ends."""
        auth = {"token": self._token}
        await self._socket.connect(self._url, auth=auth, transports=self._transports, wait=False)
        reading = self._socket.eio.read_loop_task
        sending = asyncio.create_task(self._send())
        try:
            if reading is not None:
                await asyncio.wait([reading, sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _send(self) -> None:
        while True:
            event, data, answered = await self._emitted.get()
            try:
                await self._socket.emit(event, data, callback=answered)
            except SocketIOError:
                return

    async def _end(self) -> None:
        """Whatever ends the connection: tell it, and leave nothing behind."""
        await asyncio.wait([self._running])
        if not self._running.cancelled() and (error := self._running.exception()) is not None:
            log.info("no connection to %s: %r", self._url, error)
        if self._listener is not None:
            self._listener.lost()
            self._listener = None
        engine = self._socket.eio
        loops = [task for task in (engine.read_loop_task, engine.write_loop_task) if task is not None]
        try:
            async with asyncio.timeout(END_LIMIT):
                await self._socket.disconnect()
                await engine.disconnect(abort=True)
                if loops:
                    await asyncio.wait(loops)
        except (TimeoutError, SocketIOError, OSError):
            for loop in loops:
                loop.cancel()
            if engine.http is not None:
                await engine.http.close()

    def _pass_on(self, name: str, field: str | None = None) -> Callable[[Any], None]:
        def pass_on(data: Any) -> None:
            if self._listener is not None:
                getattr(self._listener, name)(data if field is None else data[field])

        return pass_on

    def _refused(self, data: Any) -> None:
        """The server's refusal is `{message: code}`; anything else is a transport that failed."""
        listener = self._listener
        if listener is not None and isinstance(data, dict) and isinstance(data.get("message"), str):
            self.close()
            listener.refused(data["message"])
