"""Lists of tasks: filters, sorting, and the queries that answer them page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import validate

from models.errors import Invalid
from models.journal import Record
from models.query import Query, Range, Scalar
from models.schema import Id, Moment, Name, Payload, StrictString
from models.task import PRIORITIES, STATUSES, UNFINISHED

SORTS = ("rank", "due", "-due", "priority", "-priority", "created_at", "-created_at")


class TaskFilters(Payload):
    """What a list of tasks is narrowed by, and its order.

    `due_before`: due earlier than this; `due_after`: due then or later; `q`: part of the title or
    description, in whatever case; `sort`: `rank` is section by section in their order, `priority` has the
    most urgent first, and with `due` and `-due` tasks without a due date come last.
    """

    status = StrictString(validate=validate.OneOf(STATUSES, error="must be one of: {choices}"))
    assignee = Id()
    priority = StrictString(validate=validate.OneOf(PRIORITIES, error="must be one of: {choices}"))
    label = Name()
    due_before = Moment()
    due_after = Moment()
    q = Name()
    sort = StrictString(validate=validate.OneOf(SORTS, error="must be one of: {choices}"))


@dataclass(frozen=True, slots=True)
class TaskList:
    """A list of tasks as queries whose answers, one after the other, are the list; `text` narrows it further.

    Sorting by priority takes a query for each priority, because their names do not sort by urgency; sorting
    by due date takes a second one for the tasks without.
    """

    queries: tuple[Query, ...]
    text: str | None = None

    def has(self, task: Record) -> bool:
        """Whether a task that a query has found belongs to the list."""
        if self.text is None:
            return True
        return self.text in task["title"].casefold() or self.text in (task["description"] or "").casefold()

    def starting(self, after: Sequence[Scalar] | None) -> list[tuple[int, Query]]:
        """The queries that are left behind `after`, each with its number.

        Invalid for what no page of such a list has come with.
        """
        if after is None:
            return list(enumerate(self.queries))
        match after:
            case [int(number), *key] if 0 <= number < len(self.queries):
                first = self.queries[number]
                if len(key) == len(first.directions()):
                    left = (replace(first, after=tuple(key)), *self.queries[number + 1 :])
                    return list(enumerate(left, number))
        raise Invalid.field("cursor", "is not one that this list has given out")


def task_list(
    filters: Mapping[str, Any],
    default_sort: str,
    *,
    room: str | None = None,
    rooms: tuple[str, ...] = (),
    assigned_to: str | None = None,
) -> TaskList:
    """The tasks of a room, or those of a user in `rooms`, as a loaded `TaskFilters` asks."""
    equal: dict[str, Scalar] = {} if room is None else {"room": room}
    equal |= {name: filters[name] for name in ("status", "priority") if name in filters}
    containing = [("assignees", user) for user in (assigned_to, filters.get("assignee")) if user is not None]
    if "label" in filters:
        containing.append(("labels", filters["label"]))
    due = due_between(filters.get("due_after"), filters.get("due_before"))
    base = Query(
        "task",
        tuple(equal.items()),
        within=() if due is None else (("due", due),),
        one_of=(("room", rooms),) if room is None else (),
        containing=tuple(containing),
    )
    text = filters["q"].casefold() if "q" in filters else None
    return TaskList(_in_order(base, filters.get("sort", default_sort)), text)


def overdue_tasks(base: Query, now: str) -> Query:
    """Those of the query's tasks that are not finished although they were due before `now`."""
    within = (*base.within, ("due", (None, _just_before(now))))
    return replace(base, one_of=(*base.one_of, ("status", UNFINISHED)), within=within)


def due_between(after: str | None, before: str | None) -> Range | None:
    """The inclusive range of due dates from `after` on and before `before`; None if neither is given."""
    if after is None and before is None:
        return None
    return (after, None if before is None else _just_before(before))


def _just_before(moment: str) -> str:
    """What sorts between this moment and every earlier one: moments are texts of one length, ending in Z."""
    return moment.removesuffix("Z")


def _in_order(base: Query, sort: str) -> tuple[Query, ...]:
    match sort:
        case "rank":
            return (replace(base, order=("section", "rank")),)
        case "due" | "-due":
            dated = replace(base, order=(sort,))
            if base.within:
                return (dated,)
            return (
                replace(dated, within=(("due", ("", None)),)),
                replace(base, equal=(*base.equal, ("due", None))),
            )
        case "priority" | "-priority":
            wanted = [value for name, value in base.equal if name == "priority"] or PRIORITIES
            others = tuple(pair for pair in base.equal if pair[0] != "priority")
            falling = [name for name in reversed(PRIORITIES) if name in wanted]
            return tuple(
                replace(base, equal=(*others, ("priority", name)), order=("created_at",))
                for name in (falling if sort == "priority" else reversed(falling))
            )
    return (replace(base, order=(sort,)),)
