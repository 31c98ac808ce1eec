"""Rate limits kept in this process, with rates as the `limits` library reads them.

Its own store in memory starts a thread for a look at every counter, up to a hundred times a second.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from limits import RateLimitItem, parse

from models.errors import RateLimited

FEWEST_KEPT = 1_024
"""Windows that are kept without a look at which of them have ended."""


@dataclass(slots=True)
class Window:
    """How much was spent so far, and when it ends, in seconds of the limiter's clock."""

    end: float
    spent: int = 0


class LimiterMemory:
    """Fixed windows per budget and spender, each from its first use on. `budgets`: name → a rate such as
    `1000/10 seconds`, or None for no limit. `now`: seconds of a clock that nobody sets.
    """

    def __init__(
        self, budgets: Mapping[str, str | None], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._budgets: dict[str, RateLimitItem | None] = {
            name: parse(rate) if rate else None for name, rate in budgets.items()
        }
        self._windows: dict[tuple[str, str], Window] = {}
        self._kept = FEWEST_KEPT

    def spend(self, budget: str, who: str) -> None:
        """Take one from the budget. RateLimited with `retry_after` if nothing is left."""
        rate = self._budgets[budget]
        if rate is None:
            return
        now = self._now()
        window = self._windows.get((budget, who))
        if window is None or window.end <= now:
            window = self._begin((budget, who), now, rate)
        if window.spent >= rate.amount:
            raise _limited(window, now)
        window.spent += 1

    def check(self, budget: str, who: str) -> None:
        """Return if something is left of the budget. RateLimited with `retry_after` otherwise."""
        rate = self._budgets[budget]
        window = self._windows.get((budget, who))
        if rate is None or window is None:
            return
        now = self._now()
        if window.end > now and window.spent >= rate.amount:
            raise _limited(window, now)

    def _begin(self, key: tuple[str, str], now: float, rate: RateLimitItem) -> Window:
        if len(self._windows) >= self._kept:
            self._windows = {known: window for known, window in self._windows.items() if window.end > now}
            self._kept = max(FEWEST_KEPT, 2 * len(self._windows))
        window = self._windows[key] = Window(now + rate.get_expiry())
        return window


def _limited(window: Window, now: float) -> RateLimited:
    wait = max(1, math.ceil(window.end - now))
    return RateLimited(f"Too many requests; wait {wait} s and try again.", retry_after=wait)
