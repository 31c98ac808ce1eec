"""Waiting for a condition: the only place in the tests that polls."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")

_PAUSE = 0.01  # seconds between two looks


@overload
async def until(condition: Callable[[], Awaitable[T]], limit: float = 5.0) -> T: ...
@overload
async def until(condition: Callable[[], T], limit: float = 5.0) -> T: ...
async def until(condition: Callable[[], T | Awaitable[T]], limit: float = 5.0) -> T:
    """Calls ``condition``, a plain or an async function, until its answer is true, and returns that answer.

    Raises AssertionError after ``limit`` seconds, naming the condition and its last answer. An exception of
    the condition itself is passed on at once.
    """
    answer: object = "none yet"
    try:
        async with asyncio.timeout(limit) as clock:
            while True:
                answer = condition()
                if inspect.isawaitable(answer):
                    answer = await answer
                if answer:
                    return cast("T", answer)
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        if not clock.expired():
            raise
        message = f"{_place(condition)} was not true within {limit:g} s; its last answer: {answer!r}"
        raise AssertionError(message) from None


def _place(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    name = getattr(condition, "__qualname__", repr(condition))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
