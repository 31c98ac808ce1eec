"""Tasks through the dispatcher: creation, merge, status, assignees and comments, for every role."""

from __future__ import annotations

from typing import Any

import pytest

from models.actor import Actor
from models.errors import Conflict, Forbidden, Invalid, NotFound, RollcallError
from models.journal import ORG, Record
from models.team import member_id, team_record
from tests.handlers.teams import Team, member, open_team
from tests.kit import CoreKit

EVERY_TASK_ACTION: dict[str, dict[str, Any]] = {
    "task.update": {"set": {"title": "x"}, "base_seq": 0},
    "task.complete": {},
    "task.reopen": {},
    "task.assign": {"assignees": []},
    "task.comment": {"text": "x"},
    "task.move": {"after": None},
    "task.delete": {},
    "task.restore": {},
}


@pytest.fixture
async def team(core: CoreKit) -> Team:
    return await open_team(core)


async def update(team: Team, actor: Actor, task: Record, base_seq: int, **values: Any) -> Record:
    return await team.done(actor, "task.update", task_id=task["id"], set=values, base_seq=base_seq)


async def clash(team: Team, actor: Actor, task: Record, base_seq: int, **values: Any) -> RollcallError:
    payload = {"task_id": task["id"], "set": values, "base_seq": base_seq}
    return await team.core.refused(Conflict, actor, "task.update", payload)


class TestCreate:
    async def test_a_new_task_is_open_and_everything_else_is_as_given(self, team: Team) -> None:
        task = await team.done(
            team.ann,
            "task.create",
            team_id="t1",
            title="Buy chalk",
            description="White.",
            priority="high",
            labels=["shop"],
            assignees=["bob"],
            start="2026-03-02T09:00:00Z",
            due="2026-03-03T09:00:00+01:00",
            section="Now",
        )
        assert task == {
            "kind": "task",
            "id": task["id"],
            "seq": task["seq"],
            "team_id": "t1",
            "title": "Buy chalk",
            "description": "White.",
            "status": "open",
            "priority": "high",
            "labels": ["shop"],
            "assignees": ["bob"],
            "assigned": {"bob": task["seq"]},
            "start": "2026-03-02T09:00:00.000Z",
            "due": "2026-03-03T08:00:00.000Z",
            "section": "Now",
            "rank": 0,
            "created_by": "ann",
            "created_at": "2026-03-02T08:30:00.000Z",
            "completed_at": None,
            "changed": {},
        }
        assert await team.task(task["id"]) == task

    @pytest.mark.parametrize("who", ["admin", "lead", "ann"])
    async def test_admin_lead_and_member_may(self, team: Team, who: str) -> None:
        assert (await team.create(by=getattr(team, who)))["created_by"] == getattr(team, who).id

    async def test_others_may_not_whether_the_team_exists_or_not(self, team: Team, core: CoreKit) -> None:
        for team_id in ("t1", "t9"):
            await core.refused(Forbidden, team.stranger, "task.create", {"team_id": team_id, "title": "x"})

    async def test_an_unknown_team_is_not_found_for_an_admin(self, team: Team, core: CoreKit) -> None:
        await core.refused(NotFound, team.admin, "task.create", {"team_id": "t9", "title": "x"})

    async def test_assignees_must_be_members_of_this_team(self, team: Team, core: CoreKit) -> None:
        payload = {"team_id": "t1", "title": "x", "assignees": ["ann", "stranger", "nobody"]}
        error = await core.refused(Invalid, team.lead, "task.create", payload)
        assert list(error.fields or {}) == ["assignees"]
        assert "stranger, nobody" in error.message
        assert "ann" not in error.message

    async def test_it_cannot_be_due_before_it_starts(self, team: Team, core: CoreKit) -> None:
        dates = {"start": "2026-03-03T09:00:00Z", "due": "2026-03-03T09:00:00+01:00"}
        error = await core.refused(
            Invalid, team.lead, "task.create", {"team_id": "t1", "title": "x", **dates}
        )
        assert list(error.fields or {}) == ["due"]

    async def test_the_same_op_id_makes_one_task(self, team: Team, core: CoreKit) -> None:
        payload = {"team_id": "t1", "title": "x"}
        first = await core.act(team.ann, "task.create", payload, op_id="same")
        again = await core.act(team.ann, "task.create", payload, op_id="same")
        assert again.duplicate
        assert (again.data, again.seq) == (first.data, first.seq)

    async def test_two_hundred_at_once_get_numbers_without_a_hole(self, team: Team, core: CoreKit) -> None:
        head = core.entries("team:t1")[-1].seq
        outcomes = await core.act_all(
            team.ann, [("task.create", {"team_id": "t1", "title": f"Task {n}"}) for n in range(200)]
        )
        assert not [outcome for outcome in outcomes if isinstance(outcome, RollcallError)]
        created = [entry.data for entry in core.entries("team:t1") if entry.type == "task.create"]
        assert [task["seq"] for task in created] == list(range(head + 1, head + 201))
        assert [task["title"] for task in sorted(created, key=lambda task: task["rank"])] == [
            f"Task {n}" for n in range(200)
        ]


