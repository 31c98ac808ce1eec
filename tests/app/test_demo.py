import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.demo.load import Demo, Outcome
from app.demo.loader import Draft, Loader
from app.demo.names import class_name, person_name, school_name, team_name
from app.demo.passwords import DEMO_PASSWORD, with_demo_password
from app.demo.plan import Size, accounts, directory_steps, school_steps, team_steps
from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from models.action import Action
from models.actor import SYSTEM
from models.errors import Invalid, Unavailable
from models.journal import ORG, Commit, Entry, Record, last_by_record
from models.ports import Loaded, StorageLost
from models.query import query
from models.tally import students_on_roll
from models.topic import parse_topic
from tests.kit import CoreKit, Replay, SetClock, open_kit

SMALL = Size(schools=2, classes=2, students=3, teams=1)
DIRECTORY = ("school", "class", "student", "enrolment", "user", "team", "member")
FIGURES = ("mark", "register", "tally", "summary")


def demo_of(kit: CoreKit, size: Size = SMALL) -> Demo:
    return Demo(size, core=kit.core, credentials=kit.credentials, passwords=kit.passwords, clock=kit.clock)


async def load(kit: CoreKit, size: Size = SMALL, password: str | None = None, history: int = 0) -> Outcome:
    return await demo_of(kit, size).load(password=password, history=history, advance=lambda done: None)


async def rooms_of(kit: CoreKit) -> list[str]:
    nouns = (ORG, "school", "team", "user")
    return [lag.room for noun in nouns for lag in await kit.storage.lagging("test", noun)]


async def records_of(kit: CoreKit, *kinds: str) -> dict[tuple[str, str, str], Record]:
    """All records of these kinds by room, kind and id, without what depends on when they were made."""
    found = {}
    for room in await rooms_of(kit):
        keys = list(last_by_record(await entries_of(kit, room)))
        for (kind, id), record in (await kit.storage.load(room, (), keys)).records.items():
            if record is not None and (not kinds or kind in kinds):
                kept = {k: v for k, v in record.items() if k not in ("seq", "org_seq", "created_at")}
                found[room, kind, id] = kept
    return found


async def entries_of(kit: CoreKit, room: str) -> list[Entry]:
    return await kit.storage.read(room, after=0, limit=100_000)


async def check_replay_equals_refetch(kit: CoreKit) -> None:
    """For every topic and day of every entry of every room."""
    today = str(kit.clock.now().date())
    for room in await rooms_of(kit):
        entries = await entries_of(kit, room)
        wanted = {(topic, e.data.get("date", today)) for e in entries for topic in e.topics}
        for topic, day in wanted | {(topic, today) for topic, _ in wanted}:
            replay = Replay(topic, day)
            for entry in entries:
                replay.apply(entry)
            fetched = await kit.core.snapshots.records(parse_topic(topic), day)
            assert {(r["kind"], r["id"]): r for r in fetched} == replay.records, f"{topic} on {day}"


async def check_figures(kit: CoreKit) -> None:
    """Every tally and summary equals a recount."""
    for room in await rooms_of(kit):
        enrolments = await kit.storage.find(query("enrolment", room=room))
        totals: dict[str, Counter[str]] = {}
        states: dict[str, Counter[str]] = {}
        school_id = room.partition(":")[2]
        for register in await kit.storage.find(query("register", school_id=school_id)):
            day, class_id = register["date"], register["class_id"]
            roll = students_on_roll((e for e in enrolments if e["class_id"] == class_id), day)
            of_sheet = query("mark", class_id=class_id, date=day, period=register["period"])
            marks = await kit.storage.find(of_sheet)
            counts = Counter(mark["code"] for mark in marks if mark["code"] and mark["student_id"] in roll)
            tallies = await kit.storage.find(query("tally", class_id=class_id, date=day))
            (tally,) = [tally for tally in tallies if tally["period"] == register["period"]]
            assert (tally["counts"], tally["on_roll"]) == (counts, len(roll))
            totals.setdefault(day, Counter()).update(counts)
            states.setdefault(day, Counter(open=0, taken=0)).update([register["state"]])
        for summary in await kit.storage.find(query("summary", school_id=school_id)):
            day = summary["date"]
            assert summary["counts"] == totals[day]
            assert summary["registers"] == states[day]
            assert summary["on_roll"] == len(students_on_roll(enrolments, day))


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


async def test_everybody_has_the_demo_password_by_one_hash(core: CoreKit) -> None:
    await load(core)
    users = await core.storage.find(query("user", room=ORG))
    hashes = {await core.credentials.password_hash(user["id"]) for user in users}
    (password_hash,) = hashes
    assert await core.passwords.verify(DEMO_PASSWORD, password_hash)


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


async def test_there_are_no_marks_unless_history_is_asked_for(core: CoreKit) -> None:
    await load(core)
    assert await records_of(core, *FIGURES) == {}


