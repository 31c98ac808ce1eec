from pathlib import Path
from typing import Any

import pytest

from app.demo.load import Outcome
from app.demo.passwords import with_demo_password
from app.demo.plan import Size, accounts, directory_steps, school_steps, team_steps
from models.action import Action
from models.actor import SYSTEM
from models.errors import Unavailable
from models.journal import ORG, Record
from models.ports import StorageLost
from models.query import query
from tests.app.demo.kit import (
    DIRECTORY,
    FIGURES,
    SMALL,
    check_figures,
    check_replay_equals_refetch,
    demo_of,
    load,
    recording_kit,
    records_of,
    rooms_of,
)
from tests.kit import CoreKit, open_kit


async def by_actions(kit: CoreKit, size: Size) -> None:
    """The demo without its tasks, by the actions that a person would use."""

    async def run(type: str, payload: dict[str, Any]) -> None:
        await kit.core.dispatcher.run(Action(type, payload, kit.op_id(), SYSTEM))

    for step in [*school_steps(size), *team_steps(size)]:
        await run(step.type, step.payload)
    for school_id in size.school_ids:
        for step in directory_steps(size, school_id):
            await run(step.type, step.payload)
    for account in accounts(size):
        roles = [{"role": account.role, "scope": account.scope}]
        await run("user.create", {"email": account.email, "name": account.name, "roles": roles})
    await kit.check()


def by_email(records: dict[tuple[str, str, str], Record]) -> dict[tuple[str, str, str], Record]:
    """The records with users named by their addresses, whatever their ids."""
    emails = {id: record["email"] for (_, kind, id), record in records.items() if kind == "user"}
    named = {}
    for (room, kind, id), record in records.items():
        if kind == "user":
            id = emails[id]
        elif kind == "member":
            id = f"{record['team_id']} {emails[record['user_id']]}"
            record = {**record, "user_id": emails[record["user_id"]]}
        named[room, kind, id] = {**record, "id": id}
    return named


async def test_the_records_are_those_that_actions_would_have_made(core: CoreKit, tmp_path: Path) -> None:
    await load(core)
    async with open_kit(tmp_path / "other.db") as other:
        await by_actions(other, SMALL)
        assert by_email(await records_of(core, *DIRECTORY)) == by_email(await records_of(other))


async def test_ids_and_accounts_are_those_of_the_design(core: CoreKit) -> None:
    await load(core)
    ids: dict[str, set[str]] = {}
    for _, kind, id in await records_of(core):
        ids.setdefault(kind, set()).add(id)
    assert ids["school"] == {"s1", "s2"}
    assert ids["class"] == {"s1-c1", "s1-c2", "s2-c1", "s2-c2"}
    assert {f"s2-c1-p{number}" for number in (1, 2, 3)} < ids["student"]
    assert len(ids["student"]) == 12
    assert ids["team"] == {"t1"}
    users = await core.storage.find(query("user", room=ORG))
    assert {
        user["email"]: (user["id"], [(r["role"], r["scope"]) for r in user["roles"]]) for user in users
    } == {
        "admin@demo.test": ("u-admin", [("admin", "org")]),
        **{
            f"{who}@{s}.demo.test": (f"u-{s}-{who}", [(role, f"school:{s}")])
            for s in ("s1", "s2")
            for who, role in (("head", "school_admin"), ("office", "office"), ("viewer", "viewer"))
        },
        **{
            f"teacher{n}@{s}.demo.test": (f"u-{s}-teacher{n}", [("teacher", f"class:{s}-c{n}")])
            for s in ("s1", "s2")
            for n in (1, 2)
        },
        "lead@t1.demo.test": ("u-t1-lead", [("lead", "team:t1")]),
        **{f"member{n}@t1.demo.test": (f"u-t1-member{n}", [("member", "team:t1")]) for n in (1, 2, 3)},
    }


async def test_schools_use_utc_six_periods_and_the_simple_codes(core: CoreKit) -> None:
    await load(core)
    for school in await core.storage.find(query("school", room=ORG)):
        assert (school["time_zone"], school["code_set"]) == ("UTC", "simple")
        assert [period["id"] for period in school["periods"]] == ["1", "2", "3", "4", "5", "6"]


async def test_a_second_run_changes_nothing(core: CoreKit) -> None:
    first = await load(core, history=2)
    assert first.entries > 0
    rooms = await rooms_of(core)
    before = await core.storage.heads(rooms)
    password_hash = await core.credentials.password_hash("u-admin")
    assert await load(core, history=2) == Outcome(0, 0)
    assert await core.storage.heads(await rooms_of(core)) == before
    assert await core.credentials.password_hash("u-admin") == password_hash


