"""Moving tasks: whatever is moved where, a section's order is that of a list."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import Invalid, NotFound
from models.journal import Record
from models.query import query
from models.rank import GAP
from tests.handlers.teams import Team, open_team
from tests.kit import CoreKit, open_kit


@pytest.fixture
async def team(core: CoreKit) -> Team:
    return await open_team(core)


async def order(team: Team, section: str | None = None) -> list[str]:
    """The titles of a section's tasks in their order."""
    wanted = query("task", room="team:t1", section=section, order=("rank",))
    return [task["title"] for task in await team.core.storage.find(wanted)]


async def created(team: Team, *titles: str, section: str | None = None) -> dict[str, Record]:
    return {title: await team.create(title, section=section) for title in titles}


async def move(team: Team, task: Record, after: Record | None, **section: str | None) -> Record:
    after_id = None if after is None else after["id"]
    return await team.done(team.ann, "task.move", task_id=task["id"], after=after_id, **section)


async def test_new_tasks_come_last(team: Team) -> None:
    await created(team, "a", "b")
    await created(team, "x", section="Now")
    await created(team, "c")
    assert await order(team) == ["a", "b", "c"]
    assert await order(team, "Now") == ["x"]


@pytest.mark.parametrize(
    ("moved", "after", "expected"),
    [
        ("c", None, "cabd"),
        ("a", None, "abcd"),
        ("a", "b", "bacd"),
        ("a", "d", "bcda"),
        ("d", "a", "adbc"),
        ("c", "b", "abcd"),
        ("b", "c", "acbd"),
    ],
)
async def test_within_a_section(team: Team, moved: str, after: str | None, expected: str) -> None:
    tasks = await created(team, *"abcd")
    await move(team, tasks[moved], None if after is None else tasks[after])
    assert await order(team) == list(expected)


async def test_into_another_section(team: Team) -> None:
    tasks = {**await created(team, *"abc"), **await created(team, *"xy", section="Now")}
    moved = await move(team, tasks["b"], tasks["x"], section="Now")
    assert moved["section"] == "Now"
    assert await order(team) == ["a", "c"]
    assert await order(team, "Now") == ["x", "b", "y"]
    await move(team, tasks["x"], None, section=None)
    assert await order(team) == ["x", "a", "c"]
    await move(team, tasks["a"], None, section="Empty")
    assert await order(team, "Empty") == ["a"]


async def test_to_where_it_stands_already(team: Team) -> None:
    tasks = await created(team, *"abc")
    for after in (None, tasks["a"]):
        moved = await move(team, tasks["b"], after)
        again = await move(team, tasks["b"], after)
        assert again["rank"] == moved["rank"]
        assert await order(team) == (list("bac") if after is None else list("abc"))


async def test_nothing_but_the_place_changes(team: Team) -> None:
    tasks = await created(team, *"abc")
    moved = await move(team, tasks["c"], tasks["a"])
    assert {**moved, "seq": 0, "rank": 0} == {**tasks["c"], "seq": 0, "rank": 0}


async def test_what_stands_before_must_be_in_the_section_and_the_team(team: Team, core: CoreKit) -> None:
    tasks = {**await created(team, *"ab"), **await created(team, "x", section="Now")}
    elsewhere = await team.done(team.stranger, "task.create", team_id="t2", title="Balls")
    for payload in (
        {"after": tasks["x"]["id"]},
        {"after": tasks["b"]["id"], "section": "Now"},
        {"after": tasks["x"]["id"], "section": None},
        {"after": elsewhere["id"]},
        {"after": "task-0"},
        {"after": tasks["a"]["id"]},
    ):
        error = await core.refused(Invalid, team.ann, "task.move", {"task_id": tasks["a"]["id"], **payload})
        assert list(error.fields or {}) == ["after"]
    await core.refused(NotFound, team.ann, "task.move", {"task_id": elsewhere["id"], "after": None})


async def test_without_room_the_tasks_behind_make_some_in_the_same_commit(team: Team, core: CoreKit) -> None:
    tasks = await created(team, *"abcde")
    for name, rank in zip("abcde", (0, 1, 2, 3, GAP), strict=True):
        await core.put("team:t1", {**tasks[name], "rank": rank})
    before = len(core.commits)
    moved = await core.act(team.ann, "task.move", {"task_id": tasks["e"]["id"], "after": tasks["a"]["id"]})
    assert await order(team) == list("aebcd")
    [commit] = core.commits[before:]
    own, *derived = commit.entries
    assert own.data == moved.data
    assert moved.seq == own.seq
    assert {entry.data["title"] for entry in derived} == set("bcd")
    for entry in derived:
        assert (entry.type, entry.by, entry.op_id) == ("task.rank", None, None)
        changed = tasks[entry.data["title"]]
        assert {**entry.data, "rank": 0, "seq": 0} == {**changed, "rank": 0, "seq": 0}


