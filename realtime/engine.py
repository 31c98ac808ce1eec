"""The transport: python-engineio's server with the traits that Rollcall needs.

Differences from the library as it comes: no per-message compression; a packet that makes no sense ends the
connection; a send queue has a bound, and a client that lets it fill is cut; a poll answers with at most as
many packets as every client can decode.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import engineio
from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError
from engineio import async_socket, exceptions, packet, payload

MAX_MESSAGE = 256 * 1024
"""Bytes of one message from a client; a larger one ends the connection."""

QUEUED_PACKETS = 8_192
"""Packets waiting for one client; more than that and it is cut."""

QUEUED_CHARACTERS = 16 * 1024 * 1024
"""Characters of the packets that wait for one client; once there are more, the next packet cuts it. Answers
to `subscribe` may have a megabyte each, so the number of packets alone bounds nothing.
"""

PACKETS_PER_POLL = 16
"""What python-engineio's client decodes from one poll at most."""

CHARACTERS_PER_POLL = 256 * 1024
"""An answer to a poll that has as much takes no further packet."""

PACKETS_PER_POST = 256
POST_LIMIT = 30.0
"""Seconds that the body of a post may take to arrive."""

CLOSE_LIMIT = 5.0
PACKET_TYPES = tuple("0123456")
EVENT = "42"
"""An Engine.IO message with a Socket.IO event: nearly everything that comes. Its handler raises nothing."""

payload.Payload.max_decode_packets = PACKETS_PER_POST


class BadPacket(exceptions.EngineIOError):
    """The client sent what is no packet."""


class WebSocket:
    """aiohttp's WebSocket in the form that engine.io drives, without compression."""

    def __init__(self, handler: Callable[[WebSocket], Awaitable[None]], server: Any) -> None:
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, compress=False)

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        self._transport = request.transport
        await self._socket.prepare(request)
        await self._handler(self)
        return self._socket

    async def send(self, message: str | bytes) -> None:
        """Send one message. ConnectionError when the connection is gone."""
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_str(message)

    async def wait(self) -> str | None:
        """The next text message, or None when the connection has ended. BadPacket for a binary one."""
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT:
            return str(message.data)
        if message.type is WSMsgType.BINARY:
            raise BadPacket("binary message")
        return None

    async def close(self) -> None:
        """Say goodbye; the connection is gone after a short wait, whatever the client does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._socket.close()

    def abort(self) -> None:
        """End the connection now; what waits to be sent is dropped."""
        if self._transport is not None:
            self._transport.abort()


class EngineSocket(async_socket.AsyncSocket):
    """One client's connection."""

    _ws: WebSocket | None = None
    _waiting = 0
    """Characters of the packets in the queue."""

    async def send(self, pkt: packet.Packet) -> None:
        """Queue a packet; cuts a client whose queue is full."""
        self.offer(pkt)

    def offer(self, pkt: packet.Packet) -> bool:
        """Queue a packet now. False if the connection is closed, or is cut because the client does not
        read.
        """
        if self.closed:
            return False
        if self.queue.qsize() >= QUEUED_PACKETS or self._waiting > QUEUED_CHARACTERS:
            self.server.cut(self)
            return False
        self.queue.put_nowait(pkt)
        self._waiting += _length(pkt)
        return True

    def drop_waiting(self) -> None:
        """Forget what waits to be sent."""
        while not self.queue.empty():
            self.queue.get_nowait()
            self.queue.task_done()
        self._waiting = 0

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Close once everything queued so far is sent. Never waits for a client to read, whatever `wait`
        says."""
        if not self.closed and not self.closing:
            await super().close(wait=False, abort=abort, reason=reason)
            self.queue.put_nowait(None)
            if self._ws is not None:
                # Reader and writer may both be waiting for a client that does neither.
                asyncio.get_running_loop().call_later(CLOSE_LIMIT, self._ws.abort)

    async def poll(self) -> list[packet.Packet]:
        """The packets for one answer to a poll; empty when the connection is closing."""
        try:
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                return await self._take()
        except TimeoutError:
            raise exceptions.QueueEmpty from None

    async def _take(self) -> list[packet.Packet]:
        """What waits to be sent, once there is something, within the bounds of a poll; empty at the end."""
        packets = [await self.queue.get()]
        taken = _length(packets[0])
        while len(packets) < PACKETS_PER_POLL and taken < CHARACTERS_PER_POLL and not self.queue.empty():
            packets.append(self.queue.get_nowait())
            taken += _length(packets[-1])
        self._waiting -= taken
        for _ in packets:
            self.queue.task_done()
        if None in packets:
            if packets[0] is not None:
                self.queue.put_nowait(None)
            packets = packets[: packets.index(None)]
        return packets

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take the packets of a polling client. EngineIOError for anything that makes no sense."""
        body = await _whole_body(environ["aiohttp.request"])
        try:
            for pkt in payload.Payload(encoded_payload=body.decode()).packets:
                await self.receive(pkt)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadPacket(str(error)) from error

    async def _websocket_handler(self, ws: WebSocket) -> None:
        if self.connected:
            if not await self._upgrade(ws):
                return
        else:
            self.connected = self.upgraded = True
        self._ws = ws
        writer = asyncio.create_task(self._write(ws), name=f"writer {self.sid}")
        try:
            await self._read(ws)
        finally:
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            try:
                async with asyncio.timeout(CLOSE_LIMIT):
                    await writer
            except TimeoutError:
                writer.cancel()

    async def _upgrade(self, ws: WebSocket) -> bool:
        """From polling to WebSocket, as the Engine.IO protocol describes it: probe, end the poll, switch.
        One at a time: two would share the packets.
        """
        if self.upgrading or self.upgraded:
            return False
        self.upgrading = True
        try:
            async with asyncio.timeout(self.server.ping_timeout):
                if await ws.wait() != "2probe":
                    return False
                await ws.send("3probe")
                self.queue.put_nowait(packet.Packet(packet.NOOP))
                if await ws.wait() != "5":
                    return False
        except (TimeoutError, BadPacket, ConnectionError):
            return False
        finally:
            self.upgrading = False
        self.upgraded = True
        return True

    async def _read(self, ws: WebSocket) -> None:
        """Take messages until the connection ends or something makes no sense."""
        with contextlib.suppress(BadPacket, exceptions.EngineIOError, ConnectionError):
            while not self.closed and (text := await ws.wait()) is not None:
                if text.startswith(EVENT):
                    await self.server.handlers["message"](self.sid, text[1:])
                else:
                    await self.receive(_decode(text))

    async def _write(self, ws: WebSocket) -> None:
        with contextlib.suppress(ConnectionError):
            while packets := await self._take():
                for pkt in packets:
                    await ws.send(pkt.encode())
        await ws.close()


