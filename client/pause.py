"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 1.0
"""Seconds: the pause after a first failure is up to this long."""

LONGEST = 4.0
"""Seconds: no pause is longer, so that everybody is back within 5 s when a fault ends (guarantee 4)."""


def pause_after(failures: int, random: Callable[[], float]) -> float:
    """A random pause in seconds, longer from failure to failure.

    `random` gives numbers from 0 to 1; a whole school that fails in the same moment must not come back in the
    same moment.
    """
    return random() * min(LONGEST, FIRST * 2.0 ** min(failures, 10))


def pause_spread(random: Callable[[], float]) -> float:
    """A random pause when the server has asked everybody to come back."""
    return random() * LONGEST
