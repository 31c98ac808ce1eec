"""Tasks of a team, their comments, and the trash that deleted tasks can be restored from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.errors import Invalid
from models.journal import Record
from models.query import Query, query
from models.record import record_kind

UNFINISHED = ("open", "in_progress")
DONE = "done"
STATUSES = (*UNFINISHED, DONE)
PRIORITIES = ("low", "normal", "high", "urgent")
ASSIGNEES = 50

record_kind(
    "task",
    indexes=(
        ("room", "section", "rank"),
        ("room", "due"),
        ("room", "priority", "created_at"),
        ("room", "created_at"),
        ("room", "status", "due"),
    ),
    lists=("assignees", "labels"),
)
record_kind("comment", indexes=(("room", "task_id", "seq"),))
record_kind("trash")


def new_task(
    id: str, team_id: str, values: Mapping[str, Any], *, rank: int, by: str, at: str, seq: int
) -> Record:
    """An open task. `values`: all of title, description, priority, labels, assignees, start, due, section.

    `assigned` says for each assignee the seq since which they are one, `changed` for each field the seq at
    which its value last changed after the creation.
    """
    return {
        "kind": "task",
        "id": id,
        "team_id": team_id,
        "title": values["title"],
        "description": values["description"],
        "status": "open",
        "priority": values["priority"],
        "labels": distinct(values["labels"]),
        "assignees": distinct(values["assignees"]),
        "assigned": dict.fromkeys(values["assignees"], seq),
        "start": values["start"],
        "due": values["due"],
        "section": values["section"],
        "rank": rank,
        "created_by": by,
        "created_at": at,
        "completed_at": None,
        "changed": {},
    }


def revise(task: Record, values: Mapping[str, Any], *, at: str, seq: int) -> Record:
    """The task with these values, set at `at` and `seq`; `completed_at`, `assigned` and `changed` follow."""
    values = {name: distinct(v) if isinstance(v, list) else v for name, v in values.items()}
    different = [name for name, value in values.items() if task[name] != value]
    revised = {**task, **values, "changed": {**task["changed"], **dict.fromkeys(different, seq)}}
    if "status" in different:
        revised["completed_at"] = at if revised["status"] == DONE else None
    if "assignees" in different:
        revised["assigned"] = {user: task["assigned"].get(user, seq) for user in revised["assignees"]}
    return revised


def require_dates_in_order(task: Record, path: str) -> None:
    """Raise Invalid, naming the field `path`, if the task would be due before it starts."""
    if task["start"] is not None and task["due"] is not None and task["start"] > task["due"]:
        raise Invalid.field(path, f"the task would start ({task['start']}) after it is due ({task['due']})")


def newly_assigned(task: Record) -> list[str]:
    """The users who became assignees with the very change that gave the record its seq."""
    return [user for user, seq in task["assigned"].items() if seq == task["seq"]]


def trash_of(task: Record, *, by: str, at: str) -> Record:
    """What keeps a deleted task so that it can be restored; it has the task's id."""
    return {
        "kind": "trash",
        "id": task["id"],
        "team_id": task["team_id"],
        "task": task,
        "created_by": task["created_by"],
        "deleted_by": by,
        "deleted_at": at,
    }


def new_comment(id: str, task: Record, text: str, *, by: str, by_name: str, at: str) -> Record:
    """A comment on a task. `by_name`: what the user `by` is called at that moment."""
    return {
        "kind": "comment",
        "id": id,
        "task_id": task["id"],
        "team_id": task["team_id"],
        "text": text,
        "by": by,
        "by_name": by_name,
        "at": at,
    }


def first_of_section(section: str | None, limit: int) -> Query:
    """The first tasks of a section, in their order."""
    return query("task", section=section, order=("rank",), limit=limit)


def last_of_section(section: str | None) -> Query:
    """The last task of a section."""
    return query("task", section=section, order=("-rank",), limit=1)


def section_from(section: str | None, rank: int, limit: int) -> Query:
    """The tasks of a section from this rank on, in their order."""
    return query("task", section=section, within={"rank": (rank, None)}, order=("rank",), limit=limit)


def distinct(values: Iterable[str]) -> list[str]:
    """The values in their order, each once."""
    return list(dict.fromkeys(values))
