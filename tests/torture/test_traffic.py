"""What the writers do is the same for the same seed."""

from __future__ import annotations

import random

from tests.torture.durations import Durations
from tests.torture.traffic import Marks, Tasks


def test_the_same_seed_gives_the_same_marks() -> None:
    first, second = (Marks(random.Random(7), "s1", 2, 10, "2026-03-02") for _ in range(2))
    works = [first.next() for _ in range(100)]
    assert works == [second.next() for _ in range(100)]
    assert {work.topics for work in works} == {("school:s1", "class:s1-c1"), ("school:s1", "class:s1-c2")}
    assert len({work.payload["student_id"] for work in works}) == 20


def test_the_same_seed_gives_the_same_work_on_tasks() -> None:
    first, second = (Tasks(random.Random(7), "t1", ["a", "b"]) for _ in range(2))
    works = [first.next() for _ in range(100)]
    assert works == [second.next() for _ in range(100)]
    assert {work.type for work in works} == {"task.complete", "task.reopen", "task.comment"}


def test_durations_are_told_by_percentiles() -> None:
    durations = Durations()
    assert durations.percentile(99) == 0.0
    for milliseconds in range(1, 101):
        durations.add(milliseconds / 1000)
    durations.add(-1.0)
    assert len(durations) == 101
    assert (durations.percentile(50), durations.percentile(99)) == (0.05, 0.099)
    assert durations.worst == 0.1
