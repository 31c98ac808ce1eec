"""Tasks: their fields, their order in a section, their comments and the trash."""

from __future__ import annotations

from functools import partial

from handlers.dispatch.context import Context
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import Rooms, room_of_team
from models.action import Payload
from models.actor import Actor
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.journal import ORG, Record
from models.rank import rank_after_all, rank_before_all, rank_behind
from models.record import RecordKey
from models.task import (
    DONE,
    distinct,
    first_of_section,
    last_of_section,
    new_comment,
    new_task,
    require_dates_in_order,
    revise,
    section_from,
    trash_of,
)
from models.task_merge import require_no_clash
from models.task_payloads import (
    TaskAssignPayload,
    TaskCommentPayload,
    TaskCreatePayload,
    TaskMovePayload,
    TaskPayload,
    TaskUpdatePayload,
)
from models.team import member_id

ROLES = ("admin", "lead", "member")
WINDOW = 16
"""How many tasks are looked at first to find room behind one of them."""


async def room_of_kept_task(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The room of a task, deleted or not.

    An action that is sent again must find its first answer even where the task is deleted by now.
    """
    task_id = payload["task_id"]
    room = await rooms.of("task", task_id) or await rooms.of("trash", task_id)
    if room is None:
        raise NotFound(f"There is no task {task_id}.")
    return room


def _about_task(room: str, payload: Payload) -> RecordKey:
    return ("task", payload["task_id"])


def _reads_task(room: str, payload: Payload) -> list[RecordKey]:
    return [("task", payload["task_id"])]


def _reads_trash(room: str, payload: Payload) -> list[RecordKey]:
    return [("task", payload["task_id"]), ("trash", payload["task_id"])]


_task_action = partial(
    action, room=room_of_kept_task, roles=ROLES, about=_about_task, reads=_reads_task, hidden=True
)


@action("task.create", schema=TaskCreatePayload, room=room_of_team, roles=ROLES)
async def create(ctx: Context, payload: Payload) -> None:
    """Add a task at the end of its section."""
    await _require_team(ctx, payload["team_id"])
    require_dates_in_order(payload, "due")
    await _require_members(ctx, payload["team_id"], payload["assignees"], "assignees")
    rank = await _rank_at_end(ctx, payload["section"])
    ctx.put(
        new_task(
            ctx.new_id("task"),
            payload["team_id"],
            payload,
            rank=rank,
            by=ctx.actor.id,
            at=ctx.at,
            seq=ctx.next_seq,
        )
    )


@_task_action("task.update", schema=TaskUpdatePayload)
async def update(ctx: Context, payload: Payload) -> None:
    """Change fields of a task, unless somebody else has changed one of them since `base_seq`."""
    task = await _task(ctx, payload)
    values, base_seq = payload["set"], payload["base_seq"]
    head = ctx.next_seq - 1
    if base_seq > head:
        raise Invalid.field("base_seq", f"is above the team's newest seq, {head}")
    require_no_clash(task, values, base_seq)
    revised = revise(task, values, at=ctx.at, seq=ctx.next_seq)
    require_dates_in_order(revised, "set.due" if "due" in values else "set.start")
    added = [user for user in revised["assignees"] if user not in task["assignees"]]
    await _require_members(ctx, task["team_id"], added, "set.assignees")
    if revised["section"] != task["section"]:
        revised["rank"] = await _rank_at_end(ctx, revised["section"])
    ctx.put(revised)


@_task_action("task.complete", schema=TaskPayload)
async def complete(ctx: Context, payload: Payload) -> None:
    """Set a task's status to done."""
    task = await _task(ctx, payload)
    ctx.put(revise(task, {"status": DONE}, at=ctx.at, seq=ctx.next_seq))


@_task_action("task.reopen", schema=TaskPayload)
async def reopen(ctx: Context, payload: Payload) -> None:
    """Set a done task's status to open again; one that is not done stays as it is."""
    task = await _task(ctx, payload)
    status = "open" if task["status"] == DONE else task["status"]
    ctx.put(revise(task, {"status": status}, at=ctx.at, seq=ctx.next_seq))


@_task_action("task.assign", schema=TaskAssignPayload)
async def assign(ctx: Context, payload: Payload) -> None:
    """Set who does a task: these users and nobody else."""
    task = await _task(ctx, payload)
    added = [user for user in distinct(payload["assignees"]) if user not in task["assignees"]]
    await _require_members(ctx, task["team_id"], added, "assignees")
    ctx.put(revise(task, {"assignees": payload["assignees"]}, at=ctx.at, seq=ctx.next_seq))


@_task_action("task.comment", schema=TaskCommentPayload)
async def comment(ctx: Context, payload: Payload) -> None:
    """Add a comment to a task."""
    task = await _task(ctx, payload)
    actor = ctx.actor
    ctx.put(
        new_comment(ctx.new_id("comment"), task, payload["text"], by=actor.id, by_name=actor.name, at=ctx.at)
    )


@_task_action("task.move", schema=TaskMovePayload)
async def move(ctx: Context, payload: Payload) -> None:
    """Put a task right after another one, or first, in its own or another section."""
    task = await _task(ctx, payload)
    section = payload.get("section", task["section"])
    if payload["after"] is None:
        rank = await _rank_at_start(ctx, section, task["id"])
    else:
        before = await ctx.get("task", payload["after"])
        if before is None or before["section"] != section:
            place = "without a section" if section is None else f"of the section “{section}”"
            raise Invalid.field("after", f"is not a task {place} in this team")
        if before["id"] == task["id"]:
            raise Invalid.field("after", "is the task itself")
        rank = await _rank_behind(ctx, before, task["id"])
    ctx.put({**revise(task, {"section": section}, at=ctx.at, seq=ctx.next_seq), "rank": rank})


@_task_action("task.delete", schema=TaskPayload)
async def delete(ctx: Context, payload: Payload) -> None:
    """Put a task into the trash; a member only tasks that they created."""
    task = await _task(ctx, payload)
    _require_own(ctx, task["created_by"], "delete")
    ctx.delete(task)
    ctx.put(trash_of(task, by=ctx.actor.id, at=ctx.at))


@_task_action("task.restore", schema=TaskPayload, reads=_reads_trash)
async def restore(ctx: Context, payload: Payload) -> None:
    """Take a task out of the trash as it was, at its old place; a member only tasks that they created."""
    trash = await ctx.get("trash", payload["task_id"])
    if trash is None:
        raise Conflict("The task is not in the trash.", current=await _task(ctx, payload))
    await _require_team(ctx, trash["team_id"])
    _require_own(ctx, trash["created_by"], "restore")
    task = trash["task"]
    ctx.put({**task, "rank": await _rank_at_or_behind(ctx, task)})
    ctx.delete(trash)


async def _task(ctx: Context, payload: Payload) -> Record:
    """The task that the payload names, in a team that can be changed."""
    task = await ctx.get("task", payload["task_id"])
    if task is None:
        raise NotFound(f"There is no task {payload['task_id']}.")
    await _require_team(ctx, task["team_id"])
    return task


async def _require_team(ctx: Context, team_id: str) -> None:
    team = await ctx.org("team", team_id)
    if team is None:
        raise NotFound(f"There is no team {team_id}.")
    if team["archived"]:
        raise Conflict(f"The team {team['name']} is archived; unarchive it first.", current=team)


async def _require_members(ctx: Context, team_id: str, user_ids: list[str], path: str) -> None:
    strangers = [user for user in user_ids if await ctx.org("member", member_id(team_id, user)) is None]
    if strangers:
        raise Invalid.field(path, f"must be members of the team, which these are not: {', '.join(strangers)}")


def _require_own(ctx: Context, created_by: str, verb: str) -> None:
    leads = ctx.actor.roles_in((ORG, ctx.room)) & {"admin", "lead"}
    if not leads and created_by != ctx.actor.id:
        raise Forbidden(f"A member may only {verb} tasks that they created; ask a lead of the team.")


async def _rank_at_end(ctx: Context, section: str | None) -> int:
    last = await ctx.find(last_of_section(section), keep=True)
    return rank_after_all(last[0]["rank"] if last else None)


async def _rank_at_start(ctx: Context, section: str | None, moved: str) -> int:
    others = [task for task in await ctx.find(first_of_section(section, 2)) if task["id"] != moved]
    return rank_before_all(others[0]["rank"] if others else None)


async def _rank_behind(ctx: Context, before: Record, moved: str) -> int:
    """A rank right behind the task `before`; those behind it are spread out where no room is left."""
    limit = WINDOW
    while True:
        found = await ctx.find(section_from(before["section"], before["rank"], limit))
        tasks = [task for task in found if task["id"] != moved]
        placed = rank_behind([task["rank"] for task in tasks], to_end=len(found) < limit)
        if placed is not None:
            break
        limit *= 2
    rank, spread = placed
    for task, new_rank in zip(tasks[1:], spread, strict=False):
        ctx.derive("task.rank", {**task, "rank": new_rank})
    return rank


async def _rank_at_or_behind(ctx: Context, task: Record) -> int:
    """The task's own rank, or one right behind the task that has it by now."""
    there = await ctx.find(section_from(task["section"], task["rank"], 1))
    if there and there[0]["rank"] == task["rank"]:
        return await _rank_behind(ctx, there[0], task["id"])
    return int(task["rank"])
