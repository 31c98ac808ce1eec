"""WebSocket frames (RFC 6455, section 5): ours as bytes, a client's from bytes."""

from __future__ import annotations

MAX_MESSAGE = 256 * 1024
"""Bytes of one message from a client; a larger one ends the connection."""

SHORT, MEDIUM = 126, 65_536
"""Payloads from these lengths on have 2 and 8 bytes for their length."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""Opcodes; those from CLOSE on are control frames."""

NORMAL, PROTOCOL_ERROR, BAD_TEXT, TOO_BIG = 1000, 1002, 1007, 1009
"""Why a connection is closed (section 7.4.1)."""

_FINAL = 0x80
_CONTROL = 0x8
_MASKED = 0x80
_LENGTH = 0x7F


class BadFrame(Exception):
    """What came is no frame that a client may send. `code`: what it is told."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def frame(packet: bytes, opcode: int = TEXT) -> bytes:
    """The frame of a message from a server: whole, not masked."""
    length = len(packet)
    if length < SHORT:
        return bytes((_FINAL | opcode, length)) + packet
    if length < MEDIUM:
        return bytes((_FINAL | opcode, 126)) + length.to_bytes(2, "big") + packet
    return bytes((_FINAL | opcode, 127)) + length.to_bytes(8, "big") + packet


def closing(code: int) -> bytes:
    """The frame that ends a conversation."""
    return frame(code.to_bytes(2, "big"), CLOSE)


class Messages:
    """Puts a client's messages together from what is read, in whatever portions that comes."""

    __slots__ = ("_begun", "_needed", "_opcode", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 0
        """Bytes that `rest` must have before it is worth a look."""
        self._opcode = CONTINUATION
        """Of the message that has begun."""
        self._begun: bytearray | None = None
        """What has come of a message in several frames; None where there is none."""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages and control frames that are complete with this, as `(opcode, payload)`. BadFrame."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data, self._rest = bytes(self._rest), bytearray()
        found: list[tuple[int, bytes]] = []
        at = 0
        while (end := self._end_of_frame(data, at)) <= len(data):
            self._take(data[at], data[at:end], found)
            at = end
        if at < len(data):
            self._rest += data[at:]
            self._needed = end - at
        return found

    def _end_of_frame(self, data: bytes, at: int) -> int:
        """Where the frame that begins here ends, or more than there is, as far as can be told. BadFrame."""
        if len(data) < at + 2:
            return at + 2
        if not data[at + 1] & _MASKED:
            raise BadFrame(PROTOCOL_ERROR)
        length, size_of_length = data[at + 1] & _LENGTH, 0
        if length >= SHORT:
            size_of_length = 2 if length == SHORT else 8
            if len(data) < at + 2 + size_of_length:
                return at + 2 + size_of_length
            length = int.from_bytes(data[at + 2 : at + 2 + size_of_length], "big")
        if data[at] & _CONTROL:
            if length >= SHORT:
                raise BadFrame(PROTOCOL_ERROR)
        elif length + len(self._begun or b"") > MAX_MESSAGE:
            raise BadFrame(TOO_BIG)
        return at + 6 + size_of_length + length

    def _take(self, first: int, whole: bytes, found: list[tuple[int, bytes]]) -> None:
        """Take one frame. BadFrame."""
        opcode, is_final = first & 0x0F, first & _FINAL
        if first & 0x70:
            raise BadFrame(PROTOCOL_ERROR)
        payload = _unmasked(whole)
        if opcode in (CLOSE, PING, PONG):
            if not is_final:
                raise BadFrame(PROTOCOL_ERROR)
            found.append((opcode, payload))
        elif opcode in (TEXT, BINARY):
            if self._begun is not None:
                raise BadFrame(PROTOCOL_ERROR)
            if is_final:
                found.append((opcode, payload))
            else:
                self._opcode, self._begun = opcode, bytearray(payload)
        elif opcode == CONTINUATION and self._begun is not None:
            self._begun += payload
            if is_final:
                found.append((self._opcode, bytes(self._begun)))
                self._begun = None
        else:
            raise BadFrame(PROTOCOL_ERROR)


def _unmasked(whole: bytes) -> bytes:
    """The payload of a masked frame (section 5.3)."""
    length = whole[1] & _LENGTH
    start = 6 if length < SHORT else 8 if length == SHORT else 14
    payload = whole[start:]
    size = len(payload)
    mask = whole[start - 4 : start] * (size // 4 + 1)
    plain = int.from_bytes(payload, "little") ^ int.from_bytes(mask[:size], "little")
    return plain.to_bytes(size, "little")
