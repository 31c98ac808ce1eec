"""Field-level merge: which fields of an update clash with what others changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from models.errors import Conflict
from models.journal import Record


def clashing(task: Record, names: Iterable[str], base_seq: int) -> list[str]:
    """The fields among `names` whose value has changed after `base_seq`, which the update was made on.

    A field that was only ever set at the task's creation, or set again to the value it had, has not changed.
    """
    return [name for name in names if task["changed"].get(name, 0) > base_seq]


def require_no_clash(task: Record, names: Iterable[str], base_seq: int) -> None:
    """Raise Conflict, with the fields that clash and the task as it is, unless there is none."""
    clashes = clashing(task, names, base_seq)
    if clashes:
        raise Conflict(
            f"Changed by someone else meanwhile: {', '.join(clashes)}. Look at the task again, then repeat.",
            fields={f"set.{name}": ["was changed by someone else meanwhile"] for name in clashes},
            current=task,
        )
