"""How many entries may wait."""

from __future__ import annotations

import asyncio

import pytest

from app.storage import mongo_backlog
from app.storage.mongo_backlog import Backlog


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def ten_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_backlog, "MOST_ENTRIES", 10)


async def test_who_comes_when_it_is_full_waits_until_it_is_not() -> None:
    backlog = Backlog()
    await backlog.take(4)
    await backlog.take(100)
    waiting = [asyncio.create_task(backlog.take(6)) for _ in range(3)]
    await turn()
    backlog.give(4)
    await turn()
    assert [one.done() for one in waiting] == [False] * 3
    backlog.give(95)
    await turn()
    assert [one.done() for one in waiting] == [True, False, False]
    backlog.give(5)
    await turn()
    assert [one.done() for one in waiting] == [True, True, False]
    backlog.give(12)
    await asyncio.gather(*waiting)


async def test_who_gives_up_takes_no_place() -> None:
    backlog = Backlog()
    await backlog.take(10)
    waiting = asyncio.create_task(backlog.take(10))
    await turn()
    waiting.cancel()
    backlog.give(10)
    await asyncio.wait([waiting])
    for _ in range(2):
        async with asyncio.timeout(1):
            await backlog.take(9)
    assert waiting.cancelled()
