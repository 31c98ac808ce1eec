"""One look for everybody who asks at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SharedLook(Generic[K, T]):
    """Runs `look(key)` once for all who ask while the look before it is running.

    Every caller's look begins after the call, so it sees all that was there at the call. For each key at most
    one runs and one waits. A caller that gives up harms nobody; an error goes to all who share the look.
    """

    def __init__(self, look: Callable[[K], Awaitable[T]]) -> None:
        self._look = look
        self._running: dict[K, asyncio.Task[T]] = {}
        self._waiting: dict[K, asyncio.Task[T]] = {}

    async def __call__(self, key: K) -> T:
        """What the look finds."""
        task = self._waiting.get(key)
        if task is None:
            task = asyncio.create_task(self._run(key, self._running.get(key)), name=f"look {key}")
            self._waiting[key] = task
            task.add_done_callback(_seen)
        return await asyncio.shield(task)

    async def _run(self, key: K, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        task = self._running[key] = self._waiting.pop(key)
        try:
            return await self._look(key)
        finally:
            if self._running[key] is task:
                del self._running[key]


def _seen(task: asyncio.Task[T]) -> None:
    """Take note of an error for which nobody waits any more."""
    if not task.cancelled():
        task.exception()