class EngineServer(engineio.AsyncServer):
    """An engine.io server whose connections are `EngineSocket`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(async_mode="aiohttp", max_http_buffer_size=MAX_MESSAGE, **options)
        self._async = {**(self._async or {}), "websocket": WebSocket}
        self.farewell: packet.Packet | None = None
        """What a client that is cut is told, where that still fits."""
        self._cutting: set[asyncio.Task[None]] = set()

    def cut(self, socket: EngineSocket) -> None:
        """End a connection whose client does not read. What waits is dropped; it finds that in the tail."""
        if not socket.closing:
            socket.drop_waiting()
            if self.farewell is not None:
                socket.queue.put_nowait(self.farewell)
            task = asyncio.create_task(socket.close(wait=False, abort=True))
            self._cutting.add(task)
            task.add_done_callback(self._cutting.discard)

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self._service_task)
        socket = EngineSocket(self, self.generate_id())
        self.sockets[socket.sid] = socket
        opening = {
            "sid": socket.sid,
            "upgrades": self._upgrades(socket.sid, transport),
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000),
            "maxPayload": MAX_MESSAGE,
        }
        socket.offer(packet.Packet(packet.OPEN, opening))
        await self._trigger_event("connect", socket.sid, environ, run_async=False)
        socket.schedule_ping()
        if transport == "websocket":
            try:
                return await socket.handle_get_request(environ)
            finally:
                self.sockets.pop(socket.sid, None)
        socket.connected = True
        return self._ok(await socket.poll(), jsonp_index=jsonp_index)


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


def _length(pkt: packet.Packet | None) -> int:
    """Characters that a packet holds; None stands for the end of the queue."""
    return len(pkt.data) if pkt is not None and isinstance(pkt.data, str) else 0


def _decode(text: str) -> packet.Packet:
    if text[:1] not in PACKET_TYPES:
        raise BadPacket("unknown packet type")
    return packet.Packet(encoded_packet=text)
