"""Deleting tasks into the trash and restoring them."""

from __future__ import annotations

import pytest

from models.errors import Conflict, Forbidden, Invalid, NotFound
from tests.handlers.teams import Team, open_team
from tests.kit import CoreKit


@pytest.fixture
async def team(core: CoreKit) -> Team:
    return await open_team(core)


async def test_a_deleted_task_leaves_a_tombstone(team: Team, core: CoreKit) -> None:
    task = await team.create()
    ack = await core.act(team.lead, "task.delete", {"task_id": task["id"]})
    assert ack.data == {"kind": "task", "id": task["id"], "seq": task["seq"] + 1, "deleted": True}
    assert await team.task(task["id"]) is None


@pytest.mark.parametrize("type", ["task.complete", "task.delete", "task.reopen"])
async def test_a_deleted_task_is_not_found(team: Team, core: CoreKit, type: str) -> None:
    task = await team.create()
    await team.done(team.lead, "task.delete", task_id=task["id"])
    await core.refused(NotFound, team.lead, type, {"task_id": task["id"]})


async def test_a_deleted_task_takes_no_comment_no_place_and_no_neighbour(team: Team, core: CoreKit) -> None:
    task, other = await team.create(), await team.create("Other")
    await team.done(team.lead, "task.delete", task_id=task["id"])
    await core.refused(NotFound, team.ann, "task.comment", {"task_id": task["id"], "text": "Why?"})
    await core.refused(NotFound, team.ann, "task.move", {"task_id": task["id"], "after": None})
    behind_it = {"task_id": other["id"], "after": task["id"]}
    error = await core.refused(Invalid, team.ann, "task.move", behind_it)
    assert list(error.fields or {}) == ["after"]


async def test_a_restored_task_is_as_it_was(team: Team) -> None:
    task = await team.create(labels=["shop"], assignees=["bob"], section="Now", due="2026-03-03T09:00:00Z")
    changed = await team.done(team.ann, "task.complete", task_id=task["id"])
    await team.done(team.lead, "task.delete", task_id=task["id"])
    restored = await team.done(team.lead, "task.restore", task_id=task["id"])
    assert {**restored, "seq": changed["seq"]} == changed
    assert restored["seq"] > changed["seq"]
    assert await team.task(task["id"]) == restored


async def test_it_can_be_deleted_and_restored_again(team: Team) -> None:
    task = await team.create()
    for _ in range(3):
        await team.done(team.lead, "task.delete", task_id=task["id"])
        await team.done(team.lead, "task.restore", task_id=task["id"])
    assert (await team.task(task["id"]) or {})["title"] == task["title"]


async def test_an_update_based_on_before_the_deletion_still_merges(team: Team) -> None:
    task = await team.create()
    await team.done(team.lead, "task.delete", task_id=task["id"])
    await team.done(team.lead, "task.restore", task_id=task["id"])
    merged = await team.done(
        team.ann, "task.update", task_id=task["id"], set={"title": "B"}, base_seq=task["seq"]
    )
    assert merged["title"] == "B"


async def test_only_what_is_in_the_trash_can_be_restored(team: Team, core: CoreKit) -> None:
    task = await team.create()
    error = await core.refused(Conflict, team.lead, "task.restore", {"task_id": task["id"]})
    assert error.current == task
    await team.done(team.lead, "task.delete", task_id=task["id"])
    restored = await team.done(team.lead, "task.restore", task_id=task["id"])
    error = await core.refused(Conflict, team.lead, "task.restore", {"task_id": task["id"]})
    assert error.current == restored


@pytest.mark.parametrize("who", ["admin", "lead"])
async def test_leads_and_admins_delete_and_restore_any_task(team: Team, who: str) -> None:
    task = await team.create(by=team.ann)
    await team.done(getattr(team, who), "task.delete", task_id=task["id"])
    await team.done(getattr(team, who), "task.restore", task_id=task["id"])


async def test_a_member_deletes_and_restores_their_own_tasks_only(team: Team, core: CoreKit) -> None:
    own, other = await team.create(by=team.ann), await team.create(by=team.bob)
    await team.done(team.ann, "task.delete", task_id=own["id"])
    await core.refused(Forbidden, team.ann, "task.delete", {"task_id": other["id"]})
    await core.refused(Forbidden, team.bob, "task.restore", {"task_id": own["id"]})
    await team.done(team.lead, "task.delete", task_id=other["id"])
    await core.refused(Forbidden, team.ann, "task.restore", {"task_id": other["id"]})
    assert (await team.done(team.ann, "task.restore", task_id=own["id"]))["created_by"] == "ann"
    assert (await team.done(team.bob, "task.restore", task_id=other["id"]))["created_by"] == "bob"


async def test_a_deletion_that_is_sent_again_gets_its_first_answer(team: Team, core: CoreKit) -> None:
    task = await team.create()
    payload = {"task_id": task["id"]}
    completed = await core.act(team.lead, "task.complete", payload, op_id="complete")
    deleted = await core.act(team.lead, "task.delete", payload, op_id="delete")
    # What is known of rooms is gone after a restart.
    core.core.rooms._known.clear()
    for op_id, type, first in (("delete", "task.delete", deleted), ("complete", "task.complete", completed)):
        again = await core.act(team.lead, type, payload, op_id=op_id)
        assert (again.duplicate, again.data, again.seq) == (True, first.data, first.seq)
    restored = await core.act(team.lead, "task.restore", payload, op_id="restore")
    core.core.rooms._known.clear()
    again = await core.act(team.lead, "task.restore", payload, op_id="restore")
    assert (again.duplicate, again.data) == (True, restored.data)


async def test_a_restored_task_stands_where_it_stood(team: Team) -> None:
    _, task, _ = [await team.create(title) for title in ("first", "task", "last")]
    await team.done(team.lead, "task.delete", task_id=task["id"])
    assert (await team.done(team.lead, "task.restore", task_id=task["id"]))["rank"] == task["rank"]


async def test_a_restored_task_stands_behind_what_took_its_place(team: Team) -> None:
    first, task, last = [await team.create(title) for title in ("first", "task", "last")]
    await team.done(team.lead, "task.delete", task_id=task["id"])
    # Another one gets the very rank that the deleted one had.
    other = await team.create("other")
    taken = await team.done(team.ann, "task.move", task_id=other["id"], after=first["id"])
    assert taken["rank"] == task["rank"]
    restored = await team.done(team.lead, "task.restore", task_id=task["id"])
    assert first["rank"] < taken["rank"] < restored["rank"] < last["rank"]