async def test_history_is_of_the_newest_school_days_before_today(core: CoreKit) -> None:
    await load(core, history=6)  # today is Monday, 2 March 2026
    room = "school:s1"
    summaries = await core.storage.find(query("summary", room=room, order=("date",), school_id="s1"))
    days = ["2026-02-20", "2026-02-23", "2026-02-24", "2026-02-25", "2026-02-26", "2026-02-27"]
    assert [summary["date"] for summary in summaries] == days
    assert all(summary["registers"] == {"open": 0, "taken": 12} for summary in summaries)
    marks = await core.storage.find(query("mark", room=room, school_id="s1"))
    assert len(marks) == 6 * 6 * 6
    assert {(mark["source"], mark["by"]) for mark in marks} == {
        ("teacher", "u-s1-teacher1"),
        ("teacher", "u-s1-teacher2"),
    }
    assert all(mark["at"].startswith(mark["date"]) for mark in marks)


async def test_marks_are_plausible(core: CoreKit) -> None:
    await load(core, Size(1, 8, 25, 0), history=8)
    marks = await core.storage.find(query("mark", room="school:s1", school_id="s1"))
    codes = Counter(mark["code"] for mark in marks)
    assert set(codes) == {"P", "L", "A", "E", "O"}
    assert 0.85 < codes["P"] / len(marks) < 0.97
    assert all((mark["minutes_late"] is not None) == (mark["code"] == "L") for mark in marks)
    late = Counter(mark["period"] for mark in marks if mark["code"] == "L")
    assert late["1"] > late["4"]


async def test_more_history_is_added_and_what_people_marked_stays(core: CoreKit) -> None:
    await load(core)
    teacher = await core.core.org.actor("u-s1-teacher1")
    payload = {
        "class_id": "s1-c1",
        "date": "2026-02-27",
        "period": "3",
        "student_id": "s1-c1-p1",
        "code": "O",
    }
    await core.core.dispatcher.run(Action("attendance.mark", payload, "op", teacher))
    await load(core, history=1)
    await load(core, history=2)
    marked = await core.storage.find(query("mark", class_id="s1-c1", date="2026-02-27", period="3"))
    assert [(mark["student_id"], mark["code"]) for mark in marked] == [("s1-c1-p1", "O")]
    (summary,) = await core.storage.find(query("summary", school_id="s1", date="2026-02-27"))
    assert summary["registers"] == {"open": 1, "taken": 11}
    assert len(await core.storage.find(query("summary", school_id="s1"))) == 2
    await check_figures(core)
    await check_replay_equals_refetch(core)


async def test_the_same_seed_gives_the_same_marks_and_another_seed_other_names(
    core: CoreKit, tmp_path: Path
) -> None:
    await load(core, history=2)
    async with open_kit(tmp_path / "same.db") as same, open_kit(tmp_path / "other.db") as other:
        await load(same, history=2)
        await load(other, Size(2, 2, 3, 1, seed=2))
        assert await records_of(core, *FIGURES) == await records_of(same, *FIGURES)
        ours, theirs = await records_of(core, "student"), await records_of(other, "student")
    assert ours.keys() == theirs.keys()
    assert ours != theirs