async def test_making_room_among_many_keeps_their_order(team: Team, core: CoreKit) -> None:
    titles = [f"{n}" for n in range(40)]
    tasks = await created(team, *titles[:2])
    for n, title in enumerate(titles):
        await core.put(
            "team:t1", {**tasks["0"], "id": tasks.get(title, {"id": title})["id"], "title": title, "rank": n}
        )
    await move(team, {"id": "5"}, tasks["0"])
    await move(team, {"id": "30"}, tasks["1"])
    assert await order(team) == ["0", "5", "1", "30", "2", "3", "4", *titles[6:30], *titles[31:]]


async def test_making_room_is_no_change_of_a_field(team: Team, core: CoreKit) -> None:
    tasks = await created(team, *"abc")
    for name, rank in zip("abc", (0, 1, 2), strict=True):
        await core.put("team:t1", {**tasks[name], "rank": rank})
    base = tasks["b"]["seq"]
    await move(team, tasks["c"], tasks["a"])
    renamed = await team.done(
        team.bob, "task.update", task_id=tasks["b"]["id"], set={"title": "B"}, base_seq=base
    )
    assert await order(team) == ["a", "c", "B"]
    assert renamed["changed"] == {"title": renamed["seq"]}


async def test_many_at_once_behind_the_same_task(team: Team, core: CoreKit) -> None:
    tasks = await created(team, "first", "last")
    titles = [str(n) for n in range(60)]
    await core.act_all(team.ann, [("task.create", {"team_id": "t1", "title": title}) for title in titles])
    ids = [entry.data["id"] for entry in core.entries("team:t1") if entry.data.get("title") in titles]
    before = len(core.entries("team:t1"))
    await core.act_all(
        team.ann, [("task.move", {"task_id": id, "after": tasks["first"]["id"]}) for id in ids]
    )
    entries = core.entries("team:t1")[before:]
    moved = [entry.data["title"] for entry in entries if entry.type == "task.move"]
    assert sorted(moved) == sorted(titles)
    assert await order(team) == ["first", *reversed(moved), "last"]
    assert any(entry.type == "task.rank" for entry in entries)


SECTIONS = (None, "Now")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(SECTIONS), st.integers(0), st.booleans()),
        st.tuples(st.just("move"), st.sampled_from(SECTIONS), st.integers(0), st.booleans()),
        st.tuples(st.just("hop"), st.sampled_from(SECTIONS), st.integers(0), st.booleans()),
        st.tuples(st.just("section"), st.sampled_from(SECTIONS), st.integers(0), st.booleans()),
        st.tuples(st.just("delete"), st.sampled_from(SECTIONS), st.integers(0), st.booleans()),
    ),
    max_size=20,
)


class Lists:
    """The plain model: a list for each section. Says what each step is as an action."""

    def __init__(self) -> None:
        self.lists: dict[str | None, list[str]] = {section: [] for section in SECTIONS}
        self.ids: dict[str, str] = {}
        self.made = 0

    def step(self, verb: str, section: str | None, number: int, flag: bool) -> tuple[str, dict[str, Any]]:
        here = self.lists[section]
        if verb == "create" or not here:
            self.made += 1
            here.append(f"{self.made}")
            return "task.create", {"team_id": "t1", "title": f"{self.made}", "section": section}
        title = here[number % len(here)]
        target = section
        if verb in ("hop", "section"):
            target = SECTIONS[1 - SECTIONS.index(section)]
        payload: dict[str, Any] = {"task_id": self.ids[title]}
        here.remove(title)
        there = self.lists[target]
        if verb == "delete":
            return "task.delete", payload
        if verb == "section":
            there.append(title)
            return "task.update", {**payload, "set": {"section": target}, "base_seq": 10_000}
        place = 0 if flag or not there else 1 + number // 7 % len(there)
        after = self.ids[there[place - 1]] if place else None
        there.insert(place, title)
        if target != section:
            payload["section"] = target
        return "task.move", {**payload, "after": after}


@settings(max_examples=20)
@given(steps=steps, squeezed=st.booleans())
async def test_random_moves_equal_a_plain_list(
    steps: list[tuple[str, str | None, int, bool]], squeezed: bool
) -> None:
    with TemporaryDirectory() as folder:
        async with open_kit(Path(folder) / "rollcall.db") as core:
            team = await open_team(core)
            model = Lists()
            for title in "abcdef":
                model.lists[None].append(title)
                task = await team.create(title)
                model.ids[title] = task["id"]
                if squeezed:
                    await core.put("team:t1", {**task, "rank": len(model.ids)})
            for step in steps:
                type, payload = model.step(*step)
                if "base_seq" in payload:
                    payload["base_seq"] = core.entries("team:t1")[-1].seq
                data = await team.done(team.lead, type, **payload)
                if type == "task.create":
                    model.ids[data["title"]] = data["id"]
            for section, titles in model.lists.items():
                assert await order(team, section) == titles
