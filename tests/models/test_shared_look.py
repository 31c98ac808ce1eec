"""A look that is shared: how often it runs, and what its callers may rely on."""

from __future__ import annotations

import asyncio
import gc

import pytest

from models.shared_look import SharedLook


class Watched:
    """A look that says how often it began, and ends when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def __call__(self, key: str) -> int:
        self.begun.append(key)
        number = len(self.begun)
        await self.let.acquire()
        if self.error is not None:
            raise self.error
        return number


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_single_caller_gets_what_its_look_finds() -> None:
    watched = Watched()
    watched.let.release()
    assert await SharedLook(watched)("a") == 1


async def test_those_who_ask_while_a_look_runs_share_the_next_one() -> None:
    watched = Watched()
    shared = SharedLook(watched)
    first = asyncio.create_task(shared("a"))
    await turn()
    others = [asyncio.create_task(shared("a")) for _ in range(20)]
    await turn()
    assert watched.begun == ["a"]
    watched.let.release()
    watched.let.release()
    assert await first == 1
    assert await asyncio.gather(*others) == [2] * 20


async def test_those_who_ask_before_a_look_has_begun_share_it() -> None:
    watched = Watched()
    shared = SharedLook(watched)
    callers = [asyncio.create_task(shared("a")) for _ in range(20)]
    watched.let.release()
    assert await asyncio.gather(*callers) == [1] * 20


async def test_keys_do_not_wait_for_each_other() -> None:
    watched = Watched()
    shared = SharedLook(watched)
    callers = [asyncio.create_task(shared(key)) for key in "ab"]
    await turn()
    assert watched.begun == ["a", "b"]
    watched.let.release()
    watched.let.release()
    await asyncio.gather(*callers)


async def test_a_caller_that_gives_up_leaves_the_look_to_the_others() -> None:
    watched = Watched()
    shared = SharedLook(watched)
    callers = [asyncio.create_task(shared("a")) for _ in range(3)]
    await turn()
    callers[0].cancel()
    await turn()
    watched.let.release()
    assert await asyncio.gather(*callers[1:]) == [1, 1]


async def test_an_error_goes_to_all_who_share_it_and_to_nobody_else() -> None:
    watched = Watched()
    shared = SharedLook(watched)
    watched.error = ValueError("no")
    callers = [asyncio.create_task(shared("a")) for _ in range(3)]
    await turn()
    late = asyncio.create_task(shared("a"))
    watched.let.release()
    for caller in callers:
        with pytest.raises(ValueError, match="no"):
            await caller
    watched.error = None
    watched.let.release()
    assert await late == 2


async def test_an_error_for_which_nobody_waits_any_more_is_no_complaint() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    watched = Watched()
    watched.error = ValueError("no")
    caller = asyncio.create_task(SharedLook(watched)("a"))
    await turn()
    caller.cancel()
    watched.let.release()
    await turn()
    # Both refer to the look.
    del caller
    watched.error = None
    gc.collect()
    assert complaints == []


async def test_nothing_is_kept_of_looks_that_have_ended() -> None:
    watched = Watched()
    shared = SharedLook(watched)
    for key in "abc":
        watched.let.release()
        await shared(key)
    assert shared._running == {}
    assert shared._waiting == {}
