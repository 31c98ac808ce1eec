"""A TCP proxy between clients and a server: to cut and refuse connections, to hold them up, to slow them."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

from tests.parts.process import HOST

TICK = 0.02
"""Seconds between two portions of a connection that is slowed."""

AHEAD = 64 * 1024
"""Bytes that wait for one side, from which on the other is not read."""

REQUEST = re.compile(rb"[A-Z]+ [^\r\n]+ HTTP/1\.1(?=\r\n)")
"""The first line of a request. It begins what is read: clients wait for the answer to the one before."""


class Proxy:
    """Passes bytes on between whoever connects to `url` and the server; an async context manager.

    `url` is the server's with another port.
    """

    def __init__(self, server_url: str) -> None:
        self._parts = urlsplit(server_url)
        self._server: asyncio.Server | None = None
        self._pipes: set[Pipe] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._refuses = False
        self.pace: float | None = None
        """Bytes a second on each connection and in each direction; None: as fast as they come."""
        self.url = ""
        self.requests: list[str] = []
        """The first line of every request by HTTP: a connection may carry several."""

    async def __aenter__(self) -> Proxy:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Pipe(self), HOST, 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = self._parts._replace(netloc=f"{HOST}:{port}").geturl()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._connecting:
            task.cancel()
        if self._connecting:
            await asyncio.wait(self._connecting)

    @property
    def waiting(self) -> int:
        """Bytes that are held up, in both directions of all connections."""
        return sum(pipe.waiting for pipe in self._pipes)

    def cut(self) -> None:
        """Ends every connection at once, without a farewell."""
        for pipe in list(self._pipes):
            pipe.abort()

    def refuse(self) -> None:
        """Cuts, and lets nobody connect until `accept`."""
        self._refuses = True
        self.cut()

    def accept(self) -> None:
        """Lets everybody connect again."""
        self._refuses = False

    def stall(self) -> None:
        """Holds up everything on every connection, and on new ones, until `flow`: nothing is lost."""
        self.slow(0.0)

    def slow(self, bytes_per_second: float) -> None:
        """Passes no more on than that, on each connection and in each direction, until `flow`."""
        self.pace = bytes_per_second

    def flow(self) -> None:
        """Passes everything on at once again, first of all what was held up."""
        self.pace = None
        for pipe in list(self._pipes):
            pipe.pass_on()

    def begin(self, pipe: Pipe) -> None:
        """A client has connected: connect to the server for it."""
        if self._refuses:
            pipe.abort()
            return
        self._pipes.add(pipe)
        task = asyncio.create_task(self._connect(pipe))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def end(self, pipe: Pipe) -> None:
        """Nothing more comes from this side."""
        self._pipes.discard(pipe)

    async def _connect(self, pipe: Pipe) -> None:
        far = Pipe(self, pipe)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: far, self._parts.hostname or HOST, self._parts.port or 80
            )
        except OSError:
            pipe.abort()
            return
        self._pipes.add(far)
        pipe.meet(far)


class Pipe(asyncio.Protocol):
    """What comes from one side and goes to the other, `peer`. The server's side is made with its peer."""

    def __init__(self, proxy: Proxy, peer: Pipe | None = None) -> None:
        self._proxy = proxy
        self._peer = peer
        self._is_near = peer is None
        self._transport: asyncio.Transport | None = None
        self._waiting = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._peer_is_full = False
        self._is_read = True
        self._ended = False

    @property
    def waiting(self) -> int:
        """Bytes that are held up."""
        return len(self._waiting)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(AHEAD)
        if self._is_near:
            self._proxy.begin(self)

    def meet(self, peer: Pipe) -> None:
        """The server has answered: what the client has said so far goes there."""
        self._peer = peer
        self.pass_on()

    def data_received(self, data: bytes) -> None:
        if self._is_near and (request := REQUEST.match(data)):
            self._proxy.requests.append(request[0].decode("latin-1"))
        if self._peer is not None and self._proxy.pace is None and not self._waiting:
            self._peer.write(data)
            return
        self._waiting += data
        self.pass_on()

    def pass_on(self) -> None:
        """Give the peer what it may have now."""
        pace = self._proxy.pace
        if self._peer is not None and self._waiting:
            if pace is None:
                self._give(len(self._waiting))
            elif pace and self._timer is None:
                self._give(max(1, int(pace * TICK)))
                self._timer = asyncio.get_running_loop().call_later(TICK, self._next)
        if self._ended and not self._waiting:
            self._proxy.end(self)
            if self._peer is not None:
                self._peer.hang_up()
        self._read_or_not()

    def write(self, data: bytes) -> None:
        """The peer has something for this side."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def hang_up(self) -> None:
        """The peer is gone: what was written goes out first."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End both sides at once."""
        for pipe in (self, self._peer):
            if pipe is not None and pipe._transport is not None:
                pipe._waiting.clear()
                pipe._transport.abort()

    def pause_writing(self) -> None:
        if self._peer is not None:
            self._peer.hold(full=True)

    def resume_writing(self) -> None:
        if self._peer is not None:
            self._peer.hold(full=False)

    def hold(self, *, full: bool) -> None:
        """The peer cannot take more just now, or can again."""
        self._peer_is_full = full
        self._read_or_not()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self.pass_on()

    def _give(self, size: int) -> None:
        if self._peer is not None:
            self._peer.write(bytes(self._waiting[:size]))
        del self._waiting[:size]

    def _next(self) -> None:
        self._timer = None
        self.pass_on()

    def _read_or_not(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        wanted = not self._peer_is_full and len(self._waiting) < AHEAD
        if wanted != self._is_read:
            self._is_read = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()
