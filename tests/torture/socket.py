"""A raw connection that can be dropped and left unread, and that tells when it is lost."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol
from urllib.parse import urlsplit

from bench.socket_client import Listener, SocketClient

READY = b'42["ready"'


class LosableListener(Listener, Protocol):
    """A listener that hears of the end, too."""

    def on_lost(self) -> None: ...


class LosableSocket(SocketClient):
    """One connection. Every one that was made is told lost once."""

    def __init__(self, listener: LosableListener, host: str, token: str) -> None:
        super().__init__(listener, host, token, READY)
        self._hears = listener

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._hears.on_lost()

    def send(self, text: str) -> None:
        """Send one packet; on a connection that is lost it goes nowhere."""
        if self._transport is not None and not self._transport.is_closing():
            super().send(text)

    def drop(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def stop_reading(self) -> None:
        """Take nothing any more."""
        if self._transport is not None:
            self._transport.pause_reading()

    def read_on(self) -> None:
        """Take everything that is left."""
        if self._transport is not None:
            self._transport.resume_reading()


async def connect(
    listener: LosableListener, url: str, token: str, *, limit: float, window: int | None = None
) -> LosableSocket:
    """A connection that the server has greeted. OSError, TimeoutError; then nothing is left of it.

    `window` is the size of the kernel's receive buffer: with a small one it takes little to be behind.
    """
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    raw = socket.socket()
    raw.setblocking(False)
    if window is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client: LosableSocket | None = None
    try:
        async with asyncio.timeout(limit):
            await loop.sock_connect(raw, (parts.hostname, parts.port))
            _, client = await loop.create_connection(
                lambda: LosableSocket(listener, parts.netloc, token), sock=raw
            )
            await client.ready
    except BaseException:
        if client is None:
            raw.close()
        else:
            client.drop()
        raise
    return client