@pytest.mark.parametrize("history", [0, 2])
async def test_a_small_demo_grows_into_a_larger_one(core: CoreKit, tmp_path: Path, history: int) -> None:
    await load(core, Size(1, 1, 2, 0), history=history)
    await load(core)
    async with open_kit(tmp_path / "other.db") as other:
        await load(other)
        assert await records_of(core, *DIRECTORY) == await records_of(other, *DIRECTORY)
    await check_figures(core)
    await check_replay_equals_refetch(core)


async def test_replay_equals_refetch_and_figures_equal_a_recount(core: CoreKit) -> None:
    await load(core, history=3)
    await check_replay_equals_refetch(core)
    await check_figures(core)


async def test_every_room_shows_what_belongs_to_it_when_the_demo_is_loaded(core: CoreKit) -> None:
    await load(core)
    for school_id in ("s1", "s2"):
        assert await core.storage.get(f"school:{school_id}", "school", school_id) is not None
    assert await core.storage.get("team:t1", "team", "t1") is not None
    assert len(await core.storage.find(query("member", room="team:t1"))) == 4


async def test_it_waits_for_rooms_that_follow_slowly(tmp_path: Path) -> None:
    async with recording_kit(tmp_path / "demo.db") as (kit, storage):
        storage.turns_per_commit = 100
        await load(kit, Size(schools=2, classes=0, students=0, teams=0))
        shown = await kit.storage.load("school:s2", (), [("school", "s2")])
        assert shown.records["school", "s2"] is not None


async def test_each_team_has_tasks_of_all_kinds_and_their_assignees_are_told(core: CoreKit) -> None:
    await load(core)
    tasks = await core.storage.find(query("task", room="team:t1"))
    assert {task["status"] for task in tasks} == {"open", "in_progress", "done"}
    assert {task["priority"] for task in tasks} == {"low", "normal", "high", "urgent"}
    assert {task["section"] for task in tasks} == {"Backlog", "This week", "Done"}
    members = {member["user_id"] for member in await core.storage.find(query("member", room="team:t1"))}
    assert {user for task in tasks for user in task["assignees"]} == members
    assert await core.storage.find(query("comment", room="team:t1"))
    told = await core.storage.find(query("notification", room="user:u-t1-member1"))
    assert len(told) == sum("u-t1-member1" in task["assignees"] for task in tasks)


@pytest.mark.parametrize("lost_after", [0, 1, 2, 4, 20])
async def test_an_interrupted_load_is_finished_by_the_next_one(
    core: CoreKit, tmp_path: Path, lost_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.demo.load.SETTLE_LIMIT", 0.5)
    await load(core, history=1)
    async with recording_kit(tmp_path / "interrupted.db") as (kit, storage):
        storage.lost_after = lost_after
        with pytest.raises((StorageLost, Unavailable)):
            await load(kit, history=1)
        storage.lost_after = None
        await load(kit, history=1)
        kinds = (*DIRECTORY, *FIGURES)
        assert await records_of(kit, *kinds) == await records_of(core, *kinds)
        assert len(await kit.storage.find(query("task", room="team:t1"))) == len(
            await core.storage.find(query("task", room="team:t1"))
        )
        assert len(await with_demo_password(kit.storage, kit.credentials, kit.passwords)) == 15


async def test_what_people_changed_stays(core: CoreKit) -> None:
    await load(core)
    await core.core.dispatcher.run(
        Action("student.update", {"student_id": "s1-c1-p1", "set": {"given_name": "Zed"}}, "op-1", SYSTEM)
    )
    await core.core.dispatcher.run(Action("student.archive", {"student_id": "s1-c1-p2"}, "op-2", SYSTEM))
    await core.core.dispatcher.run(
        Action("team.remove_member", {"team_id": "t1", "user_id": "u-t1-member3"}, "op-3", SYSTEM)
    )
    await core.core.consumers.idle()
    before = await records_of(core)
    assert await load(core) == Outcome(0, 0)
    assert await records_of(core) == before


async def test_progress_ends_at_the_total(core: CoreKit) -> None:
    for _ in range(2):
        done: list[int] = []
        await demo_of(core).load(password=None, history=2, advance=done.append)
        assert sum(done) == demo_of(core).total(2)
