"""What may wait for a client, and the patrol: one task that looks at every connection once a second, in
place of a timer for each.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.engine import EngineServer, EngineSocket

SOFT = 256 * 1024
"""Bytes that wait for a client, from which on updates are left out: it gets one `resync` later instead."""
HARD = 1024 * 1024
"""Bytes that wait for a client, from which on it is cut instead of being sent anything more."""
DRAINED = 64 * 1024
"""Bytes that may still wait for a client that has caught up."""

PING = b"2"
ROUND = 1.0
"""Seconds in which every connection is looked at."""
PORTIONS = 10
"""A round is walked in so many portions, so that none of them holds the loop for long."""
STALLED = 15.0
"""Seconds in which a client that something waits for must take some of it."""

log = logging.getLogger("rollcall.sockets")


class Patrol:
    """Pings who was silent, ends who does not answer, cuts who takes nothing of what was sent, and tells who
    has caught up.

    That a client answers pings says nothing of whether it reads: what counts is that bytes are taken.
    """

    def __init__(self, server: EngineServer) -> None:
        self._server = server
        self._stalled: dict[EngineSocket, tuple[int, float]] = {}
        self._task = asyncio.create_task(self._walk(), name="patrol")

    async def close(self) -> None:
        """Stop walking."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _walk(self) -> None:
        while True:
            sockets = list(self._server.sockets.values())
            size = -(-len(sockets) // PORTIONS) or 1
            for portion in range(PORTIONS):
                now = asyncio.get_running_loop().time()
                for socket in itertools.islice(sockets, portion * size, (portion + 1) * size):
                    self._look_safely(socket, now)
                await asyncio.sleep(ROUND / PORTIONS)
            self._stalled = {socket: seen for socket, seen in self._stalled.items() if not socket.closed}

    def _look_safely(self, socket: EngineSocket, now: float) -> None:
        """What goes wrong with one connection is of no consequence for the others."""
        try:
            if not socket.closed:
                self._look(socket, now)
        except Exception:
            log.exception("connection %s", socket.sid)

    def _look(self, socket: EngineSocket, now: float) -> None:
        waiting = socket.waiting
        if waiting <= DRAINED:
            socket.caught_up()
        if waiting:
            taken, since = self._stalled.get(socket, (-1, now))
            if socket.taken != taken:
                self._stalled[socket] = (socket.taken, now)
            elif now - since >= STALLED:
                self._server.cut(socket)
                return
        elif self._stalled:
            self._stalled.pop(socket, None)
        if now >= socket.due:
            self._ping(socket, now)

    def _ping(self, socket: EngineSocket, now: float) -> None:
        if socket.pinged:
            self._server.own(socket.close(reason=self._server.reason.PING_TIMEOUT))
        else:
            socket.pinged = True
            socket.due = now + self._server.ping_timeout
            socket.say(PING)
