"""Joins come at a bounded rate, in order."""

from __future__ import annotations

import asyncio

import pytest

from models.errors import Unavailable
from realtime import admission
from realtime.admission import Admission


async def test_a_few_at_once_do_not_wait() -> None:
    turns = Admission(rate=1, burst=3)
    async with asyncio.timeout(0.5):
        for _ in range(3):
            await turns.enter()


async def test_what_exceeds_the_rate_waits_for_its_turn_in_order() -> None:
    turns = Admission(rate=100, burst=1)
    order: list[int] = []

    async def join(number: int) -> None:
        await turns.enter()
        order.append(number)

    loop = asyncio.get_running_loop()
    begin = loop.time()
    await asyncio.gather(*(join(number) for number in range(11)))
    assert order == list(range(11))
    assert loop.time() - begin >= 0.1


async def test_who_would_wait_too_long_is_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LONGEST", 5.0)
    turns = Admission(rate=1, burst=1)
    await turns.enter()
    waiting = [asyncio.ensure_future(turns.enter()) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await turns.enter()
    assert refused.value.retry_after == 6
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
