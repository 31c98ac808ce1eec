"""Tasks as records: what follows from a change of their fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Invalid
from models.journal import Record
from models.task import (
    PRIORITIES,
    STATUSES,
    new_comment,
    new_task,
    newly_assigned,
    require_dates_in_order,
    revise,
    trash_of,
)

CREATED = "2026-03-02T08:30:00.000Z"
LATER = "2026-03-02T09:00:00.000Z"
NOTHING_ELSE: dict[str, Any] = {
    "description": None,
    "priority": "normal",
    "labels": [],
    "assignees": [],
    "start": None,
    "due": None,
    "section": None,
}


def task(seq: int = 5, **values: Any) -> Record:
    made = new_task(
        "k1", "t1", {"title": "Buy chalk", **NOTHING_ELSE, **values}, rank=0, by="u1", at=CREATED, seq=seq
    )
    return {**made, "seq": seq}


def test_a_new_task_is_open_and_knows_who_made_it() -> None:
    assert task(assignees=["u2"], labels=["shop"]) == {
        "kind": "task",
        "id": "k1",
        "seq": 5,
        "team_id": "t1",
        "title": "Buy chalk",
        "description": None,
        "status": "open",
        "priority": "normal",
        "labels": ["shop"],
        "assignees": ["u2"],
        "assigned": {"u2": 5},
        "start": None,
        "due": None,
        "section": None,
        "rank": 0,
        "created_by": "u1",
        "created_at": CREATED,
        "completed_at": None,
        "changed": {},
    }


def test_labels_and_assignees_are_there_once() -> None:
    made = task(labels=["b", "a", "b"], assignees=["u2", "u1", "u2"])
    assert made["labels"] == ["b", "a"]
    assert made["assignees"] == ["u2", "u1"]
    revised = revise(made, {"labels": ["c", "c"], "assignees": ["u3", "u3"]}, at=LATER, seq=6)
    assert revised["labels"] == ["c"]
    assert revised["assignees"] == ["u3"]


def test_only_a_different_value_is_a_change() -> None:
    revised = revise(task(), {"title": "Buy chalk", "priority": "high"}, at=LATER, seq=6)
    assert revised["changed"] == {"priority": 6}
    again = revise(revised, {"priority": "high", "section": "Now"}, at=LATER, seq=7)
    assert again["changed"] == {"priority": 6, "section": 7}


def test_revising_leaves_the_old_record_alone() -> None:
    old = task(assignees=["u1"])
    before = repr(old)
    revise(old, {"title": "x", "assignees": ["u2"], "labels": ["a"], "status": "done"}, at=LATER, seq=6)
    assert repr(old) == before


@pytest.mark.parametrize("status", STATUSES)
def test_completed_at_says_when_a_task_became_done(status: str) -> None:
    revised = revise(task(), {"status": status}, at=LATER, seq=6)
    assert revised["completed_at"] == (LATER if status == "done" else None)


def test_completing_a_done_task_again_keeps_the_time() -> None:
    done = revise(task(), {"status": "done"}, at=LATER, seq=6)
    assert revise(done, {"status": "done"}, at="2026-03-03T00:00:00.000Z", seq=7)["completed_at"] == LATER
    assert revise(done, {"status": "in_progress"}, at=LATER, seq=7)["completed_at"] is None


def test_newly_assigned_are_those_whom_the_last_change_added() -> None:
    made = task(assignees=["u1", "u2"])
    assert newly_assigned(made) == ["u1", "u2"]
    revised = {**revise(made, {"assignees": ["u2", "u3"]}, at=LATER, seq=6), "seq": 6}
    assert newly_assigned(revised) == ["u3"]
    renamed = {**revise(revised, {"title": "x"}, at=LATER, seq=7), "seq": 7}
    assert newly_assigned(renamed) == []
    back = {**revise(renamed, {"assignees": ["u1", "u2"]}, at=LATER, seq=8), "seq": 8}
    assert newly_assigned(back) == ["u1"]


@given(
    changes=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "title": st.sampled_from(["a", "b"]),
                "status": st.sampled_from(STATUSES),
                "priority": st.sampled_from(PRIORITIES),
                "assignees": st.lists(st.sampled_from(["u1", "u2", "u3"])),
            },
        ),
        max_size=8,
    )
)
def test_what_follows_from_the_fields_always_fits_them(changes: list[dict[str, Any]]) -> None:
    state = task()
    for seq, values in enumerate(changes, 6):
        before, state = state, {**revise(state, values, at=LATER, seq=seq), "seq": seq}
        assert (state["completed_at"] is not None) == (state["status"] == "done")
        assert list(state["assigned"]) == state["assignees"]
        assert newly_assigned(state) == [u for u in state["assignees"] if u not in before["assignees"]]
        for name in ("title", "status", "priority", "assignees"):
            assert (state["changed"].get(name) == seq) == (state[name] != before[name])


@pytest.mark.parametrize(
    ("start", "due"), [(None, None), (CREATED, None), (None, CREATED), (CREATED, CREATED), (CREATED, LATER)]
)
def test_dates_in_order(start: str | None, due: str | None) -> None:
    require_dates_in_order(task(start=start, due=due), "due")


def test_a_task_that_is_due_before_it_starts_is_invalid() -> None:
    with pytest.raises(Invalid) as caught:
        require_dates_in_order(task(start=LATER, due=CREATED), "set.due")
    assert list(caught.value.fields or {}) == ["set.due"]


def test_the_trash_keeps_the_whole_task() -> None:
    kept = trash_of(task(), by="u2", at=LATER)
    assert kept == {
        "kind": "trash",
        "id": "k1",
        "team_id": "t1",
        "task": task(),
        "created_by": "u1",
        "deleted_by": "u2",
        "deleted_at": LATER,
    }


def test_a_comment_names_its_task_and_author() -> None:
    assert new_comment("c1", task(), "Blue or white?", by="u2", by_name="Una", at=LATER) == {
        "kind": "comment",
        "id": "c1",
        "task_id": "k1",
        "team_id": "t1",
        "text": "Blue or white?",
        "by": "u2",
        "by_name": "Una",
        "at": LATER,
    }
