"""Password hashes by bcrypt, in threads of their own: neither the loop nor the storage waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from models.errors import Unavailable

T = TypeVar("T")

ROUNDS = 12
THREADS = 2
"""One of them hashes; the other is left to those who sign in, however many accounts are made at once."""

WAITING = 100
"""Passwords that may wait for their hash; it takes them about half a minute."""

RETRY_AFTER = 5.0

DIGEST = 31
"""Characters at the end of a hash that stand for the password; before them are version, cost and salt."""


class BcryptPasswords:
    """bcrypt with a cost of 2**rounds. Verifying takes as long for an unknown user as for a known one.

    How many verify at once is for the callers to bound.
    """

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._rounds = rounds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")
        # The hash of no password. Comparing with it costs what any comparison does, and making a real one
        # would cost that at every start.
        self._nobody = bcrypt.gensalt(rounds) + b"." * DIGEST
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """A salted hash to keep. Unavailable where too many are waiting for theirs."""
        if self._waiting >= WAITING:
            raise Unavailable(
                "Too many passwords are being set; try again in a moment.", retry_after=RETRY_AFTER
            )
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(
                    lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._rounds)).decode()
                )
        finally:
            self._waiting -= 1

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """False for a wrong password, for an unknown user, and for a password longer than bcrypt takes (72
        bytes).
        """
        wanted = password_hash.encode() if password_hash else self._nobody
        fits = await self._run(lambda: bcrypt.checkpw(password.encode()[:72], wanted))
        return fits and password_hash is not None and len(password.encode()) <= 72

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
