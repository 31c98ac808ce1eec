"""Loading a demo in a test, and looking at what it made."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.demo.load import Demo, Outcome
from app.demo.passwords import with_demo_password
from app.demo.plan import Size
from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from models.attendance import sheet_at
from models.journal import ORG, Commit, Entry, Record, last_by_record
from models.ports import StorageLost
from models.query import query
from models.tally import students_on_roll
from models.topic import parse_topic
from tests.kit import CoreKit, Replay, SetClock

SMALL = Size(schools=2, classes=2, students=3, teams=1)
DIRECTORY = ("school", "class", "student", "enrolment", "user", "team", "member")
FIGURES = ("mark", "register", "tally", "summary")


def demo_of(kit: CoreKit, size: Size = SMALL) -> Demo:
    return Demo(size, core=kit.core, credentials=kit.credentials, passwords=kit.passwords, clock=kit.clock)


async def load(
    kit: CoreKit,
    size: Size = SMALL,
    password: str | None = None,
    history: int = 0,
    absences: bool = False,
) -> Outcome:
    demo = demo_of(kit, size)
    return await demo.load(password=password, history=history, absences=absences, advance=lambda done: None)


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
        registers = await kit.storage.find(query("register", school_id=school_id))
        tallies = await kit.storage.find(query("tally", school_id=school_id))
        assert {_place(register) for register in registers} <= {_place(tally) for tally in tallies}
        for tally in tallies:
            class_id, day, period = _place(tally)
            roll = students_on_roll((e for e in enrolments if e["class_id"] == class_id), day)
            marks = await kit.storage.find(sheet_at(school_id, class_id, day, period).marks)
            counts = Counter(mark["code"] for mark in marks if mark["code"] and mark["student_id"] in roll)
            assert (tally["counts"], tally["on_roll"]) == (counts, len(roll))
            if _place(tally) in {_place(register) for register in registers}:
                totals.setdefault(day, Counter()).update(counts)
                states.setdefault(day, Counter(open=0, taken=0))
        for register in registers:
            states[register["date"]].update([register["state"]])
        for summary in await kit.storage.find(query("summary", school_id=school_id)):
            day = summary["date"]
            assert summary["counts"] == totals[day]
            assert summary["registers"] == states[day]
            assert summary["on_roll"] == len(students_on_roll(enrolments, day))


def _place(record: Record) -> tuple[str, str, str]:
    return (record["class_id"], record["date"], record["period"])


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


async def holders(kit: CoreKit) -> set[str]:
    return {user["id"] for user in await with_demo_password(kit.storage, kit.credentials, kit.passwords)}


async def set_password(kit: CoreKit, user_id: str, password: str) -> None:
    await kit.credentials.set_password_hash(user_id, await kit.passwords.hash(password))
