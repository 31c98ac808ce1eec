"""Field-level merge: only the same field, changed after the base, is a clash."""

from __future__ import annotations

import pytest

from models.errors import Conflict
from models.journal import Record
from models.task_merge import clashing, require_no_clash

TASK: Record = {"kind": "task", "id": "k1", "seq": 9, "changed": {"title": 7, "due": 9}}


@pytest.mark.parametrize(
    ("names", "base_seq", "clashes"),
    [
        (["title"], 6, ["title"]),
        (["title"], 7, []),
        (["title"], 8, []),
        (["due"], 8, ["due"]),
        (["due"], 9, []),
        (["priority"], 0, []),
        (["title", "priority", "due"], 0, ["title", "due"]),
        (["title", "priority", "due"], 7, ["due"]),
        (["priority", "labels"], 3, []),
    ],
)
def test_clashes(names: list[str], base_seq: int, clashes: list[str]) -> None:
    assert clashing(TASK, names, base_seq) == clashes


def test_the_conflict_names_every_clash_and_shows_the_task() -> None:
    with pytest.raises(Conflict) as caught:
        require_no_clash(TASK, ["title", "priority", "due"], 5)
    assert list(caught.value.fields or {}) == ["set.title", "set.due"]
    assert caught.value.current == TASK
    assert "title, due" in caught.value.message


def test_without_a_clash_nothing_is_raised() -> None:
    require_no_clash(TASK, ["priority"], 0)
