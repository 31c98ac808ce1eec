"""A client's WebSocket messages, in whatever frames and portions they come (RFC 6455)."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MAX_MESSAGE,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    BadFrame,
    Messages,
    closing,
    frame,
)

FINAL, MASKED = 0x80, 0x80


def from_client(
    opcode: int, payload: bytes, *, final: bool = True, mask: bytes = b"\x01\x9a\xff\x00"
) -> bytes:
    """A frame as a client sends it, masked byte by byte."""
    first = bytes([opcode | (FINAL if final else 0)])
    size = len(payload)
    if size < 126:
        length = bytes([MASKED | size])
    elif size < 65_536:
        length = bytes([MASKED | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([MASKED | 127]) + size.to_bytes(8, "big")
    return first + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


payloads = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([125, 126, 127, 65_535, 65_536]).map(lambda size: bytes(i % 251 for i in range(size))),
)
conversations = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([TEXT, BINARY]), st.lists(payloads, min_size=1, max_size=3)),
        st.tuples(st.sampled_from([PING, PONG]), st.lists(st.binary(max_size=125), min_size=1, max_size=1)),
    ),
    max_size=5,
)


@given(conversation=conversations, seed=st.randoms(use_true_random=False))
def test_messages_are_put_together_whatever_the_frames_and_portions(conversation, seed) -> None:  # type: ignore[no-untyped-def]
    data = b""
    expected = []
    for opcode, parts in conversation:
        for i, part in enumerate(parts):
            final = i == len(parts) - 1
            data += from_client(opcode if i == 0 else CONTINUATION, part, final=final, mask=seed.randbytes(4))
            if not final:
                # Control frames may come between the parts of a message.
                data += from_client(PING, b"between", mask=seed.randbytes(4))
                expected.append((PING, b"between"))
        expected.append((opcode, b"".join(parts)))
    messages = Messages()
    found = []
    while data:
        size = seed.choice([1, 2, 3, 7, 100, 5_000, 100_000])
        found += messages.feed(data[:size])
        data = data[size:]
    assert found == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"not masked"), PROTOCOL_ERROR),
        (bytes([FINAL | 0x40 | TEXT, MASKED]) + b"mask", PROTOCOL_ERROR),
        (from_client(3, b""), PROTOCOL_ERROR),
        (from_client(0xB, b""), PROTOCOL_ERROR),
        (from_client(CONTINUATION, b"of nothing"), PROTOCOL_ERROR),
        (from_client(PING, b"", final=False), PROTOCOL_ERROR),
        (from_client(CLOSE, bytes(126)), PROTOCOL_ERROR),
        (from_client(TEXT, b"a", final=False) + from_client(TEXT, b"b"), PROTOCOL_ERROR),
        (from_client(TEXT, bytes(MAX_MESSAGE + 1)), TOO_BIG),
        (bytes([FINAL | TEXT, MASKED | 127]) + bytes([0xFF] * 8), TOO_BIG),
        (
            from_client(TEXT, bytes(MAX_MESSAGE), final=False) + from_client(CONTINUATION, b"x"),
            TOO_BIG,
        ),
    ],
)
def test_what_a_client_may_not_send_is_refused_with_its_code(data: bytes, code: int) -> None:
    with pytest.raises(BadFrame) as bad:
        Messages().feed(data)
    assert bad.value.code == code


@pytest.mark.parametrize("opcode", [TEXT, PING])
def test_a_frame_is_refused_by_its_header_before_its_payload_has_come(opcode: int) -> None:
    with pytest.raises(BadFrame):
        Messages().feed(bytes([FINAL | opcode, MASKED | 127]) + (MAX_MESSAGE + 1).to_bytes(8, "big"))


def test_the_largest_message_in_tiny_parts_is_taken() -> None:
    payload = os.urandom(MAX_MESSAGE)
    messages = Messages()
    found = []
    for at in range(0, MAX_MESSAGE, 10):
        opcode, final = CONTINUATION if at else TEXT, at + 10 >= MAX_MESSAGE
        found += messages.feed(from_client(opcode, payload[at : at + 10], final=final))
    assert [len(payload) for _, payload in found] == [MAX_MESSAGE]
    assert found == [(TEXT, payload)]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_our_frames_say_how_long_they_are(size: int) -> None:
    made = frame(bytes(size))
    header = len(made) - size
    assert made[0] == FINAL | TEXT
    assert header == (2 if size < 126 else 4 if size < 65_536 else 10)
    length = made[1] if size < 126 else int.from_bytes(made[2:header], "big")
    assert length == size


def test_a_goodbye_says_why() -> None:
    assert closing(TOO_BIG) == bytes([FINAL | CLOSE, 2]) + TOO_BIG.to_bytes(2, "big")
