"""The proxy passes everything on, except where it is told not to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import TypeVar

import pytest

from tests.parts.process import HOST
from tests.parts.proxy import AHEAD, Proxy
from tests.waiting import until

T = TypeVar("T")

LIMIT = 5.0
LAST = b"!"
"""With this the server ends the connection."""

MUCH = b"0123456789abcdef" * 2**16
"""One MiB: more than waits anywhere on the way."""

Connect = Callable[[], Awaitable["Streams"]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def soon(what: Awaitable[T]) -> T:
    async with asyncio.timeout(LIMIT):
        return await what


class Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self.url = ""
        self.open = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}/path"

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
                if data.endswith(LAST):
                    writer.close()
                    return
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    server = Echo()
    await server.start()
    try:
        yield server
    finally:
        await until(lambda: server.open == 0)
        server.stop()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy(echo.url) as proxy:
        yield proxy


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    """Connects through the proxy."""
    opened: list[Streams] = []

    async def open_connection() -> Streams:
        port = int(proxy.url.rpartition(":")[2].partition("/")[0])
        opened.append(await asyncio.open_connection(HOST, port))
        return opened[-1]

    yield open_connection
    for _, writer in opened:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def echoed(streams: Streams, data: bytes) -> bytes:
    reader, writer = streams
    writer.write(data)
    return await soon(reader.readexactly(len(data)))


async def is_over(streams: Streams) -> bool:
    try:
        return await soon(streams[0].read(1)) == b""
    except ConnectionError:
        return True


async def test_everything_is_passed_on_in_both_directions(proxy: Proxy, connect: Connect) -> None:
    streams = await connect()
    assert await echoed(streams, MUCH) == MUCH
    assert proxy.url.startswith(f"http://{HOST}:")
    assert proxy.url.endswith("/path")


async def test_what_each_connection_asked_for_is_remembered(proxy: Proxy, connect: Connect) -> None:
    for path in ("one", "two"):
        streams = await connect()
        await echoed(streams, f"GET /{path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    assert proxy.requests == ["GET /one HTTP/1.1", "GET /two HTTP/1.1"]


async def test_a_cut_ends_what_is_open_and_lets_others_in(proxy: Proxy, echo: Echo, connect: Connect) -> None:
    streams = await connect()
    await echoed(streams, b"one")
    proxy.cut()
    assert await is_over(streams)
    await until(lambda: echo.open == 0)
    again = await connect()
    assert await echoed(again, b"two") == b"two"


async def test_nobody_gets_in_while_it_refuses(proxy: Proxy, connect: Connect) -> None:
    streams = await connect()
    await echoed(streams, b"one")
    proxy.refuse()
    assert await is_over(streams)
    assert await is_over(await connect())
    proxy.accept()
    again = await connect()
    assert await echoed(again, b"two") == b"two"


async def test_what_was_stalled_comes_when_it_flows_again(proxy: Proxy, connect: Connect) -> None:
    streams = await connect()
    await echoed(streams, b"one")
    proxy.stall()
    streams[1].write(b"two")
    other = await connect()
    other[1].write(b"three")
    await until(lambda: proxy.waiting == len(b"twothree"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await streams[0].read(1)
    proxy.flow()
    assert await soon(streams[0].readexactly(3)) == b"two"
    assert await soon(other[0].readexactly(5)) == b"three"


async def test_a_stalled_connection_holds_no_more_than_a_bound(proxy: Proxy, connect: Connect) -> None:
    streams = await connect()
    await echoed(streams, b"one")
    proxy.stall()
    streams[1].write(MUCH * 16)
    await until(lambda: proxy.waiting >= AHEAD)
    held = proxy.waiting
    with pytest.raises(AssertionError, match="not true"):
        await until(lambda: proxy.waiting > held, 0.2)
    proxy.cut()


async def test_a_slow_connection_passes_as_much_as_it_may(proxy: Proxy, connect: Connect) -> None:
    streams = await connect()
    proxy.slow(100_000)
    began = monotonic()
    assert await echoed(streams, MUCH[:20_000]) == MUCH[:20_000]
    assert monotonic() - began >= 0.15
    proxy.flow()
    assert await echoed(streams, MUCH) == MUCH


async def test_the_end_of_a_server_is_passed_on_after_what_it_said(
    proxy: Proxy, echo: Echo, connect: Connect
) -> None:
    reader, writer = await connect()
    proxy.slow(100_000)
    writer.write(MUCH[:5_000] + LAST)
    assert await soon(reader.read(-1)) == MUCH[:5_000] + LAST


async def test_who_cannot_reach_the_server_is_cut(proxy: Proxy, echo: Echo, connect: Connect) -> None:
    echo.stop()
    assert await is_over(await connect())
