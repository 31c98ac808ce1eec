"""One client's WebSocket: a protocol of its own on the transport. An idle client costs a few objects, and no
task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from engineio import exceptions

from realtime.frames import (
    BAD_TEXT,
    CLOSE,
    NORMAL,
    PING,
    PONG,
    TEXT,
    BadFrame,
    Messages,
    closing,
    frame,
)

CLOSE_LIMIT = 5.0
"""Seconds that a client has to read the last of what was sent to it."""

MOST_UNREAD = 128 * 1024
"""Bytes of messages that wait to be handled, from which on nothing more is read from the client."""

OVERHEAD = 128
"""What a message counts beside its bytes."""


class BadPacket(exceptions.EngineIOError):
    """The client sent what is no packet."""


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


class WebSocket(asyncio.Protocol):
    """One connection. What is written goes to the transport in the order of the calls, and never waits;
    `waiting` tells how much of it the client has not taken. `wake` is called when there is something to
    `take`, and when nothing more will come (`ended`).
    """

    __slots__ = (
        "_alarm", "_corked", "_corked_size", "_is_closing", "_lost", "_messages", "_outgoing", "_paused",
        "_transport", "_unread", "_unread_size", "ended", "wake", "written",
    )  # fmt: skip

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._transport: asyncio.Transport | None = None
        self._messages = Messages()
        self._unread: deque[str | None] | None = None
        self._unread_size = 0
        self._paused = False
        self._corked: list[bytes] | None = None
        self._corked_size = 0
        self._is_closing = False
        self._alarm: asyncio.TimerHandle | None = None
        self._lost: asyncio.Future[None] | None = None
        self.ended = False
        self.wake: Callable[[], None] | None = None
        self.written = 0
        """Bytes since the beginning."""

    # -- out

    @property
    def waiting(self) -> int:
        """Bytes that the operating system has not taken yet."""
        transport = self._transport
        return self._corked_size + (0 if transport is None else transport.get_write_buffer_size())

    def say(self, one: bytes) -> None:
        """Send a finished frame at the end of this turn of the loop."""
        if self._corked is None:
            self._corked = [one]
            self._outgoing.add(self)
        else:
            self._corked.append(one)
        self._corked_size += len(one)

    def flush(self) -> None:
        """Send what was said in this turn."""
        corked, self._corked, self._corked_size = self._corked, None, 0
        if corked is not None:
            self._write(corked[0] if len(corked) == 1 else b"".join(corked))

    def write(self, frames: bytes) -> None:
        """Send finished frames now, behind what was said."""
        if self._corked is not None:
            self.flush()
        self._write(frames)

    def push(self, frames: bytes, most: int) -> bool:
        """Like `write`, unless more bytes than `most` are waiting; False then. Every member of a topic comes
        through here for every update.
        """
        transport = self._transport
        if transport is None or self._is_closing:
            return True
        if self._corked is not None:
            self.flush()
        if transport.get_write_buffer_size() > most:
            return False
        self.written += len(frames)
        transport.write(frames)
        return True

    def _write(self, frames: bytes) -> None:
        transport = self._transport
        if transport is not None and not self._is_closing and not transport.is_closing():
            self.written += len(frames)
            transport.write(frames)

    # -- in

    def take(self) -> str | None:
        """The next message, or None where none has come. BadPacket for a binary one."""
        if not self._unread:
            return None
        text = self._unread.popleft()
        if text is None:
            raise BadPacket("binary message")
        self._unread_size -= len(text) + OVERHEAD
        if not self._unread:
            self._unread = None
            self._unread_size = 0
            self._read_on()
        return text

    async def wait(self) -> str | None:
        """The next message, or None when nothing more will come. BadPacket."""
        while (text := self.take()) is None and not self.ended:
            come = asyncio.get_running_loop().create_future()
            self.wake = lambda come=come: None if come.done() else come.set_result(None)
            try:
                await come
            finally:
                self.wake = None
        return text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            for opcode, payload in self._messages.feed(data):
                self._receive(opcode, payload)
        except BadFrame as bad:
            self._end(bad.code)
        except UnicodeDecodeError:
            self._end(BAD_TEXT)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._is_closing = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        self._news(ended=True)

    def _receive(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._end(NORMAL)
        elif self._is_closing:
            pass
        elif opcode == PING:
            # Who takes nothing gets no answer either: answers would pile up (section 5.5.3).
            if self.waiting <= MOST_UNREAD:
                self.write(frame(payload, PONG))
        elif opcode != PONG:
            text = str(payload, "utf-8") if opcode == TEXT else None
            if self._unread is None:
                self._unread = deque()
            self._unread.append(text)
            self._unread_size += len(payload) + OVERHEAD
            if self._unread_size > MOST_UNREAD and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
            self._news()

    def _news(self, *, ended: bool = False) -> None:
        self.ended = self.ended or ended
        if self.wake is not None:
            self.wake()

    def _read_on(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # -- the end

    def _end(self, code: int) -> None:
        """The client has said goodbye, or something that makes no sense: answer, and go."""
        self._say_goodbye(code)
        if self._transport is not None:
            self._transport.close()
        self._news(ended=True)

    def _say_goodbye(self, code: int) -> None:
        """The last that is written; the connection is gone after a while, whatever the client does."""
        if self._is_closing:
            return
        self.flush()
        self._write(closing(code))
        self._is_closing = True
        self._alarm = asyncio.get_running_loop().call_later(CLOSE_LIMIT, self.abort)
        # What the client answers is to be heard.
        self._read_on()

    async def close(self) -> None:
        """Say goodbye; returns when the connection is gone, which is once the client has taken all and
        answered, or after a short wait.
        """
        self._say_goodbye(NORMAL)
        if self._transport is not None:
            if self._lost is None:
                self._lost = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._lost)

    def abort(self) -> None:
        """End the connection now; what waits to be sent is dropped."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.abort()
