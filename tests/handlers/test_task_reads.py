"""Reading tasks: lists and their pages, comments, figures, and who may read what."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from handlers.pages import Page
from handlers.task_reads import TaskReads
from models.actor import Actor
from models.errors import Forbidden, Invalid, NotFound
from models.journal import ORG, Record
from models.query import Scalar
from models.task import PRIORITIES, STATUSES
from models.task_list import SORTS, TaskFilters
from models.team import member_record
from tests.handlers.teams import Team, open_team
from tests.kit import CoreKit, SetClock
from tests.parts.plans import Plans

NOW = "2026-03-02T08:30:00.000Z"
DUES = (None, "2026-03-01T12:00:00.000Z", NOW, "2026-03-02T08:30:00.001Z", "2026-03-05T12:00:00.000Z")


@pytest.fixture
async def team(core: CoreKit) -> Team:
    return await open_team(core)


@pytest.fixture
async def reads(core: CoreKit) -> TaskReads:
    return TaskReads(core.storage, core.core.access, core.clock)


async def everything(
    read: Callable[[tuple[Scalar, ...] | None], Awaitable[Page]], limit: int
) -> list[Record]:
    """All pages put together; each but the last is full."""
    items: list[Record] = []
    after = None
    while True:
        page, after = await read(after)
        items += page
        assert len(page) == limit or after is None
        if after is None:
            return items


async def titles(
    reads: TaskReads, actor: Actor, filters: dict[str, Any] | None = None, *, team_id: str = "t1"
) -> list[str]:
    loaded = TaskFilters().load(filters or {})
    page = await everything(
        lambda after: reads.of_team(actor, team_id, loaded, limit=2, after=after), limit=2
    )
    return [task["title"] for task in page]


LISTS: list[tuple[dict[str, str], str]] = [
    ({}, "bdac"),
    ({"status": "open"}, "bac"),
    ({"status": "done"}, "d"),
    ({"status": "in_progress"}, ""),
    ({"assignee": "ann"}, "ba"),
    ({"assignee": "nobody"}, ""),
    ({"priority": "normal"}, "d"),
    ({"label": "y"}, "ba"),
    ({"label": "Y"}, ""),
    ({"label": "x", "assignee": "ann", "status": "open", "priority": "low"}, "a"),
    ({"due_before": "2026-03-02T08:30:00Z"}, "b"),
    ({"due_after": "2026-03-02T08:30:00Z"}, "da"),
    ({"due_after": "2026-03-02T09:30:00+01:00", "due_before": "2026-03-05T12:00:00Z"}, "d"),
    ({"due_before": "2026-03-02T08:30:00.001Z"}, "bd"),
    ({"q": "A"}, "ac"),
    ({"q": "strasse"}, "c"),
    ({"q": "STRAßE"}, "c"),
    ({"q": "café"}, "c"),
    ({"q": "e"}, "c"),
    ({"q": "%"}, ""),
    ({"q": "a", "status": "open", "label": "x"}, "a"),
    ({"sort": "rank"}, "bdac"),
    ({"sort": "due"}, "bdac"),
    ({"sort": "-due"}, "adbc"),
    ({"sort": "due", "due_after": "2026-03-02T00:00:00Z"}, "da"),
    ({"sort": "priority"}, "bcda"),
    ({"sort": "-priority"}, "adcb"),
    ({"sort": "priority", "priority": "high"}, "c"),
    ({"sort": "created_at"}, "abcd"),
    ({"sort": "-created_at"}, "dcba"),
    ({"sort": "-created_at", "assignee": "bob"}, "db"),
]
"""Filters, and the titles of the tasks in `TestList` that they find, in order."""


class TestList:
    @pytest.fixture(autouse=True)
    async def tasks(self, core: CoreKit, team: Team) -> None:
        """Five tasks, of which `e` is deleted."""
        await team.create(
            "a", priority="low", labels=["x", "y"], assignees=["ann"], due=DUES[4], section="Now"
        )
        core.clock.move(minutes=1)
        await team.create("b", priority="urgent", labels=["y"], assignees=["ann", "bob"], due=DUES[1])
        core.clock.move(minutes=1)
        await team.create("c", priority="high", section="Now", description="Straße, CAFÉ")
        core.clock.move(minutes=1)
        done = await team.create("d", due=DUES[2], assignees=["bob"])
        await team.done(team.ann, "task.complete", task_id=done["id"])
        gone = await team.create("e", labels=["x"], assignees=["ann"])
        await team.done(team.lead, "task.delete", task_id=gone["id"])

    async def test_filters_and_order(self, team: Team, reads: TaskReads) -> None:
        found = [(filters, "".join(await titles(reads, team.ann, filters))) for filters, _ in LISTS]
        assert found == LISTS

    async def test_a_page_says_where_the_next_one_begins_and_the_last_one_nothing(
        self, team: Team, reads: TaskReads
    ) -> None:
        first, after = await reads.of_team(team.ann, "t1", {}, limit=3)
        assert [task["title"] for task in first] == ["b", "d", "a"]
        assert after is not None
        rest, end = await reads.of_team(team.ann, "t1", {}, limit=3, after=after)
        assert [task["title"] for task in rest] == ["c"]
        assert end is None
        _, end = await reads.of_team(team.ann, "t1", {}, limit=4)
        assert end is None

    async def test_a_page_goes_on_where_the_last_one_ended_whatever_happened_since(
        self, team: Team, reads: TaskReads
    ) -> None:
        filters = {"sort": "created_at"}
        first, after = await reads.of_team(team.ann, "t1", filters, limit=2)
        await team.done(team.lead, "task.delete", task_id=first[1]["id"])
        await team.create("f")
        rest, _ = await reads.of_team(team.ann, "t1", filters, limit=9, after=after)
        assert [task["title"] for task in rest] == ["c", "d", "f"]

    @pytest.mark.parametrize(
        "after", [(), (1,), (9, "x"), (-1, "a", "b"), (0, "a"), ("a", "b", "c"), (None,)]
    )
    async def test_a_place_that_no_list_has_is_invalid(
        self, team: Team, reads: TaskReads, after: tuple[Scalar, ...]
    ) -> None:
        with pytest.raises(Invalid) as caught:
            await reads.of_team(team.ann, "t1", {"sort": "due"}, limit=2, after=after)
        assert list(caught.value.fields or {}) == ["cursor"]

    async def test_own_tasks_are_those_of_all_teams_by_due_date(
        self, core: CoreKit, team: Team, reads: TaskReads
    ) -> None:
        both = await core.actor("ann", roles=[("member", "team:t1"), ("member", "team:t2")])
        await core.put(ORG, member_record("t2", {"id": "ann", "name": "Ann"}, "member"))
        await team.done(
            team.stranger, "task.create", team_id="t2", title="Balls", assignees=["ann"], due=DUES[3]
        )
        page, after = await reads.own(both, {}, limit=9)
        assert [task["title"] for task in page] == ["b", "Balls", "a"]
        assert after is None
        page, _ = await reads.own(both, {"priority": "low"}, limit=9)
        assert [task["title"] for task in page] == ["a"]
        page, _ = await reads.own(both, {"assignee": "bob"}, limit=9)
        assert [task["title"] for task in page] == ["b"]

    async def test_tasks_of_a_team_that_was_left_are_own_ones_no_longer(
        self, core: CoreKit, reads: TaskReads
    ) -> None:
        left = await core.actor("ann", roles=[("member", "team:t2")])
        assert await reads.own(left, {}, limit=9) == ([], None)
        assert await reads.own(await core.actor("ann"), {}, limit=9) == ([], None)
        assert (await reads.own_stats(left))["by_assignee"] == {}

    async def test_figures_of_a_team(self, team: Team, reads: TaskReads) -> None:
        assert await reads.team_stats(team.ann, "t1") == {
            "by_status": {"open": 3, "in_progress": 0, "done": 1},
            "by_priority": {"low": 1, "normal": 1, "high": 1, "urgent": 1},
            "by_assignee": {"ann": 2, "bob": 2},
            "overdue": 1,
        }

    async def test_what_is_due_now_is_not_overdue_yet(
        self, core: CoreKit, team: Team, reads: TaskReads
    ) -> None:
        core.clock.moment = core.clock.moment.replace(day=5, hour=12, minute=0)
        assert (await reads.team_stats(team.ann, "t1"))["overdue"] == 1
        core.clock.move(milliseconds=1)
        assert (await reads.team_stats(team.ann, "t1"))["overdue"] == 2

    async def test_figures_of_oneself(self, team: Team, reads: TaskReads) -> None:
        assert await reads.own_stats(team.bob) == {
            "by_status": {"open": 1, "in_progress": 0, "done": 1},
            "by_priority": {"low": 0, "normal": 1, "high": 0, "urgent": 1},
            "by_assignee": {"bob": 2},
            "overdue": 1,
        }

    async def test_figures_of_an_empty_team(self, team: Team, reads: TaskReads) -> None:
        assert await reads.team_stats(team.stranger, "t2") == {
            "by_status": dict.fromkeys(STATUSES, 0),
            "by_priority": dict.fromkeys(PRIORITIES, 0),
            "by_assignee": {},
            "overdue": 0,
        }


class TestReach:
    async def test_lists_and_figures_are_for_the_team_and_admins(
        self, core: CoreKit, team: Team, reads: TaskReads
    ) -> None:
        await team.create()
        for actor in (team.admin, team.lead, team.ann):
            assert len((await reads.of_team(actor, "t1", {}, limit=9))[0]) == 1
            assert (await reads.team_stats(actor, "t1"))["by_status"]["open"] == 1
        for actor in (team.stranger, await core.actor()):
            for team_id in ("t1", "t9"):
                with pytest.raises(Forbidden):
                    await reads.of_team(actor, team_id, {}, limit=9)
                with pytest.raises(Forbidden):
                    await reads.team_stats(actor, team_id)
        with pytest.raises(NotFound):
            await reads.of_team(team.admin, "t9", {}, limit=9)

    async def test_a_task_and_its_comments_are_not_found_by_others(
        self, core: CoreKit, team: Team, reads: TaskReads
    ) -> None:
        task = await team.create()
        for actor in (team.admin, team.lead, team.ann):
            assert await reads.task(actor, task["id"]) == task
            assert await reads.comments(actor, task["id"], limit=9) == ([], None)
        for actor in (team.stranger, await core.actor()):
            with pytest.raises(NotFound):
                await reads.task(actor, task["id"])
            with pytest.raises(NotFound):
                await reads.comments(actor, task["id"], limit=9)

    async def test_neither_are_those_of_a_deleted_task(self, team: Team, reads: TaskReads) -> None:
        task = await team.create()
        await team.done(team.ann, "task.comment", task_id=task["id"], text="Hm.")
        await team.done(team.lead, "task.delete", task_id=task["id"])
        with pytest.raises(NotFound):
            await reads.task(team.lead, task["id"])
        with pytest.raises(NotFound):
            await reads.comments(team.lead, task["id"], limit=9)
        await team.done(team.lead, "task.restore", task_id=task["id"])
        [comment], _ = await reads.comments(team.lead, task["id"], limit=9)
        assert comment["text"] == "Hm."


async def test_comments_come_in_the_order_they_were_made(core: CoreKit, team: Team, reads: TaskReads) -> None:
    task, other = await team.create(), await team.create()
    made = [await team.done(team.ann, "task.comment", task_id=task["id"], text=f"{n}") for n in range(12)]
    await team.done(team.ann, "task.comment", task_id=other["id"], text="elsewhere")
    found = await everything(
        lambda after: reads.comments(team.bob, task["id"], limit=5, after=after), limit=5
    )
    assert found == made


wanted = st.fixed_dictionaries(
    {"sort": st.sampled_from(SORTS)},
    optional={
        "status": st.sampled_from(STATUSES),
        "assignee": st.sampled_from(["ann", "bob"]),
        "priority": st.sampled_from(PRIORITIES),
        "label": st.sampled_from(["x", "y"]),
        "due_before": st.sampled_from(DUES[1:]),
        "due_after": st.sampled_from(DUES[1:]),
        "q": st.sampled_from(["1", "b", "note"]),
    },
)
a_task = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["A1", "b2", "C12"]),
        "description": st.sampled_from([None, "a note", "B"]),
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(PRIORITIES),
        "labels": st.lists(st.sampled_from(["x", "y"]), unique=True),
        "assignees": st.lists(st.sampled_from(["ann", "bob"]), unique=True),
        "due": st.sampled_from(DUES),
        "section": st.sampled_from([None, "Later", "Now"]),
        "rank": st.integers(0, 3),
        "created_at": st.sampled_from(["2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z"]),
    }
)
rooms = itertools.count(1)


def belongs(task: Record, filters: dict[str, Any]) -> bool:
    text = f"{task['title']}\n{task['description'] or ''}".lower()
    due = task["due"]
    return (
        filters.get("status") in (None, task["status"])
        and filters.get("priority") in (None, task["priority"])
        and ("assignee" not in filters or filters["assignee"] in task["assignees"])
        and ("label" not in filters or filters["label"] in task["labels"])
        and ("due_before" not in filters or (due is not None and due < filters["due_before"]))
        and ("due_after" not in filters or (due is not None and due >= filters["due_after"]))
        and filters.get("q", "") in text
    )


def in_order(tasks: list[Record], sort: str) -> list[Record]:
    by = {
        "rank": lambda t: (t["section"] or "", t["rank"], t["id"]),
        "due": lambda t: (t["due"] or "", t["id"]),
        "priority": lambda t: (PRIORITIES.index(t["priority"]), t["created_at"], t["id"]),
        "created_at": lambda t: (t["created_at"], t["id"]),
    }
    match sort:
        case "due" | "-due":
            undated = sorted((t for t in tasks if t["due"] is None), key=by["due"])
            dated = [t for t in tasks if t["due"] is not None]
            return [*sorted(dated, key=by["due"], reverse=sort == "-due"), *undated]
        case "priority":
            return sorted(sorted(tasks, key=by["priority"]), key=lambda t: -PRIORITIES.index(t["priority"]))
        case "-priority" | "rank":
            return sorted(tasks, key=by[sort.removeprefix("-")])
    return sorted(tasks, key=by["created_at"], reverse=sort == "-created_at")


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[tuple[CoreKit, Plans, Path]]:
    """A core whose statements of SQL are gathered."""
    plans, path = Plans(), tmp_path / "traced.db"
    storage = SqliteStorage(path, trace=plans.record)
    await storage.open()
    kit = CoreKit(storage, SqliteCredentials(storage), SetClock())
    await kit.core.open()
    yield kit, plans, path
    await kit.core.close()
    kit.passwords.close()
    await storage.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=wanted, contents=st.lists(a_task, max_size=12), limit=st.integers(1, 5), own=st.booleans())
async def test_every_list_equals_the_plain_one_and_uses_an_index(
    traced: tuple[CoreKit, Plans, Path],
    filters: dict[str, Any],
    contents: list[dict[str, Any]],
    limit: int,
    own: bool,
) -> None:
    core, plans, path = traced
    name = f"q{next(rooms)}"
    await core.put(ORG, {"kind": "team", "id": name, "name": name, "archived": False})
    tasks = [
        await core.put(
            f"team:{name}",
            {"kind": "task", "id": f"{name}-{n * 7 % 100:02}", "team_id": name, **fields},
        )
        for n, fields in enumerate(contents)
    ]
    ann = Actor("ann", "Ann", (("member", f"team:{name}"),))
    reads = TaskReads(core.storage, core.core.access, core.clock)
    loaded = TaskFilters().load(filters)

    def read(after: tuple[Scalar, ...] | None) -> Awaitable[Page]:
        if own:
            return reads.own(ann, loaded, limit=limit, after=after)
        return reads.of_team(ann, name, loaded, limit=limit, after=after)

    belonging = [task for task in tasks if belongs(task, filters) and (not own or "ann" in task["assignees"])]
    assert await everything(read, limit) == in_order(belonging, filters["sort"])
    assert plans.scans(path) == []


async def test_comments_and_figures_use_an_index(traced: tuple[CoreKit, Plans, Path]) -> None:
    core, plans, path = traced
    team = await open_team(core)
    reads = TaskReads(core.storage, core.core.access, core.clock)
    task = await team.create(assignees=["ann"])
    await team.done(team.ann, "task.comment", task_id=task["id"], text="Hm.")
    before = len(plans.statements)
    await reads.comments(team.ann, task["id"], limit=5)
    await reads.team_stats(team.ann, "t1")
    await reads.own_stats(team.ann)
    assert len(plans.statements) > before
    assert plans.scans(path) == []
