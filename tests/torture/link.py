"""A client that stays connected: through whichever door lets it in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import orjson

from tests.torture.socket import LosableSocket, connect

CONNECT_LIMIT = 3.0
PATIENCE = (2.0, 8.0)
"""Seconds that a client waits for an answer, drawn for each connection; then it tries another door. The
server gives its storage 5 s.
"""

LOOK = 0.25
PAUSE = (0.02, 0.3)

Answered = Callable[[Any], None]


class Owner(Protocol):
    """Whose link it is."""

    def opened(self) -> None:
        """There is a connection."""
        ...

    def lost(self) -> None:
        """There is none any more. Nothing that was asked on it is answered."""
        ...

    def event(self, name: str, data: Any) -> None:
        """The server has sent something by itself."""
        ...


class Link:
    """Connects, connects again, and asks. `connections` counts those that stood."""

    def __init__(
        self, owner: Owner, doors: Sequence[str], token: Callable[[], str], chance: random.Random
    ) -> None:
        self._owner = owner
        self._doors = doors
        self._token = token
        self._chance = chance
        self._socket: LosableSocket | None = None
        self._lost = asyncio.Event()
        self._asked: dict[int, tuple[Answered, float]] = {}
        self._next_id = 0
        self.connections = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._socket is not None

    @property
    def state(self) -> str:
        """In words, for a message."""
        waiting = asyncio.get_running_loop().time() - self._oldest
        return (
            f"{'open' if self.is_open else 'closed'}, {self.connections} connections, waiting {waiting:.1f} s"
        )

    async def run(self) -> None:
        """Stay connected until cancelled."""
        clock = asyncio.get_running_loop().time
        try:
            while True:
                self._lost.clear()
                try:
                    self._socket = await connect(
                        self, self._chance.choice(self._doors), self._token(), limit=CONNECT_LIMIT
                    )
                except (OSError, TimeoutError):
                    await asyncio.sleep(self._chance.uniform(*PAUSE))
                    continue
                self.connections += 1
                self._owner.opened()
                patience = self._chance.uniform(*PATIENCE)
                while not self._lost.is_set():
                    try:
                        async with asyncio.timeout(LOOK):
                            await self._lost.wait()
                    except TimeoutError:
                        if self._oldest < clock() - patience:
                            self._socket.drop()
                self._end()
                await asyncio.sleep(self._chance.uniform(*PAUSE))
        finally:
            if self._socket is not None:
                self._socket.drop()

    def ask(self, event: str, data: Any, answered: Answered) -> None:
        """Send an event; `answered` is called with its answer, or never."""
        if self._socket is None:
            return
        self._next_id += 1
        self._asked[self._next_id] = answered, asyncio.get_running_loop().time()
        self._socket.send(f'42{self._next_id}["{event}",{orjson.dumps(data).decode()}]')

    def on_ack(self, text: bytes) -> None:
        id, _, rest = text.partition(b"[")
        asked = self._asked.pop(int(id), None)
        if asked is not None:
            asked[0](orjson.loads(b"[" + rest)[0])

    def on_event(self, text: bytes) -> None:
        if self._socket is not None:
            name, data = orjson.loads(text)
            self._owner.event(name, data)

    def on_lost(self) -> None:
        self._lost.set()

    @property
    def _oldest(self) -> float:
        return next((at for _, at in self._asked.values()), float("inf"))

    def _end(self) -> None:
        self._socket = None
        self._asked.clear()
        self._owner.lost()
