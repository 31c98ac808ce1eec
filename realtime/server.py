"""The Socket.IO layer: python-socketio's server with its events handed to one receiver in the order they
came.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

import orjson
import socketio

from models.errors import RollcallError
from realtime.clients import Clients
from realtime.engine import EngineServer, EngineSocket
from realtime.websocket import BadPacket

PACKET_TYPES = tuple("01234")
"""Socket.IO packets without binary attachments."""

LONGEST_ACK_ID = 15

FAREWELL = 2.0
"""Seconds that a client has to fetch why it is disconnected."""

CONNECT_LIMIT = 20.0
"""Seconds from the opening of a transport until somebody must have signed in on it."""

log = logging.getLogger("rollcall.sockets")


class Json:
    """orjson in the form that python-socketio expects of a JSON module."""

    @staticmethod
    def dumps(value: Any, *args: Any, **kwargs: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, *args: Any, **kwargs: Any) -> Any:
        return orjson.loads(text)


class Refused(Exception):
    """The connection is refused. The code of the error is the message of `connect_error`, the error its
    data.
    """

    def __init__(self, error: RollcallError) -> None:
        super().__init__(error.code)
        self.error = error


class Receiver(Protocol):
    """Who handles what clients send. Nothing here raises, but Refused from `connect`."""

    async def connect(self, sid: str, socket: EngineSocket, auth: Any) -> object:
        """Let a client in: what is returned stands for it from now on."""
        ...

    async def connected(self, client: Any, /) -> None: ...

    async def event(self, client: Any, ack_id: int | None, name: Any, arguments: list[Any], /) -> None: ...

    def disconnected(self, sid: str) -> None: ...

    def caught_up(self, client: Any, /) -> None:
        """The client has taken what waited for it, after updates were left out."""
        ...


class SocketServer(socketio.AsyncServer):
    """A Socket.IO server on the namespace `/`.

    Every event is awaited before the next one of the same connection is read, so order is kept, and a
    receiver that waits holds its client back. A packet that makes no sense ends the connection. Binary
    packets make no sense here.
    """

    receiver: Receiver

    def __init__(self, *, cors_allowed_origins: str | list[str] | None = None, **options: Any) -> None:
        super().__init__(
            async_handlers=False,
            json=Json,
            client_manager=Clients(),
            cors_allowed_origins=cors_allowed_origins,
            **options,
        )
        self.eio.farewell = event_packet("closing", {"code": "too_slow"})
        self.eio.event = self._event
        self.eio.caught_up = self._caught_up
        self.on("connect", self._accept)
        self.on("disconnect", self._gone)

    async def close_connection(self, sid: str, *, for_good: bool) -> None:
        """Send what is queued, then end the connection, if it is there still. `for_good`: official clients do
        not come back by themselves.
        """
        eio_sid = self.manager.eio_sid_from_sid(sid, "/")
        if eio_sid is None:
            # The library would take None for everybody.
            return
        if for_good:
            await self.disconnect(sid)
            # A client that polls fetches this with its next poll, and ends the connection itself.
            await asyncio.sleep(FAREWELL)
        await self.eio.disconnect(eio_sid)

    async def shutdown(self) -> None:
        """End every connection, also those that nobody has signed in to, and stop the background tasks."""
        await asyncio.gather(*(socket.close(wait=False) for socket in list(self.eio.sockets.values())))
        await super().shutdown()

    async def _accept(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        if socket is None:
            raise socketio.exceptions.ConnectionRefusedError("the connection is gone")
        try:
            socket.client = await self.receiver.connect(sid, socket, auth)
        except Refused as refused:
            error = refused.error
            raise socketio.exceptions.ConnectionRefusedError(error.code, error.to_wire()) from None
        # The request was needed until here, and would be kept as long as the connection.
        socket.request = None

    def _gone(self, sid: str, reason: str | None = None) -> None:
        self.receiver.disconnected(sid)
        socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        if socket is not None and not socket.closing:
            socket.client = None
            self._expect_connected_soon(socket.sid)

    def _caught_up(self, socket: EngineSocket) -> None:
        if socket.client is not None:
            self.receiver.caught_up(socket.client)

    async def _handle_eio_connect(self, eio_sid: str, environ: Any) -> None:  # type: ignore[override]
        await super()._handle_eio_connect(eio_sid, environ)
        self._expect_connected_soon(eio_sid)

    def _expect_connected_soon(self, eio_sid: str) -> None:
        asyncio.get_running_loop().call_later(CONNECT_LIMIT, self._expect_connected, eio_sid)

    def _expect_connected(self, eio_sid: str) -> None:
        """A transport that nobody has signed in on by now is of no use."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and socket.client is None:
            self.eio.cut(socket)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if eio_sid not in self.environ:
            return
        known = self.manager.sid_from_eio_sid(eio_sid, "/")
        await super()._handle_connect(eio_sid, namespace, data)
        sid = self.manager.sid_from_eio_sid(eio_sid, "/")
        if sid is None or sid == known or not self.manager.is_connected(sid, "/"):
            return
        if eio_sid in self.environ:
            # The request was needed until here, and would be kept as long as the connection.
            self.environ[eio_sid] = {}
            await self.receiver.connected(self.eio.sockets[eio_sid].client)
        else:
            # The client went while it was let in, when there was nobody to call gone yet.
            await self.disconnect(sid)

    async def _event(self, socket: EngineSocket, text: str) -> None:
        """Take an event: an Engine.IO message with a Socket.IO event in it. BadPacket."""
        ack_id, bracket, arguments = text[2:].partition("[")
        if len(ack_id) > LONGEST_ACK_ID or not (not ack_id or ack_id.isdecimal()):
            await self._handle_eio_message(socket.sid, text[1:])
            return
        try:
            id = int(ack_id) if ack_id else None
            data = orjson.loads(bracket + arguments)
        except ValueError as error:
            raise BadPacket(str(error)) from None
        client = socket.client
        if client is None or not data:
            raise BadPacket("an event before the connection to the namespace, or without a name")
        await self.receiver.event(client, id, data[0], data[1:])

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if (namespace or "/") != "/" or socket is None or socket.client is None:
            raise ValueError("an event before the connection to the namespace")
        if not isinstance(data, list) or not data:
            raise ValueError("an event without a name")
        await self.receiver.event(socket.client, id, data[0], data[1:])

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:  # type: ignore[override]
        try:
            if not isinstance(data, str) or data[:1] not in PACKET_TYPES:
                raise ValueError("not a packet of this protocol")
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            log.info("connection %s ended: %s", eio_sid, error)
            await self.eio.disconnect(eio_sid)

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer


def event_packet(name: str, data: Any) -> bytes:
    """The Engine.IO packet of an event with one argument."""
    return b"42" + orjson.dumps([name, data])


def ack_packet(ack_id: int, data: Any) -> bytes:
    """The Engine.IO packet that answers an event."""
    return b"43%d[%b]" % (ack_id, orjson.dumps(data))
