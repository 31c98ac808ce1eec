"""The transport: python-engineio's server with the traits that Rollcall needs.

Differences from the library as it comes: what is sent goes straight to the transport, in one order; no
per-message compression; a packet that makes no sense ends the connection; what waits for a client has a
bound, and a client that takes nothing is cut; one patrol pings all clients; a poll answers with at most as
many packets as every client can decode.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import engineio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from engineio import async_socket, exceptions, packet, payload

from realtime.frames import MAX_MESSAGE, frame
from realtime.handshake import switch
from realtime.own_pages import is_own
from realtime.patrol import HARD, SOFT, Patrol
from realtime.websocket import BadPacket, Outgoing, WebSocket

PACKETS_PER_POLL = 16
"""What python-engineio's client decodes from one poll at most."""

BYTES_PER_POLL = 256 * 1024
"""An answer to a poll that has as much takes no further packet."""

PACKETS_PER_POST = 256
POST_LIMIT = 30.0
"""Seconds that the body of a post may take to arrive."""

PACKET_TYPES = tuple("0123456")
EVENT = "42"
"""An Engine.IO message with a Socket.IO event: nearly everything that comes."""
NOOP = b"6"

payload.Payload.max_decode_packets = PACKETS_PER_POST

log = logging.getLogger("rollcall.sockets")


