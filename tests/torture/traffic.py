"""What the writers do: pure, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.demo.plan import PERIODS

CODES = "PLAE"
COMMENTS = 0.1
"""The share of comments among what is done to tasks."""


class Work(NamedTuple):
    """An action to send, and the topics that its record is in."""

    type: str
    payload: dict[str, Any]
    topics: tuple[str, ...]


class Marks:
    """Marks in a school: any student of any class, any period of one day, any code."""

    def __init__(self, chance: random.Random, school_id: str, classes: int, students: int, day: str) -> None:
        self._chance = chance
        self._school_id = school_id
        self._classes = classes
        self._students = students
        self._day = day

    def next(self) -> Work:
        """The next action."""
        chance = self._chance
        class_id = f"{self._school_id}-c{chance.randint(1, self._classes)}"
        payload: dict[str, Any] = {
            "class_id": class_id,
            "date": self._day,
            "period": chance.choice(PERIODS)["id"],
            "student_id": f"{class_id}-p{chance.randint(1, self._students)}",
            "code": chance.choice(CODES),
            "note": f"n{chance.randrange(10**6)}",
        }
        return Work("attendance.mark", payload, (f"school:{self._school_id}", f"class:{class_id}"))


class Tasks:
    """Work on the tasks of a team, which are there already."""

    def __init__(self, chance: random.Random, team_id: str, task_ids: Sequence[str]) -> None:
        self._chance = chance
        self._topics = (f"team:{team_id}",)
        self._task_ids = task_ids

    def next(self) -> Work:
        """The next action."""
        chance = self._chance
        task = {"task_id": chance.choice(self._task_ids)}
        if chance.random() < COMMENTS:
            return Work("task.comment", {**task, "text": f"c{chance.randrange(10**6)}"}, self._topics)
        type = chance.choice(("task.complete", "task.reopen"))
        return Work(type, task, self._topics)


@dataclass(frozen=True, slots=True)
class Manner:
    """How actions are sent: the share that is sent twice at once, sent on a second connection as well, sent
    again long after the answer, and held back behind those that follow.
    """

    twice: float
    elsewhere: float
    again: float
    later: float


ORDINARY = Manner(twice=0.01, elsewhere=0.01, again=0.01, later=0.0)
TWICE = Manner(twice=0.3, elsewhere=0.3, again=0.3, later=0.0)
IN_ANOTHER_ORDER = Manner(twice=0.05, elsewhere=0.1, again=0.1, later=0.4)
