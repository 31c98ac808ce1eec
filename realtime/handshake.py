"""How the connection of an HTTP request becomes a WebSocket, and none of aiohttp's any more."""

from __future__ import annotations

import base64
import binascii
import hashlib

from aiohttp import hdrs, web

from realtime.websocket import WebSocket

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What is hashed with the client's key (RFC 6455, section 1.3)."""


def switch(request: web.Request, websocket: WebSocket) -> web.StreamResponse:
    """Make the connection of a request a WebSocket, as its client asks for (RFC 6455, section 4.2), and take
    it away from aiohttp. The response is what its handler returns. HTTPBadRequest.
    """
    answer = _handshake(request)
    transport, http = request.transport, request.protocol
    if transport is None:
        raise ConnectionResetError("the client is gone")
    early = _Early()
    http.set_parser(early)  # type: ignore[arg-type]
    transport.set_protocol(websocket)
    websocket.connection_made(transport)
    transport.write(answer)
    # All that there was for HTTP on this connection ends, and the connection goes on.
    http.transport = None
    http.connection_lost(None)
    if early.data:
        websocket.data_received(bytes(early.data))
    return _Switched()


class _Early:
    """Keeps what the client has sent behind its request, where aiohttp expects a parser of messages."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        pass


class _Switched(web.StreamResponse):
    """Ends a request whose answer is written, and whose connection is none of HTTP any more."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        pass

    async def write_eof(self, data: bytes = b"") -> None:
        pass


def _handshake(request: web.Request) -> bytes:
    key = request.headers.get(hdrs.SEC_WEBSOCKET_KEY, "")
    try:
        is_good = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_good = False
    if not is_good or request.headers.get(hdrs.SEC_WEBSOCKET_VERSION) != "13":
        raise web.HTTPBadRequest(text="This is no WebSocket handshake of version 13.")
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