class EngineSocket(async_socket.AsyncSocket):
    """One client's connection.

    `lagging`: it has not taken what was sent, and gets no updates until it has. `client`: what the receiver
    of events knows it by, once it has connected to the namespace. `request`: what came last has come by this
    one, until then; headers of one request are never taken together with those of another.
    """

    _ws: WebSocket | None = None
    _probing: WebSocket | None = None
    _queued = 0
    _taken = 0
    lagging = False
    client: Any = None
    request: web.Request | None = None

    def __init__(self, server: EngineServer, sid: str) -> None:
        super().__init__(server, sid)
        self._caught_up: asyncio.Future[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self.pinged = False
        self.due = 0.0
        """When it is to be pinged or, where it was, must have answered: seconds of the loop's clock."""

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more, which is so from before its end is handled."""
        return self.closed or (self._ws is not None and self._ws.ended)

    @property
    def waiting(self) -> int:
        """Bytes that the client has not taken."""
        return self._queued if self._ws is None else self._ws.waiting

    @property
    def taken(self) -> int:
        """Bytes that the client has taken since the beginning."""
        return self._taken if self._ws is None else self._ws.written - self._ws.waiting

    async def send(self, pkt: packet.Packet) -> None:
        """As the library sends its own packets."""
        self.say(pkt.encode().encode())

    def say(self, text: bytes) -> bool:
        """Send one Engine.IO packet. False if the connection is closed, or is cut because the client takes
        nothing.
        """
        if self.closed:
            return False
        if self.waiting > HARD:
            self.server.cut(self)
            return False
        if self._ws is not None:
            self._ws.say(frame(text))
        else:
            self._enqueue(text)
        return True

    def push(self, frames: bytes, packets: Sequence[bytes]) -> bool:
        """Send packets that are the same for many, `frames` being all of their frames. False if they were
        left out, because the client lags: so are all until it has caught up, or it would see a hole.
        """
        if self.lagging:
            return False
        ws = self._ws
        if ws is not None:
            taken = ws.push(frames, SOFT)
            self.lagging = not taken
            return taken
        if self._queued > SOFT:
            self.lagging = True
            return False
        for text in packets:
            self._enqueue(text)
        return True

    def _enqueue(self, text: bytes) -> None:
        if not self.closed:
            self.queue.put_nowait(text)
            self._queued += len(text)

    def caught_up(self) -> None:
        """The client has taken nearly everything: it lags no longer."""
        if self.lagging:
            self.lagging = False
            self.server.caught_up(self)
        self._take_again()

    def _take_again(self) -> None:
        """Read on, where it was not because the client did not take its answers."""
        if self._caught_up is not None and not self._caught_up.done():
            self._caught_up.set_result(None)

    def schedule_ping(self) -> None:
        """The client has answered, or is new."""
        self.pinged = False
        self.due = asyncio.get_running_loop().time() + self.server.ping_interval

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Close once what was sent so far is taken, or after a short wait. Never waits for the client,
        whatever `wait` says.
        """
        if self.closed or self.closing:
            return
        await super().close(wait=False, abort=abort, reason=reason)
        self.caught_up()
        if self._probing is not None:
            self._probing.abort()
        if self._ws is None:
            # A poll that hangs fetches the last; there is none after it.
            self.queue.put_nowait(None)
            self.server.sockets.pop(self.sid, None)
        else:
            self._goodbye = self.server.own(self._ws.close())

    def say_goodbye(self, text: bytes) -> None:
        """Send a last packet. What waits for a client that polls is dropped before."""
        if self._ws is not None:
            self._ws.write(frame(text))
            return
        while not self.queue.empty():
            self.queue.get_nowait()
        self._queued = 0
        self._enqueue(text)

    async def poll(self) -> list[packet.Packet]:
        """The packets for one answer to a poll; empty when the connection is closing."""
        queue = self.queue
        try:
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                texts = [await queue.get()]
        except TimeoutError:
            raise exceptions.QueueEmpty from None
        size = len(texts[0] or b"")
        while len(texts) < PACKETS_PER_POLL and size < BYTES_PER_POLL and not queue.empty():
            texts.append(queue.get_nowait())
            size += len(texts[-1] or b"")
        self._queued -= size
        self._taken += size
        if None in texts:
            if texts[0] is not None:
                queue.put_nowait(None)
            texts = texts[: texts.index(None)]
        return [packet.Packet(int(text[:1]), text[1:].decode()) for text in texts]

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take the packets of a polling client. EngineIOError for anything that makes no sense."""
        request = environ["aiohttp.request"]
        body = await _whole_body(request)
        if self.client is None:
            self.request = request
        try:
            for pkt in payload.Payload(encoded_payload=body.decode()).packets:
                if self.closed or self.closing:
                    break
                await self.receive(pkt)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadPacket(str(error)) from error

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        """Go on by WebSocket, at once or, where the client polls, after a probe. One at a time: two would
        share the packets.
        """
        if self.upgrading or self.upgraded:
            raise web.HTTPBadRequest(text="This connection has a WebSocket.")
        ws = WebSocket(self.server.outgoing)
        request = environ["aiohttp.request"]
        answer = switch(request, ws)
        if self.connected:
            self.upgrading = True
            self._probing = ws
            self.server.own(self._upgrade(ws, request if self.client is None else None))
        else:
            self.connected = self.upgraded = True
            self.request = request
            self._go_on(ws)
        return answer

    def _go_on(self, ws: WebSocket) -> None:
        """From now on everything goes by WebSocket."""
        self._ws = ws
        while not self.queue.empty():
            if (text := self.queue.get_nowait()) is not None:
                ws.write(frame(text))
        self._queued = 0
        # A poll that still hangs ends with this.
        self.queue.put_nowait(NOOP)
        self.queue = None
        ws.wake = self._wake
        self._wake()

    def _wake(self) -> None:
        """Something has come by WebSocket, or its end."""
        if self._reader is None:
            self._reader = self.server.own(self._read())
        if self._ws is not None and self._ws.ended:
            self._take_again()

    async def _upgrade(self, ws: WebSocket, request: web.Request | None) -> None:
        """From polling to WebSocket, as the Engine.IO protocol describes it: probe, end the poll, switch."""
        try:
            async with asyncio.timeout(self.server.ping_timeout):
                if await ws.wait() == "2probe":
                    ws.write(frame(b"3probe"))
                    self._enqueue(NOOP)
                    self.upgraded = await ws.wait() == "5" and not self.closed
        except (TimeoutError, BadPacket):
            pass
        finally:
            self.upgrading = False
            self._probing = None
        if self.upgraded:
            if self.client is None:
                self.request = request
            self._go_on(ws)
        else:
            await ws.close()

    async def _read(self) -> None:
        """Handle what has come. Ends when nothing is left, and ends the connection when nothing more will
        come or something makes no sense.
        """
        try:
            if self._ws is None or await self._read_all(self._ws):
                return
        except (BadPacket, exceptions.EngineIOError, ConnectionError):
            pass
        except Exception:
            log.exception("connection %s", self.sid)
        finally:
            self._reader = None
        await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        if self._goodbye is not None:
            await asyncio.wait([self._goodbye])
        self.server.sockets.pop(self.sid, None)

    async def _read_all(self, ws: WebSocket) -> bool:
        """Handle all messages; whether more may come. A client that does not take its answers is not
        listened to.
        """
        event = self.server.event
        while not self.closed and (text := ws.take()) is not None:
            if text.startswith(EVENT):
                await event(self, text)
            else:
                await self.receive(_packet(text))
            if ws.waiting > SOFT and not ws.ended:
                self._caught_up = asyncio.get_running_loop().create_future()
                await self._caught_up
                self._caught_up = None
        return not (self.closed or ws.ended)


class EngineServer(engineio.AsyncServer):
    """An engine.io server whose connections are `EngineSocket`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(async_mode="aiohttp", max_http_buffer_size=MAX_MESSAGE, **options)
        self.farewell = b""
        """What a client that is cut is told, where that still fits."""
        self.event: Callable[[EngineSocket, str], Awaitable[None]] = _ignore
        """Takes every event that comes by WebSocket. BadPacket ends the connection."""
        self.caught_up: Callable[[EngineSocket], None] = lambda socket: None
        """Hears of every client that lagged and does no longer."""
        self.outgoing = Outgoing()
        self._tasks: set[asyncio.Task[None]] = set()
        self._patrol: Patrol | None = None

    def own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something to its end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cut(self, socket: EngineSocket) -> None:
        """End a connection whose client does not read. What waits is dropped; it finds that in the tail."""
        if not socket.closing:
            socket.say_goodbye(self.farewell)
            self.own(socket.close(wait=False, abort=True))

    async def shutdown(self) -> None:
        """End the patrol, and wait for the connections that are closing."""
        if self._patrol is not None:
            await self._patrol.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        if self._patrol is None:
            self._patrol = Patrol(self)
        socket = EngineSocket(self, self.generate_id())
        self.sockets[socket.sid] = socket
        opening = {
            "sid": socket.sid,
            "upgrades": self._upgrades(socket.sid, transport),
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000),
            "maxPayload": MAX_MESSAGE,
        }
        await socket.send(packet.Packet(packet.OPEN, opening))
        await self._trigger_event("connect", socket.sid, environ, run_async=False)
        socket.schedule_ping()
        if transport == "websocket":
            try:
                answer = await socket.handle_get_request(environ)
                if isinstance(answer, list):
                    raise web.HTTPBadRequest(text="This is no WebSocket handshake.")
                return answer
            finally:
                if not socket.upgraded:
                    await socket.close(abort=True)
        socket.connected = True
        return self._ok(await socket.poll(), jsonp_index=jsonp_index)

    def _cors_allowed_origins(self, environ: dict[str, Any]) -> list[str] | None:
        """What the library allows, and our own pages also behind a proxy that has taken TLS off."""
        allowed: list[str] | None = super()._cors_allowed_origins(environ)
        origin = environ.get("HTTP_ORIGIN", "")
        by_default = allowed is not None and self.cors_allowed_origins is None
        if by_default and is_own(origin, environ["aiohttp.request"].headers):
            return [*(allowed or ()), origin]
        return allowed


async def _ignore(socket: EngineSocket, text: str) -> None:
    pass


async def _whole_body(request: web.Request) -> bytes:
    """The body of a post, which may come in pieces and without a length. EngineIOError where it is too large
    or does not arrive.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(POST_LIMIT):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MAX_MESSAGE:
                    raise exceptions.ContentTooLongError
    except (TimeoutError, ConnectionError, web.RequestPayloadError, HttpProcessingError) as error:
        raise BadPacket(f"the body did not arrive: {error}") from error
    return bytes(body)


def _packet(text: str) -> packet.Packet:
    if text[:1] not in PACKET_TYPES:
        raise BadPacket("unknown packet type")
    return packet.Packet(encoded_packet=text)