class TestMerge:
    """The merge table: ann and bob both have read the task at its creation."""

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({"title": "A"}, {"description": "B"}),
            ({"title": "A", "labels": ["a"]}, {"priority": "low", "section": "Now"}),
            ({"status": "done"}, {"assignees": ["bob"]}),
            ({"start": "2026-03-02T09:00:00.000Z"}, {"due": "2026-03-02T09:00:00.000Z"}),
        ],
    )
    async def test_different_fields_both_stand(
        self, team: Team, first: dict[str, Any], second: dict[str, Any]
    ) -> None:
        task = await team.create()
        await update(team, team.ann, task, task["seq"], **first)
        merged = await update(team, team.bob, task, task["seq"], **second)
        assert merged.items() >= {**first, **second}.items()

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("title", ("A", "B")),
            ("description", ("A", None)),
            ("status", ("done", "in_progress")),
            ("priority", ("low", "high")),
            ("labels", (["a"], [])),
            ("assignees", (["ann"], ["bob"])),
            ("start", ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")),
            ("due", ("2026-03-02T09:00:00Z", None)),
            ("section", ("Now", "Later")),
        ],
    )
    async def test_the_same_field_is_a_conflict(self, team: Team, name: str, values: tuple[Any, Any]) -> None:
        task = await team.create()
        changed = await update(team, team.ann, task, task["seq"], **{name: values[0]})
        error = await clash(team, team.bob, task, task["seq"], **{name: values[1]})
        assert list(error.fields or {}) == [f"set.{name}"]
        assert error.current == changed
        assert await team.task(task["id"]) == changed

    async def test_one_clash_refuses_the_whole_update(self, team: Team) -> None:
        task = await team.create()
        changed = await update(team, team.ann, task, task["seq"], title="A", labels=["a"])
        error = await clash(team, team.bob, task, task["seq"], title="B", labels=[], priority="high")
        assert sorted(error.fields or {}) == ["set.labels", "set.title"]
        assert await team.task(task["id"]) == changed

    async def test_a_change_that_the_sender_has_seen_is_no_clash(self, team: Team) -> None:
        task = await team.create()
        seen = await update(team, team.ann, task, task["seq"], title="A")
        assert (await update(team, team.bob, task, seen["seq"], title="B"))["title"] == "B"

    async def test_entries_of_other_records_do_not_matter(self, team: Team) -> None:
        task = await team.create()
        await team.create("Another")
        await team.done(team.ann, "task.comment", task_id=task["id"], text="Hm.")
        assert (await update(team, team.bob, task, task["seq"], title="B"))["title"] == "B"

    async def test_setting_the_value_that_is_there_is_not_a_change(self, team: Team) -> None:
        task = await team.create()
        await update(team, team.ann, task, task["seq"], title=task["title"], priority="high")
        assert (await update(team, team.bob, task, task["seq"], title="B"))["title"] == "B"

    @pytest.mark.parametrize(
        ("type", "more", "name", "value"),
        [
            ("task.complete", {}, "status", "in_progress"),
            ("task.assign", {"assignees": ["ann"]}, "assignees", ["bob"]),
            ("task.move", {"section": "Now", "after": None}, "section", "Later"),
        ],
    )
    async def test_other_actions_change_fields_too(
        self, team: Team, type: str, more: dict[str, Any], name: str, value: Any
    ) -> None:
        task = await team.create()
        await team.done(team.ann, type, task_id=task["id"], **more)
        error = await clash(team, team.bob, task, task["seq"], **{name: value})
        assert list(error.fields or {}) == [f"set.{name}"]
        assert (await update(team, team.bob, task, task["seq"], title="B"))["title"] == "B"

    async def test_of_two_at_once_one_wins(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        base = {"task_id": task["id"], "base_seq": task["seq"]}
        one, other, third = await core.act_all(
            team.ann,
            [
                ("task.update", {**base, "set": {"title": "A"}}),
                ("task.update", {**base, "set": {"title": "B"}}),
                ("task.update", {**base, "set": {"priority": "low"}}),
            ],
        )
        assert isinstance(other, Conflict)
        assert not isinstance(one, RollcallError)
        assert not isinstance(third, RollcallError)
        assert ((await team.task(task["id"])) or {}).items() >= {"title": "A", "priority": "low"}.items()

    async def test_a_base_above_the_head_is_invalid(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        payload = {"task_id": task["id"], "set": {"title": "B"}, "base_seq": task["seq"] + 1}
        error = await core.refused(Invalid, team.bob, "task.update", payload)
        assert list(error.fields or {}) == ["base_seq"]

    async def test_if_seq_is_about_the_whole_task(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        changed = await update(team, team.ann, task, task["seq"], title="A")
        payload = {"task_id": task["id"], "set": {"priority": "low"}, "base_seq": task["seq"]}
        error = await core.refused(Conflict, team.bob, "task.update", payload, if_seq=task["seq"])
        assert error.current == changed
        ack = await core.act(team.bob, "task.update", payload, if_seq=changed["seq"])
        assert ack.data != changed

    async def test_an_update_is_sent_again_without_a_clash_with_itself(
        self, team: Team, core: CoreKit
    ) -> None:
        task = await team.create()
        payload = {"task_id": task["id"], "set": {"title": "B"}, "base_seq": task["seq"]}
        first = await core.act(team.bob, "task.update", payload, op_id="same")
        again = await core.act(team.bob, "task.update", payload, op_id="same")
        assert (again.duplicate, again.data) == (True, first.data)


class TestUpdate:
    async def test_start_and_due_are_checked_together_with_what_is_there(
        self, team: Team, core: CoreKit
    ) -> None:
        task = await team.create(start="2026-03-02T09:00:00Z", due="2026-03-03T09:00:00Z")
        for values, path in (
            ({"due": "2026-03-02T08:59:59Z"}, "set.due"),
            ({"start": "2026-03-03T09:00:01Z"}, "set.start"),
            ({"start": "2026-03-05T09:00:00Z", "due": "2026-03-04T09:00:00Z"}, "set.due"),
        ):
            payload = {"task_id": task["id"], "set": values, "base_seq": task["seq"]}
            error = await core.refused(Invalid, team.ann, "task.update", payload)
            assert list(error.fields or {}) == [path]
        moved = await update(
            team, team.ann, task, task["seq"], start="2026-03-04T09:00:00Z", due="2026-03-04T09:00:00Z"
        )
        assert moved["start"] == moved["due"] == "2026-03-04T09:00:00.000Z"

    async def test_merged_dates_must_be_in_order_too(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        await update(team, team.ann, task, task["seq"], start="2026-03-05T09:00:00Z")
        payload = {"task_id": task["id"], "set": {"due": "2026-03-04T09:00:00Z"}, "base_seq": task["seq"]}
        error = await core.refused(Invalid, team.bob, "task.update", payload)
        assert list(error.fields or {}) == ["set.due"]

    async def test_new_assignees_must_be_members(self, team: Team, core: CoreKit) -> None:
        task = await team.create(assignees=["ann"])
        payload = {
            "task_id": task["id"],
            "set": {"assignees": ["ann", "stranger"]},
            "base_seq": task["seq"],
        }
        error = await core.refused(Invalid, team.ann, "task.update", payload)
        assert list(error.fields or {}) == ["set.assignees"]

    async def test_who_left_the_team_may_stay_on_but_not_be_added(self, team: Team, core: CoreKit) -> None:
        task = await team.create(assignees=["bob"])
        await core.put(ORG, {"kind": "member", "id": member_id("t1", "bob"), "deleted": True})
        both = await team.done(team.lead, "task.assign", task_id=task["id"], assignees=["bob", "ann"])
        assert both["assignees"] == ["bob", "ann"]
        await team.done(team.lead, "task.assign", task_id=task["id"], assignees=["ann"])
        back = {"task_id": task["id"], "assignees": ["ann", "bob"]}
        await core.refused(Invalid, team.lead, "task.assign", back)

    async def test_another_section_puts_the_task_at_its_end(self, team: Team) -> None:
        first = await team.create("first", section="Now")
        task = await team.create("task")
        moved = await update(team, team.ann, task, task["seq"], section="Now")
        assert moved["rank"] > first["rank"]
        stays = await update(team, team.ann, first, task["seq"], section="Now", title="still first")
        assert stays["rank"] == first["rank"]


class TestStatus:
    async def test_complete_and_reopen(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        core.clock.move(hours=1)
        done = await team.done(team.ann, "task.complete", task_id=task["id"])
        assert (done["status"], done["completed_at"]) == ("done", "2026-03-02T09:30:00.000Z")
        core.clock.move(hours=1)
        again = await team.done(team.bob, "task.complete", task_id=task["id"])
        assert {**again, "seq": done["seq"]} == done
        reopened = await team.done(team.ann, "task.reopen", task_id=task["id"])
        assert (reopened["status"], reopened["completed_at"]) == ("open", None)

    async def test_update_keeps_the_time_of_completion_too(self, team: Team) -> None:
        task = await team.create()
        done = await update(team, team.ann, task, task["seq"], status="done")
        assert done["completed_at"] == "2026-03-02T08:30:00.000Z"
        working = await update(team, team.ann, task, done["seq"], status="in_progress")
        assert working["completed_at"] is None

    async def test_reopening_what_is_not_done_leaves_it_in_progress(self, team: Team) -> None:
        task = await team.create()
        await update(team, team.ann, task, task["seq"], status="in_progress")
        assert (await team.done(team.ann, "task.reopen", task_id=task["id"]))["status"] == "in_progress"


class TestAssign:
    async def test_the_list_is_replaced(self, team: Team) -> None:
        task = await team.create(assignees=["ann"])
        assigned = await team.done(team.ann, "task.assign", task_id=task["id"], assignees=["bob", "lead"])
        assert assigned["assignees"] == ["bob", "lead"]
        assert (await team.done(team.ann, "task.assign", task_id=task["id"], assignees=[]))["assignees"] == []

    async def test_only_members_of_the_team(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        payload = {"task_id": task["id"], "assignees": ["stranger"]}
        error = await core.refused(Invalid, team.ann, "task.assign", payload)
        assert list(error.fields or {}) == ["assignees"]


class TestComment:
    async def test_a_comment_is_a_record_of_its_own(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        comment = await team.done(team.ann, "task.comment", task_id=task["id"], text="Blue?\nOr white?")
        assert (
            comment.items()
            >= {
                "kind": "comment",
                "task_id": task["id"],
                "text": "Blue?\nOr white?",
                "by": "ann",
                "by_name": (await core.core.org.actor("ann")).name,
                "at": "2026-03-02T08:30:00.000Z",
            }.items()
        )
        assert core.entries("team:t1")[-1].topics == ("team:t1",)
        assert await team.task(task["id"]) == task

    async def test_if_seq_is_the_task_that_was_read(self, team: Team, core: CoreKit) -> None:
        task = await team.create()
        changed = await team.done(team.ann, "task.complete", task_id=task["id"])
        payload = {"task_id": task["id"], "text": "Not yet!"}
        await core.refused(Conflict, team.bob, "task.comment", payload, if_seq=task["seq"])
        await core.act(team.bob, "task.comment", payload, if_seq=changed["seq"])


class TestReach:
    @pytest.mark.parametrize("type", EVERY_TASK_ACTION)
    async def test_a_task_out_of_reach_is_as_unknown_as_one_that_is_not_there(
        self, team: Team, core: CoreKit, type: str
    ) -> None:
        task = await team.create()
        there = {"task_id": task["id"], **EVERY_TASK_ACTION[type]}
        missing = {"task_id": "task-0", **EVERY_TASK_ACTION[type]}
        for actor in (team.stranger, await core.actor()):
            hidden = await core.refused(NotFound, actor, type, there)
            unknown = await core.refused(NotFound, actor, type, missing)
            assert hidden.message.replace(task["id"], "task-0") == unknown.message
            assert hidden.current is None
        await core.refused(NotFound, team.lead, type, missing)

    @pytest.mark.parametrize("type", EVERY_TASK_ACTION)
    async def test_an_archived_team_refuses_every_change(self, team: Team, core: CoreKit, type: str) -> None:
        task = await team.create(by=team.ann)
        if type == "task.restore":
            await team.done(team.ann, "task.delete", task_id=task["id"])
        await core.put(ORG, {**team_record("t1", "Science"), "archived": True})
        for actor in (team.lead, team.ann, team.admin):
            payload = {"task_id": task["id"], **EVERY_TASK_ACTION[type]}
            error = await core.refused(Conflict, actor, type, payload)
            assert "archived" in error.message

    async def test_an_archived_team_takes_no_new_tasks(self, team: Team, core: CoreKit) -> None:
        await core.put(ORG, {**team_record("t1", "Science"), "archived": True})
        await core.refused(Conflict, team.lead, "task.create", {"team_id": "t1", "title": "x"})

    async def test_everybody_in_the_team_and_admins_may_change_any_task(self, team: Team) -> None:
        task = await team.create(by=team.bob)
        for actor in (team.admin, team.lead, team.ann, team.bob):
            for type, more in EVERY_TASK_ACTION.items():
                if type not in ("task.delete", "task.restore"):
                    state = await team.task(task["id"]) or {}
                    payload = {"task_id": task["id"], **more}
                    if "base_seq" in payload:
                        payload["base_seq"] = state["seq"]
                    await team.core.act(actor, type, payload)

    async def test_a_task_of_another_team_is_not_found_through_the_own_one(
        self, team: Team, core: CoreKit
    ) -> None:
        other = await team.done(team.stranger, "task.create", team_id="t2", title="Balls")
        await member(core, "t1", "carl")
        await core.refused(NotFound, team.lead, "task.complete", {"task_id": other["id"]})
