"""The tasks of the demo teams, made by actions of their leads and members, each with an op_id of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, cast

from app.demo.actions import act
from handlers.core import Core
from models.action import Ack
from models.actor import Actor
from models.clock import rfc3339
from models.journal import Record

DUE_AT = time(16, 0, tzinfo=UTC)

BACKLOG, THIS_WEEK, DONE = "Backlog", "This week", "Done"


class DemoTask(NamedTuple):
    """A task to make. `assignees` are members by number, 0 the lead; `due` in days from today."""

    title: str
    section: str
    priority: str = "normal"
    labels: tuple[str, ...] = ()
    assignees: tuple[int, ...] = ()
    due: int | None = None
    status: str = "open"
    comment: str | None = None


TASKS = (
    DemoTask("Check the fire doors downstairs", THIS_WEEK, "high", ("safety",), (1,), 1, "in_progress"),
    DemoTask("Replace the projector in room 12", THIS_WEEK, "normal", ("rooms",), (2,), 3),
    DemoTask(
        "Order registers' spare tablets", THIS_WEEK, "urgent", ("purchase",), (0, 1), 0,
        comment="Two of them do not charge any more.",
    ),
    DemoTask("Plan supervision for the open day", THIS_WEEK, "high", ("events",), (0,), 4, "in_progress"),
    DemoTask("Update the contact list of bus companies", BACKLOG, "low", ("trips",), (), None),
    DemoTask("Collect quotes for new bicycle stands", BACKLOG, "low", ("purchase", "outdoors"), (3,), 21),
    DemoTask(
        "Label the lost property and photograph it", BACKLOG, "normal", (), (), 10,
        comment="The shelf behind the office is full.",
    ),
    DemoTask("Test the public address system", BACKLOG, "normal", ("safety",), (2, 3), 14),
    DemoTask("Print the evacuation plans", DONE, "high", ("safety",), (1,), -2, "done"),
    DemoTask("Book the hall for the spring concert", DONE, "normal", ("events",), (3,), -5, "done"),
)  # fmt: skip


async def add_tasks(core: Core, team_id: str, today: date) -> int:
    """Make the team's tasks as far as they were never made; how many actions that took."""
    lead = f"u-{team_id}-lead"
    people = [lead, *(f"u-{team_id}-member{number}" for number in (1, 2, 3))]
    acks: list[Ack] = []
    for number, task in enumerate(TASKS, 1):
        acks += await _add_task(core, team_id, f"demo-{team_id}-{number}", task, people, today)
    return sum(not ack.duplicate for ack in acks)


async def _add_task(
    core: Core, team_id: str, op_id: str, task: DemoTask, people: list[str], today: date
) -> list[Ack]:
    async def run(who: str, type: str, **payload: Any) -> Ack:
        suffix = type.partition(".")[2]
        return await act(core, type, payload, actor=Actor(who, who, ()), op_id=f"{op_id}-{suffix}")

    due = None if task.due is None else datetime.combine(today + timedelta(task.due), DUE_AT)
    created = await run(
        people[0],
        "task.create",
        team_id=team_id,
        title=task.title,
        section=task.section,
        priority=task.priority,
        labels=list(task.labels),
        assignees=[people[number] for number in task.assignees],
        due=due and rfc3339(due),
    )
    acks = [created]
    task_id = cast("Record", created.data)["id"]
    doer = people[task.assignees[0]] if task.assignees else people[0]
    if task.status == "in_progress":
        changes = {"status": task.status}
        acks.append(await run(doer, "task.update", task_id=task_id, set=changes, base_seq=created.seq))
    elif task.status == "done":
        acks.append(await run(doer, "task.complete", task_id=task_id))
    if task.comment is not None:
        acks.append(await run(doer, "task.comment", task_id=task_id, text=task.comment))
    return acks
