"""Fan-out between nodes that live in one process: the default, where there is only one, and the one for
tests of several.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from models.journal import Commit, Heard


class Hub:
    """Connects the `FanoutMemory` of several nodes."""

    def __init__(self) -> None:
        self.nodes: list[FanoutMemory] = []


class FanoutMemory:
    """Hands commits to the other nodes of the hub that joined the room, on the next turn of the loop."""

    def __init__(self, hub: Hub | None = None) -> None:
        self._hub = hub or Hub()
        self._rooms: set[str] = set()
        self._receive: Callable[[Commit | Heard], None] | None = None

    async def open(self, receive: Callable[[Commit | Heard], None], missed: Callable[[str], None]) -> None:
        """See the port. A joined room is heard at once, so nothing is ever `missed`."""
        self._receive = receive
        self._hub.nodes.append(self)

    async def close(self) -> None:
        """See the port."""
        self._receive = None
        if self in self._hub.nodes:
            self._hub.nodes.remove(self)

    def publish(self, commit: Commit) -> None:
        """See the port."""
        for node in self._hub.nodes:
            if node is not self:
                node.hear(commit)

    def hear(self, commit: Commit) -> None:
        """Another node of the hub published a commit."""
        if commit.room in self._rooms:
            asyncio.get_running_loop().call_soon(self._hand_over, commit)

    def join(self, room: str) -> None:
        """See the port."""
        self._rooms.add(room)

    def leave(self, room: str) -> None:
        """See the port."""
        self._rooms.discard(room)

    @property
    def healthy(self) -> bool:
        """Always: nothing gets lost on the way."""
        return True

    def _hand_over(self, commit: Commit) -> None:
        if commit.room in self._rooms and self._receive is not None:
            self._receive(commit)
