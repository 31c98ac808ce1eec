"""Tasks: lists of a team and of oneself, one task, its comments, and figures."""

from __future__ import annotations

from typing import Any

from app.http.call import Call
from app.http.query import PageQuery, page
from app.http.route import Answer, route
from handlers.task_reads import TaskReads
from models.schema import Id, Payload
from models.task_list import TaskFilters

TAG = "tasks"


class TasksQuery(PageQuery, TaskFilters):
    """A page of a list of tasks, what narrows the list, and its order."""


class StatsQuery(Payload):
    """Whose tasks are counted."""

    team_id = Id(
        load_default=None,
        metadata={"description": "The tasks of this team; by default your own in all teams."},
    )


@route(
    "GET",
    "/api/teams/{team_id}/tasks",
    "The tasks of a team",
    returns="Tasks, by default section by section in their order.",
    access="leads and members of the team",
    tag=TAG,
    query=TasksQuery,
)
async def tasks_of_team(call: Call) -> Answer:
    """The tasks of one team."""
    team_id = call.path["team_id"]
    room = await call.core.access.team(call.actor, team_id)
    await call.revalidate([room])
    limit, after, filters = _list_of(call)
    return page(*await _reads(call).of_team(call.actor, team_id, filters, limit=limit, after=after))


@route(
    "GET",
    "/api/tasks",
    "Your tasks",
    returns="The tasks that you are an assignee of, in all your teams, by default by due date.",
    tag=TAG,
    query=TasksQuery,
)
async def own_tasks(call: Call) -> Answer:
    """The actor's tasks."""
    call.revalidate_body()
    limit, after, filters = _list_of(call)
    return page(*await _reads(call).own(call.actor, filters, limit=limit, after=after))


@route(
    "GET",
    "/api/tasks/stats",
    "Figures about tasks",
    returns="How many there are by status, priority and assignee, and how many are overdue.",
    access="leads and members of the team; your own for anybody",
    tag=TAG,
    query=StatsQuery,
)
async def stats(call: Call) -> Answer:
    """Figures of the actor's tasks, or a team's."""
    team_id = call.query["team_id"]
    reads = _reads(call)
    return await (reads.own_stats(call.actor) if team_id is None else reads.team_stats(call.actor, team_id))


@route(
    "GET",
    "/api/tasks/{task_id}",
    "A task",
    returns="The task.",
    access="leads and members of its team",
    tag=TAG,
)
async def task(call: Call) -> Answer:
    """One task."""
    call.revalidate_body()
    return await _reads(call).task(call.actor, call.path["task_id"])


@route(
    "GET",
    "/api/tasks/{task_id}/comments",
    "The comments of a task",
    returns="Comments, oldest first.",
    access="leads and members of its team",
    tag=TAG,
    query=PageQuery,
)
async def comments(call: Call) -> Answer:
    """The comments of one task."""
    call.revalidate_body()
    limit, after = call.query["limit"], call.query["cursor"]
    return page(*await _reads(call).comments(call.actor, call.path["task_id"], limit=limit, after=after))


def _reads(call: Call) -> TaskReads:
    return TaskReads(call.core.storage, call.core.access, call.door.clock)


def _list_of(call: Call) -> tuple[int, Any, dict[str, Any]]:
    """The page, and the filters without it."""
    filters = dict(call.query)
    return filters.pop("limit"), filters.pop("cursor"), filters
