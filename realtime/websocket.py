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


class WebSocket:
    """One connection. What is written goes to the transport at once, in the order of the calls, and never
    waits; `waiting` tells how much of it the client has not taken.
    """

    def __init__(self, handler: Callable[[WebSocket], Awaitable[None]], server: Any) -> None:
        self._handler = handler
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
        return 0 if transport is None else transport.get_write_buffer_size()

    def write(self, frames: bytes) -> None:
        """Send finished frames. Nothing happens once the connection is ending."""
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
        asyncio.get_running_loop().call_later(CLOSE_LIMIT, self.abort)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._socket.close()

    def abort(self) -> None:
        """End the connection now; what waits to be sent is dropped."""
        if self._transport is not None:
            self._transport.abort()