class Recording(SqliteStorage):
    """Keeps what is appended; can be slow, and lose the connection after some commits."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.appended: list[Commit] = []
        self.lost_after: int | None = None
        self.turns_per_commit = 0

    async def append(self, commit: Commit) -> None:
        for _ in range(self.turns_per_commit):
            await self.ping()
        if self.lost_after is not None and len(self.appended) >= self.lost_after:
            raise StorageLost("pulled the plug")
        await super().append(commit)
        self.appended.append(commit)


@asynccontextmanager
async def recording_kit(path: Path) -> AsyncIterator[tuple[CoreKit, Recording]]:
    storage = Recording(path)
    await storage.open()
    kit = CoreKit(storage, SqliteCredentials(storage), SetClock())
    await kit.core.open()
    try:
        yield kit, storage
    finally:
        storage.lost_after = None
        await kit.core.close()
        kit.passwords.close()
        await storage.close()


async def test_large_parts_are_bulk_commits_of_at_most_500_entries(tmp_path: Path) -> None:
    async with recording_kit(tmp_path / "demo.db") as (kit, storage):
        await load(kit, Size(1, 10, 30, 0), history=1)
        of_school = [commit for commit in storage.appended if commit.room == "school:s1"]
    copies = [commit for commit in of_school if not commit.bulk]
    assert [entry.data["kind"] for commit in copies for entry in commit.entries] == ["school"]
    sizes = [len(commit.entries) for commit in of_school if commit.bulk]
    assert max(sizes) <= 500
    assert len(sizes) <= 8


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


async def test_another_node_may_append_meanwhile(core: CoreKit) -> None:
    loader = Loader(core.storage, core.clock)
    record = {"kind": "team", "id": "t9", "name": "Ours", "archived": False}
    asked: list[int] = []

    async def decide(loaded: Loaded) -> list[Draft]:
        asked.append(loaded.head)
        if len(asked) == 1:
            await core.put(ORG, {**record, "name": "Theirs"})
        return [Draft("team.create", record)] if loaded.records["team", "t9"] is None else []

    assert await loader.append(ORG, [("team", "t9")], decide) == 0
    assert asked == [0, 1]
    team = await core.storage.get(ORG, "team", "t9")
    assert team is not None
    assert team["name"] == "Theirs"


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


async def test_an_address_that_somebody_else_has_is_left_to_them(core: CoreKit) -> None:
    mine = {"email": "admin@demo.test", "name": "Ada Example", "password": "my own password", "roles": []}
    await core.core.dispatcher.run(Action("user.create", mine, "op-1", SYSTEM))
    await load(core)
    (user,) = await core.storage.find(query("user", room=ORG, email="admin@demo.test"))
    assert user["name"] == "Ada Example"
    assert await core.storage.get(ORG, "user", "u-admin") is None
    assert await core.passwords.verify("my own password", await core.credentials.password_hash(user["id"]))
    assert await core.storage.get(ORG, "user", "u-s1-head") is not None


async def holders(kit: CoreKit) -> set[str]:
    return {user["id"] for user in await with_demo_password(kit.storage, kit.credentials, kit.passwords)}


async def set_password(kit: CoreKit, user_id: str, password: str) -> None:
    await kit.credentials.set_password_hash(user_id, await kit.passwords.hash(password))


async def test_who_has_the_demo_password_is_known_exactly(core: CoreKit) -> None:
    await load(core)
    everybody = {account.id for account in accounts(SMALL)}
    assert await holders(core) == everybody
    await set_password(core, "u-admin", "another password")
    await core.core.dispatcher.run(Action("user.disable", {"user_id": "u-s1-head"}, "op-1", SYSTEM))
    assert await holders(core) == everybody - {"u-admin", "u-s1-head"}
    await set_password(core, "u-admin", DEMO_PASSWORD)
    assert await holders(core) == everybody - {"u-s1-head"}
    await core.core.dispatcher.run(Action("user.enable", {"user_id": "u-s1-head"}, "op-2", SYSTEM))
    assert await holders(core) == everybody


async def test_other_people_with_that_password_are_not_demo_accounts(core: CoreKit) -> None:
    for number, email in enumerate(["demo@school.example", "admin@demo.test.example", "x@mydemo.test"]):
        payload = {"email": email, "name": "Ada Example", "password": DEMO_PASSWORD, "roles": []}
        await core.core.dispatcher.run(Action("user.create", payload, f"op-{number}", SYSTEM))
    assert await holders(core) == set()


async def test_a_given_password_replaces_the_demo_password_and_ends_its_sessions(core: CoreKit) -> None:
    await load(core)
    await set_password(core, "u-s1-head", "my own password")
    await core.core.dispatcher.run_internal("user.login", {"user_id": "u-admin", "session_id": "s-1"})
    outcome = await load(core, password="new password")
    assert outcome == Outcome(0, len(list(accounts(SMALL))) - 1)
    assert await holders(core) == set()
    for user_id, password in (("u-admin", "new password"), ("u-s1-head", "my own password")):
        assert await core.passwords.verify(password, await core.credentials.password_hash(user_id))
    (session,) = await core.storage.find(query("session", room="user:u-admin"))
    assert session["ended_at"] is not None


async def test_a_demo_with_its_own_password_has_no_demo_password(core: CoreKit) -> None:
    await load(core, password="new password")
    assert await holders(core) == set()
    assert await core.passwords.verify("new password", await core.credentials.password_hash("u-t1-member3"))


async def test_a_password_that_breaks_the_rules_is_refused_and_nothing_loaded(core: CoreKit) -> None:
    with pytest.raises(Invalid, match="at least 10 characters"):
        await load(core, password="short")
    assert await core.storage.heads([ORG]) == {ORG: 0}


async def test_progress_ends_at_the_total(core: CoreKit) -> None:
    for _ in range(2):
        done: list[int] = []
        await demo_of(core).load(password=None, history=2, advance=done.append)
        assert sum(done) == demo_of(core).total(2)


def test_names_come_from_many_places_and_stay_the_same() -> None:
    names = [person_name(1, f"s1-c1-p{number}") for number in range(1, 1001)]
    assert names == [person_name(1, f"s1-c1-p{number}") for number in range(1, 1001)]
    assert person_name(1, "s1-c1-p1") != person_name(2, "s1-c1-p1")
    assert len({(name.given, name.family) for name in names}) > 900
    assert sum(not f"{name.given}{name.family}".isascii() for name in names) > 100
    assert any(name.preferred for name in names)


def test_places_have_names_of_their_own() -> None:
    assert [class_name(number) for number in (1, 2, 3, 10, 11, 20)] == ["7A", "7B", "8A", "11B", "7C", "11D"]
    for name_of, most in ((class_name, 200), (team_name, 1000), (lambda n: school_name(1, n), 1000)):
        names = [name_of(number) for number in range(1, most + 1)]
        assert len(set(names)) == most
        assert all(re.fullmatch(r"[A-Z0-9][\w' ]{1,40}", name) for name in names)
