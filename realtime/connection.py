"""What the server knows of one connected client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from models.action import Ack
from models.actor import Actor
from realtime.engine import EngineSocket


@dataclass(eq=False, slots=True)
class Connection:
    """A signed-in client, by `token`, which came in a cookie where `by_cookie`. `in_flight`: its actions
    without an answer, all of one room (`flight_room`). `skipped`: topics of which updates were left out,
    because it lags."""

    sid: str
    socket: EngineSocket
    token: str
    actor: Actor
    expires_at: int
    in_flight: set[asyncio.Future[Ack]] = field(default_factory=set)
    flight_room: str = ""
    skipped: set[str] = field(default_factory=set)
    expiry: asyncio.TimerHandle | None = None
    closing: bool = False
    by_cookie: bool = False

    @property
    def leaving(self) -> bool:
        """Whether it is told to go, or its client has gone: nothing is to be begun for it."""
        return self.closing or self.socket.gone

    async def at_most_in_flight(self, count: int) -> None:
        """Wait until no more than `count` actions are without an answer."""
        while len(self.in_flight) > count:
            await asyncio.wait(self.in_flight, return_when=asyncio.FIRST_COMPLETED)
