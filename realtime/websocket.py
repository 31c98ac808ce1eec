"""aiohttp's WebSocket in the form that engine.io drives: without compression, and written to as finished
frames.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from engineio import exceptions

MAX_MESSAGE = 256 * 1024
"""Bytes of one message from a client; a larger one ends the connection."""

CLOSE_LIMIT = 5.0
"""Seconds that a client has to read the last of what was sent to it."""

SHORT, MEDIUM = 126, 65_536
"""Payloads from these lengths on have 2 and 8 bytes for their length (RFC 6455, section 5.2)."""


class BadPacket(exceptions.EngineIOError):
    """The client sent what is no packet."""


def frame(packet: bytes) -> bytes:
    """The WebSocket frame of a text message from a server: whole, not masked (RFC 6455, section 5)."""
    length = len(packet)
    if length < SHORT:
        return bytes((0x81, length)) + packet
    if length < MEDIUM:
        return b"\x81\x7e" + length.to_bytes(2, "big") + packet
    return b"\x81\x7f" + length.to_bytes(8, "big") + packet


class Outgoing:
    """The connections that something is to be written to at the end of this turn of the loop: one write for
    each, which costs as much as many.
    """

    def __init__(self) -> None:
        self._sockets: list[WebSocket] = []

    def add(self, socket: WebSocket) -> None:
        """Flush this connection at the end of the turn."""
        if not self._sockets:
            asyncio.get_running_loop().call_soon(self._flush)
        self._sockets.append(socket)

    def _flush(self) -> None:
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            socket.flush()


class WebSocket:
    """One connection. What is written goes to the transport in the order of the calls, and never waits;
    `waiting` tells how much of it the client has not taken.
    """

    def __init__(self, handler: Callable[[WebSocket], Awaitable[None]], server: Any) -> None:
        self._handler = handler
        self._outgoing: Outgoing = server.outgoing
        self._corked: list[bytes] = []
        self._corked_size = 0
        self._transport: asyncio.Transport | None = None
        self._socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, compress=False)
        self.written = 0
        """Bytes since the beginning."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        await self._socket.prepare(request)
        self._transport = request.transport
        await self._handler(self)
        return self._socket

    @property
    def waiting(self) -> int:
        """Bytes that the operating system has not taken yet."""
        transport = self._transport
        return self._corked_size + (0 if transport is None else transport.get_write_buffer_size())

    def say(self, one: bytes) -> None:
        """Send a finished frame at the end of this turn of the loop."""
        if not self._corked:
            self._outgoing.add(self)
        self._corked.append(one)
        self._corked_size += len(one)

    def flush(self) -> None:
        """Send what was said in this turn."""
        corked, self._corked, self._corked_size = self._corked, [], 0
        if corked:
            self._write(corked[0] if len(corked) == 1 else b"".join(corked))

    def write(self, frames: bytes) -> None:
        """Send finished frames now, behind what was said."""
        if self._corked:
            self.flush()
        self._write(frames)

    def _write(self, frames: bytes) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            self.written += len(frames)
            transport.write(frames)

    async def wait(self) -> str | None:
        """The next text message, or None when the connection has ended. BadPacket for a binary one."""
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT:
            text: str = message.data
            return text
        if message.type is WSMsgType.BINARY:
            raise BadPacket("binary message")
        return None

    async def close(self) -> None:
        """Say goodbye; the connection is gone once the client has taken all, or after a short wait."""
        self.flush()
        asyncio.get_running_loop().call_later(CLOSE_LIMIT, self.abort)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._socket.close()

    def abort(self) -> None:
        """End the connection now; what waits to be sent is dropped."""
        if self._transport is not None:
            self._transport.abort()
