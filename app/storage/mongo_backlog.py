"""How far the records may be behind the journals."""

from __future__ import annotations

import asyncio

MOST_ENTRIES = 4_096
"""Entries of this process that may wait to be inserted or projected; the next append waits."""


class Backlog:
    """Counts the entries that are accepted and not projected yet, and holds up who brings more."""

    def __init__(self) -> None:
        self._entries = 0
        self._vacant = asyncio.Event()
        self._vacant.set()

    async def take(self, entries: int) -> None:
        """Return, and count these entries, once fewer than the most are waiting. One commit may go over."""
        while self._entries >= MOST_ENTRIES:
            self._vacant.clear()
            await self._vacant.wait()
        self._entries += entries

    def give(self, entries: int) -> None:
        """Of those that were taken, these wait no longer."""
        self._entries -= entries
        if self._entries < MOST_ENTRIES:
            self._vacant.set()
