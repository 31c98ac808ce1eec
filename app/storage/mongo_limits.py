"""How long a call on MongoDB may last, and what becomes of the driver's errors."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pymongo.errors import PyMongoError

from models.ports import StorageLost

P = ParamSpec("P")
R = TypeVar("R")


class Limited(Protocol):
    """What has a limit on waiting."""

    @property
    def timeout(self) -> float:
        """Seconds that one call may last."""
        ...


S = TypeVar("S", bound=Limited)


def limited(
    method: Callable[Concatenate[S, P], Awaitable[R]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """A method that ends within `self.timeout` seconds and raises StorageLost for every error of the driver.

    The driver has the same limit for each operation. The one here also bounds the wait for a thread of the
    driver's pool, where all may be waiting for a server that does not answer.
    """

    @functools.wraps(method)
    async def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            async with asyncio.timeout(self.timeout):
                return await method(self, *args, **kwargs)
        except TimeoutError as error:
            raise StorageLost(f"MongoDB did not answer within {self.timeout:g} s") from error
        except PyMongoError as error:
            raise StorageLost(f"MongoDB: {brief(error)}") from error

    return call


def brief(error: BaseException) -> str:
    """What a driver's message says first, without the details and states of servers that may follow."""
    return str(error).partition(", full error:")[0].partition(", Timeout:")[0].partition("\n")[0]
