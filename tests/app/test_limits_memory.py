"""Rate limits in memory: fixed windows for each budget and spender."""

from __future__ import annotations

import pytest

from app.limits_memory import FEWEST_KEPT, LimiterMemory
from models.errors import RateLimited


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> LimiterMemory:
    return LimiterMemory({"actions": "2/10 seconds", "signin": "1/minute", "free": None}, now=clock)


def test_a_budget_is_spent_and_then_refused(limiter: LimiterMemory) -> None:
    limiter.spend("actions", "u1")
    limiter.spend("actions", "u1")
    with pytest.raises(RateLimited) as refused:
        limiter.spend("actions", "u1")
    assert refused.value.retry_after == 10


def test_the_window_begins_with_the_first_use(limiter: LimiterMemory, clock: Clock) -> None:
    limiter.spend("actions", "u1")
    clock.seconds += 9.5
    limiter.spend("actions", "u1")
    with pytest.raises(RateLimited) as refused:
        limiter.spend("actions", "u1")
    assert refused.value.retry_after == 1, "half a second is left, but never less than a whole one is told"
    clock.seconds += 0.5
    limiter.spend("actions", "u1")


def test_spenders_and_budgets_do_not_share(limiter: LimiterMemory) -> None:
    limiter.spend("signin", "u1")
    limiter.spend("signin", "u2")
    limiter.spend("actions", "u1")
    with pytest.raises(RateLimited):
        limiter.spend("signin", "u1")


def test_a_check_takes_nothing(limiter: LimiterMemory, clock: Clock) -> None:
    for _ in range(5):
        limiter.check("signin", "u1")
    limiter.spend("signin", "u1")
    with pytest.raises(RateLimited):
        limiter.check("signin", "u1")
    clock.seconds += 60
    limiter.check("signin", "u1")


def test_without_a_rate_there_is_no_limit(limiter: LimiterMemory) -> None:
    for _ in range(100):
        limiter.spend("free", "u1")
        limiter.check("free", "u1")


def test_windows_that_have_ended_are_forgotten(limiter: LimiterMemory, clock: Clock) -> None:
    for number in range(FEWEST_KEPT):
        limiter.spend("actions", f"u{number}")
    clock.seconds += 10
    limiter.spend("signin", "u1")
    assert len(limiter._windows) == 1


def test_windows_that_last_are_kept_while_others_are_forgotten(limiter: LimiterMemory, clock: Clock) -> None:
    limiter.spend("signin", "u0")
    for number in range(FEWEST_KEPT):
        limiter.spend("actions", f"u{number}")
    clock.seconds += 10
    limiter.spend("actions", "u1")
    with pytest.raises(RateLimited):
        limiter.spend("signin", "u0")
