"""A Socket.IO client that costs as little as possible, so that the load generator is not what is measured.

It speaks WebSocket only (RFC 6455) and reads from a frame no more than a benchmark needs. Its frames are
masked with zeros: that is a mask like any other to the server, and spares the client the work.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import Protocol, cast

CONNECT_LIMIT = 30.0

PING, PONG = b"2", b"3"
EVENT, ACK, CONNECTED, REFUSED = b"42", b"43", b"40", b"44"
"""Engine.IO packets, and Socket.IO packets within an Engine.IO message."""

CLOSE_FRAME = 8


class Listener(Protocol):
    """Who reads what the server sends. `text` is the packet behind its type."""

    def on_ack(self, text: bytes) -> None: ...

    def on_event(self, text: bytes) -> None: ...


class SocketClient(asyncio.Protocol):
    """One connection."""

    def __init__(self, listener: Listener, host: str, token: str | None, greeting: bytes) -> None:
        self._listener = listener
        self._host = host
        self._connect = "40" if token is None else f'40{{"token":"{token}"}}'
        self._greeting = greeting
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._open = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False

    def send(self, text: str) -> None:
        """Send one packet."""
        data = text.encode()
        size = len(data)
        length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        if self._transport is not None:
            self._transport.write(b"\x81" + length + b"\0\0\0\0" + data)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the server ended the connection"))

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        if not self._open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._open = True
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                start += 2
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == 127:
                start += 8
                length = int.from_bytes(data[at + 2 : start], "big")
            end_at = start + length
            if end_at > size:
                break
            if data[at] & 0x0F == CLOSE_FRAME:
                self.close()
                return
            self._take(data[start:end_at])
            at = end_at
        self._buffer = data[at:]

    def _take(self, packet: bytes) -> None:
        kind = packet[:2]
        if kind == ACK:
            self._listener.on_ack(packet[2:])
        elif kind == EVENT and self.ready.done():
            self._listener.on_event(packet[2:])
        elif packet == PING:
            self.send("3")
        elif packet[:1] == b"0":
            self.send(self._connect)
        elif kind == REFUSED:
            self.ready.set_exception(ConnectionError(packet.decode()))
        if not self.ready.done() and packet.startswith(self._greeting):
            self.ready.set_result(None)


async def connect(
    listener: Listener, host: str, port: int, *, token: str | None = None, greeting: bytes = CONNECTED
) -> SocketClient:
    """A client that the server has greeted. ConnectionError, TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_LIMIT):
        _, client = await loop.create_connection(
            lambda: SocketClient(listener, f"{host}:{port}", token, greeting), host, port
        )
        await client.ready
    return client
