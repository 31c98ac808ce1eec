import pytest

from tests.waiting import until


async def test_the_first_true_answer_is_returned() -> None:
    answers = iter(["", "", "now"])
    assert await until(lambda: next(answers)) == "now"


async def test_an_async_condition_is_awaited() -> None:
    answers = iter([0, 0, 7])

    async def condition() -> int:
        return next(answers)

    assert await until(condition) == 7


async def test_a_condition_that_stays_false_is_named_with_its_last_answer() -> None:
    seen: list[str] = []
    with pytest.raises(AssertionError, match=r"test_waiting\.py:\d+\) was not true within 0\.05 s.*: \[\]"):
        await until(lambda: seen, limit=0.05)


async def test_an_exception_of_the_condition_is_passed_on() -> None:
    def condition() -> bool:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await until(condition)
