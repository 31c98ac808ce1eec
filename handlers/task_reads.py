"""Reading tasks: lists of a team and of a user, one task, its comments, and figures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handlers.access import TEAM_READERS, Access
from handlers.pages import Page
from models.actor import Actor
from models.clock import rfc3339
from models.journal import Record
from models.ports import Clock, Storage
from models.query import Query, Scalar, query
from models.task import PRIORITIES, STATUSES
from models.task_list import TaskList, overdue_tasks, task_list

LOOKED_AT = 200
"""How many tasks are taken from the storage at once where a text is looked for in them."""


@dataclass(frozen=True, slots=True)
class TaskReads:
    """Reads for an actor. Raises Forbidden or NotFound by the actor's roles; StorageLost passes through.

    `filters` is a loaded `TaskFilters`; `after` is what the page before came with, as it may come back from
    a client; `limit` is at least 1.
    """

    storage: Storage
    access: Access
    clock: Clock

    async def of_team(
        self,
        actor: Actor,
        team_id: str,
        filters: Mapping[str, Any],
        *,
        limit: int,
        after: Sequence[Scalar] | None = None,
    ) -> Page:
        """A team's tasks, by default section by section in their order."""
        room = await self.access.team(actor, team_id)
        return await self._page(task_list(filters, "rank", room=room), limit, after)

    async def own(
        self, actor: Actor, filters: Mapping[str, Any], *, limit: int, after: Sequence[Scalar] | None = None
    ) -> Page:
        """The tasks that the actor is an assignee of, in all teams they belong to, by default by due date."""
        tasks = task_list(filters, "due", rooms=_teams(actor), assigned_to=actor.id)
        return await self._page(tasks, limit, after)

    async def task(self, actor: Actor, task_id: str) -> Record:
        """One task."""
        return await self.access.task(actor, task_id)

    async def comments(
        self, actor: Actor, task_id: str, *, limit: int, after: Sequence[Scalar] | None = None
    ) -> Page:
        """A task's comments, oldest first."""
        task = await self.access.task(actor, task_id)
        room = f"team:{task['team_id']}"
        comments = query("comment", room=room, task_id=task_id, order=("seq",))
        return await self._page(TaskList((comments,)), limit, after)

    async def team_stats(self, actor: Actor, team_id: str) -> dict[str, Any]:
        """How many of a team's tasks there are: `{by_status, by_priority, by_assignee, overdue}`.

        `by_assignee` has the team's present members who have any. Overdue is what is not done and was due
        before now.
        """
        room = await self.access.team(actor, team_id)
        tasks = query("task", room=room)
        members = [member["user_id"] for member in await self.storage.find(query("member", room=room))]
        assigned = [replace(tasks, containing=(("assignees", user),)) for user in members]
        stats, *counts = await asyncio.gather(self._stats(tasks), *(self._count(q) for q in assigned))
        by_assignee = {user: n for user, n in zip(members, counts, strict=True) if n}
        return {**stats, "by_assignee": by_assignee}

    async def own_stats(self, actor: Actor) -> dict[str, Any]:
        """How many tasks the actor is an assignee of: `{by_status, by_priority, by_assignee, overdue}`."""
        tasks = query("task", one_of={"room": _teams(actor)}, containing={"assignees": actor.id})
        stats = await self._stats(tasks)
        total = sum(stats["by_status"].values())
        return {**stats, "by_assignee": {actor.id: total} if total else {}}

    async def _stats(self, tasks: Query) -> dict[str, Any]:
        overdue = overdue_tasks(tasks, rfc3339(self.clock.now()))
        by_status, by_priority, late = await asyncio.gather(
            self.storage.count(tasks, by="status"),
            self.storage.count(tasks, by="priority"),
            self._count(overdue),
        )
        return {
            "by_status": {status: by_status.get(status, 0) for status in STATUSES},
            "by_priority": {priority: by_priority.get(priority, 0) for priority in PRIORITIES},
            "overdue": late,
        }

    async def _count(self, tasks: Query) -> int:
        return sum((await self.storage.count(tasks, by="status")).values())

    async def _page(self, tasks: TaskList, limit: int, after: Sequence[Scalar] | None) -> Page:
        """One record more than the page is looked for, to know whether there is a next one."""
        page: list[Record] = []
        keys: list[tuple[Scalar, ...]] = []
        for number, left in tasks.starting(after):
            wanted = limit + 1 if tasks.text is None else LOOKED_AT
            found = None
            while found is None or len(found) == wanted:
                if found:
                    left = replace(left, after=left.page_key(found[-1]))
                found = await self.storage.find(replace(left, limit=wanted))
                for record in found:
                    if tasks.has(record):
                        page.append(record)
                        keys.append((number, *left.page_key(record)))
                if len(page) > limit:
                    return page[:limit], keys[limit - 1]
        return page, None


def _teams(actor: Actor) -> tuple[str, ...]:
    """The rooms of the teams that the actor has a role in."""
    return tuple(actor.scopes_of(*TEAM_READERS))
