"""Functions of the application that are told of something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Listeners(Generic[T]):
    """Each is called after what happened is complete, in the order of happening.

    An error in one of them is the application's: the event loop reports it, and it stops nothing here.
    """

    def __init__(self) -> None:
        self._functions: dict[Callable[[T], object], None] = {}

    def add(self, listener: Callable[[T], object]) -> Callable[[], None]:
        """Call a function from now on. The function returned ends that."""
        self._functions[listener] = None
        return lambda: self._functions.pop(listener, None)

    def tell(self, value: T) -> None:
        """It has happened."""
        loop = asyncio.get_running_loop()
        for listener in self._functions:
            loop.call_soon(listener, value)
