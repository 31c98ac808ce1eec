"""Notifications of users whom somebody else has assigned to a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handlers.notification import notify_assigned
from models.actor import SYSTEM
from models.errors import Invalid
from models.journal import Record
from models.query import query
from tests.handlers.teams import Team, open_team
from tests.kit import CoreKit, open_kit


@pytest.fixture
async def team(core: CoreKit) -> Team:
    return await open_team(core)


async def notifications(core: CoreKit, user_id: str) -> list[Record]:
    return await core.storage.find(query("notification", room=f"user:{user_id}", order=("at",)))


async def told(team: Team) -> dict[str, int]:
    """How many notifications each member has, if any."""
    counts = {user: len(await notifications(team.core, user)) for user in ("lead", "ann", "bob")}
    return {user: n for user, n in counts.items() if n}


async def test_an_assignee_of_a_new_task_is_told_what_it_is_about(team: Team, core: CoreKit) -> None:
    task = await team.create("Buy chalk", by=team.lead, assignees=["ann"])
    [notification] = await notifications(core, "ann")
    assert notification == {
        "kind": "notification",
        "id": notification["id"],
        "seq": 1,
        "user_id": "ann",
        "type": "task.assigned",
        "text": "You were assigned to the task “Buy chalk”.",
        "at": "2026-03-02T08:30:00.000Z",
        "read": False,
        "about": {"kind": "task", "id": task["id"], "room": "team:t1"},
    }


async def test_it_is_pushed_in_the_room_of_the_user(team: Team, core: CoreKit) -> None:
    await team.create(assignees=["ann"])
    [entry] = core.entries("user:ann")
    assert (entry.type, entry.topics, entry.by) == ("notification.create", ("user:ann",), None)


async def test_who_assigns_themself_is_not_told(team: Team) -> None:
    task = await team.create(by=team.ann, assignees=["ann", "bob"])
    await team.done(team.lead, "task.assign", task_id=task["id"], assignees=["ann", "bob", "lead"])
    assert await told(team) == {"bob": 1}


async def test_what_the_server_assigns_is_told_to_everybody(team: Team, core: CoreKit) -> None:
    payload: dict[str, Any] = {
        "description": None,
        "priority": "normal",
        "labels": [],
        "start": None,
        "due": None,
        "section": None,
    }
    await core.core.dispatcher.run_internal(
        "task.create", {**payload, "team_id": "t1", "title": "x", "assignees": ["ann"]}, SYSTEM
    )
    await core.check()
    assert await told(team) == {"ann": 1}


async def test_only_who_is_new_among_the_assignees_is_told(team: Team) -> None:
    task = await team.create(assignees=["ann"])
    await team.done(team.lead, "task.assign", task_id=task["id"], assignees=["bob", "ann"])
    assert await told(team) == {"ann": 1, "bob": 1}
    await team.done(team.lead, "task.assign", task_id=task["id"], assignees=["bob", "ann"])
    assert await told(team) == {"ann": 1, "bob": 1}


async def test_an_update_of_the_assignees_tells_them_too(team: Team) -> None:
    task = await team.create()
    update: dict[str, Any] = {"task_id": task["id"], "base_seq": task["seq"]}
    await team.done(team.lead, "task.update", **update, set={"assignees": ["bob"], "title": "x"})
    assert await told(team) == {"bob": 1}


async def test_who_is_assigned_again_is_told_again(team: Team) -> None:
    task = await team.create(assignees=["ann"])
    await team.done(team.lead, "task.assign", task_id=task["id"], assignees=[])
    await team.done(team.lead, "task.assign", task_id=task["id"], assignees=["ann"])
    assert await told(team) == {"ann": 2}


@pytest.mark.parametrize(
    ("type", "more"),
    [
        ("task.complete", {}),
        ("task.comment", {"text": "Hm."}),
        ("task.move", {"after": None}),
        ("task.delete", {}),
        ("task.update", {"set": {"title": "x"}, "base_seq": 2}),
    ],
)
async def test_other_changes_are_not_told(team: Team, type: str, more: dict[str, Any]) -> None:
    task = await team.create(assignees=["ann"])
    await team.done(team.lead, type, task_id=task["id"], **more)
    if type == "task.delete":
        await team.done(team.lead, "task.restore", task_id=task["id"])
    assert await told(team) == {"ann": 1}


async def test_several_assignments_at_once_are_each_told(team: Team, core: CoreKit) -> None:
    task = await team.create()
    assign = ("ann",), (), ("ann", "bob"), ("bob",), ("bob", "ann")
    await core.act_all(
        team.lead, [("task.assign", {"task_id": task["id"], "assignees": list(users)}) for users in assign]
    )
    assert await told(team) == {"ann": 3, "bob": 1}


async def test_an_entry_that_is_handled_again_tells_nobody_twice(team: Team, core: CoreKit) -> None:
    await team.create(assignees=["ann"])
    [entry] = [entry for entry in core.entries("team:t1") if entry.type == "task.create"]
    before = len(core.commits)
    for _ in range(3):
        await notify_assigned(entry, core.core.consumers._effects)
    assert core.commits[before:] == []
    assert await told(team) == {"ann": 1}


async def test_assignees_are_told_after_a_crash_before_the_consumer_ran(tmp_path: Path) -> None:
    path = tmp_path / "rollcall.db"
    async with open_kit(path) as core:
        team = await open_team(core)
        # The node dies as soon as the task is durable.
        await core.core.consumers.close()
        payload = {"team_id": "t1", "title": "x", "assignees": ["ann", "bob"]}
        await core.act(team.lead, "task.create", payload)
        assert await told(team) == {}
    async with open_kit(path) as core:
        await core.core.consumers.idle()
        assert len(await notifications(core, "ann")) == len(await notifications(core, "bob")) == 1
    async with open_kit(path) as core:
        await core.core.consumers.idle()
        assert len(await notifications(core, "ann")) == 1


async def test_no_client_can_write_notifications(team: Team, core: CoreKit) -> None:
    payload = {"notification": {"kind": "notification", "id": "n1", "user_id": "ann"}}
    error = await core.refused(Invalid, team.admin, "notification.create", payload)
    assert list(error.fields or {}) == ["type"]
