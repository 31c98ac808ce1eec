"""Clients that take nothing of what they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import orjson

from tests.torture.link import CONNECT_LIMIT
from tests.torture.socket import LosableSocket, connect

WINDOW = 4_096
"""Bytes of the kernel's receive buffer: the smaller, the sooner something waits on the server."""

PONG = "3"
PONGS = 1.0
END_LIMIT = 5.0

End = Literal["not let in", "told and cut", "cut", "left alone"]


class Idler:
    """Subscribes, and then never reads. `pongs`: it says all the time that it is there."""

    def __init__(self, url: str, token: str, topics: Sequence[str], *, pongs: bool) -> None:
        self._url = url
        self._token = token
        self._topics = topics
        self._pongs = pongs
        self._gone = asyncio.Event()
        self._told = False

    async def stay(self, seconds: float, over: asyncio.Event) -> End:
        """Be there for so long, or until all is over; what has become of it."""
        try:
            socket = await connect(self, self._url, self._token, limit=CONNECT_LIMIT, window=WINDOW)
        except (OSError, TimeoutError):
            return "not let in"
        try:
            topics = [{"topic": topic} for topic in self._topics]
            socket.send(f'421["subscribe",{orjson.dumps({"topics": topics}).decode()}]')
            socket.stop_reading()
            await self._wait(socket, seconds, over)
            socket.read_on()
            try:
                async with asyncio.timeout(END_LIMIT):
                    await self._gone.wait()
            except TimeoutError:
                return "left alone"
            return "told and cut" if self._told else "cut"
        finally:
            socket.drop()

    async def _wait(self, socket: LosableSocket, seconds: float, over: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while clock() < end and not self._gone.is_set() and not over.is_set():
            await asyncio.sleep(PONGS)
            if self._pongs:
                socket.send(PONG)

    def on_ack(self, text: bytes) -> None:
        pass

    def on_event(self, text: bytes) -> None:
        self._told = self._told or text.startswith(b'["closing"')

    def on_lost(self) -> None:
        self._gone.set()
