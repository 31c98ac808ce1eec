"""What clients may say about tasks, and how they are told what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from models.schema import Payload, invalid_from
from models.task_payloads import (
    TaskAssignPayload,
    TaskCommentPayload,
    TaskCreatePayload,
    TaskMovePayload,
    TaskUpdatePayload,
)

CREATE: dict[str, Any] = {"team_id": "t1", "title": "Buy chalk"}
UPDATE: dict[str, Any] = {"task_id": "k1", "base_seq": 3}


def wrong_fields(schema: type[Payload], payload: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        schema().load(payload)
    return list(invalid_from(caught.value).fields or {})


def test_what_is_left_out_of_a_new_task_is_empty() -> None:
    assert TaskCreatePayload().load(CREATE) == {
        **CREATE,
        "description": None,
        "priority": "normal",
        "labels": [],
        "assignees": [],
        "start": None,
        "due": None,
        "section": None,
    }


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": None}, "title"),
        ({"title": {"$gt": ""}}, "title"),
        ({"description": "x" * 20_001}, "description"),
        ({"priority": "huge"}, "priority"),
        ({"priority": ["low"]}, "priority"),
        ({"labels": ["a"] * 51}, "labels"),
        ({"labels": ["a", "x" * 201]}, "labels.1"),
        ({"labels": "a"}, "labels"),
        ({"assignees": ["u1"] * 51}, "assignees"),
        ({"assignees": ["a b"]}, "assignees.0"),
        ({"due": "tomorrow"}, "due"),
        ({"due": "2026-03-02T08:30:00"}, "due"),
        ({"due": "20260302T083000Z"}, "due"),
        ({"due": "2026-W10-1T08:30:00Z"}, "due"),
        ({"due": "2026-03-02T08Z"}, "due"),
        ({"due": "2026-03-02T08:30:00,5Z"}, "due"),
        ({"due": "2026-03-02T08:30:00+00:00:30"}, "due"),
        ({"due": "0001-01-01T00:00:00+23:59"}, "due"),
        ({"start": 5}, "start"),
        ({"section": " "}, "section"),
        ({"team_id": "t/1"}, "team_id"),
        ({"status": "open"}, "status"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_of_a_new_task_is_named(more: dict[str, Any], path: str) -> None:
    assert wrong_fields(TaskCreatePayload, {**CREATE, **more}) == [path]


def test_the_largest_sizes_are_accepted() -> None:
    largest = {
        "title": "x" * 200,
        "description": "é" * 20_000,
        "labels": [f"{i}".rjust(200, "x") for i in range(50)],
        "assignees": [f"u{i}" for i in range(50)],
        "section": "s" * 200,
    }
    assert TaskCreatePayload().load({**CREATE, **largest}).items() >= largest.items()


def test_times_are_kept_in_utc() -> None:
    assert TaskCreatePayload().load({**CREATE, "due": "2026-03-02T10:00:00+02:00"})["due"] == (
        "2026-03-02T08:00:00.000Z"
    )


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"set": {}}, "set"),
        ({"set": []}, "set"),
        ({"set": {"rank": 1}}, "set.rank"),
        ({"set": {"completed_at": None}}, "set.completed_at"),
        ({"set": {"status": "closed"}}, "set.status"),
        ({"set": {"title": None}}, "set.title"),
        ({"set": {"due": "x"}}, "set.due"),
        ({"set": {"labels": [1]}}, "set.labels.0"),
        ({"set": {"title": "x"}, "base_seq": None}, "base_seq"),
        ({"set": {"title": "x"}, "base_seq": -1}, "base_seq"),
        ({"set": {"title": "x"}, "base_seq": "3"}, "base_seq"),
        ({"set": {"title": "x"}, "base_seq": 3.0}, "base_seq"),
        ({"set": {"title": "x"}, "base_seq": True}, "base_seq"),
    ],
)
def test_a_wrong_field_of_an_update_is_named(payload: dict[str, Any], path: str) -> None:
    assert wrong_fields(TaskUpdatePayload, {**UPDATE, **payload}) == [path]


def test_an_update_needs_its_base() -> None:
    assert wrong_fields(TaskUpdatePayload, {"task_id": "k1", "set": {"title": "x"}}) == ["base_seq"]


def test_an_update_holds_only_what_is_set() -> None:
    values: dict[str, Any] = {
        "description": None,
        "start": None,
        "due": None,
        "section": None,
        "labels": [],
        "assignees": [],
    }
    assert TaskUpdatePayload().load({**UPDATE, "set": values})["set"] == values


def test_a_move_says_behind_what_and_may_leave_the_section_out() -> None:
    assert wrong_fields(TaskMovePayload, {"task_id": "k1"}) == ["after"]
    assert TaskMovePayload().load({"task_id": "k1", "after": None}) == {"task_id": "k1", "after": None}
    moved = {"task_id": "k1", "after": "k2", "section": None}
    assert TaskMovePayload().load(moved) == moved


@pytest.mark.parametrize("text", ["", " \n", "x" * 20_001, None, "\x00"])
def test_a_comment_is_not_blank_and_not_endless(text: str | None) -> None:
    assert wrong_fields(TaskCommentPayload, {"task_id": "k1", "text": text}) == ["text"]


def test_the_list_of_assignees_may_be_empty_but_not_missing() -> None:
    assert TaskAssignPayload().load({"task_id": "k1", "assignees": []})["assignees"] == []
    assert wrong_fields(TaskAssignPayload, {"task_id": "k1"}) == ["assignees"]
