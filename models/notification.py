"""Notifications: what a user is told in their own room."""

from __future__ import annotations

from models.journal import Entry, Record
from models.record import digest, record_kind

TASK_ASSIGNED = "task.assigned"

record_kind("notification", indexes=(("room", "at"),))


def notification_id(entry: Entry, user_id: str) -> str:
    """The same for the same entry and user, however often the entry is handled."""
    return "n" + digest(entry.room, str(entry.seq), user_id)


def task_assigned(entry: Entry, user_id: str) -> Record:
    """Tells a user that an entry made them an assignee of its task."""
    task = entry.data
    return {
        "kind": "notification",
        "id": notification_id(entry, user_id),
        "user_id": user_id,
        "type": TASK_ASSIGNED,
        "text": f"You were assigned to the task “{task['title']}”.",
        "at": entry.at,
        "read": False,
        "about": {"kind": "task", "id": task["id"], "room": entry.room},
    }
