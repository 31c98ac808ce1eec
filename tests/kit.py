"""The core of a node in the test's own process, over a real SQLite file, with checks that run after every
action.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from marshmallow import fields

from app.limits_memory import LimiterMemory
from app.passwords import BcryptPasswords
from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from app.storage.sqlite_schema import connect, prepare
from handlers.core import Core, load_handlers
from handlers.dispatch.committer import QUEUE
from handlers.dispatch.context import Context
from handlers.dispatch.registry import ACTIONS, Registry, action
from handlers.dispatch.rooms import Rooms
from handlers.snapshots import DATED_KINDS, NOTIFICATIONS, SNAPSHOT_KINDS
from models.action import Ack, Action, Payload
from models.actor import Actor, actor_of
from models.errors import RollcallError
from models.journal import ORG, Commit, Entry, Record
from models.ports import Credentials, Storage
from models.record import KINDS, RecordKind
from models.schema import Payload as PayloadSchema
from models.topic import parse_topic
from models.user import user_record

load_handlers()

MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
"""When the tests' clock starts: a school day in winter time."""


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = MONDAY) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def move(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class CountedIds:
    """Ids that can be foreseen: `t-1`, `t-2`, …"""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}-{next(self._count)}"


class KitPut(PayloadSchema):
    """Any record, into any room: for what a test takes as given."""

    room = fields.String(required=True)
    record = fields.Dict(required=True)


async def _room(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    return str(payload["room"])


@action("kit.put", schema=KitPut, room=_room)
async def kit_put(ctx: Context, payload: Payload) -> None:
    """Put a record as it is."""
    ctx.put(dict(payload["record"]))


class Replay:
    """A viewer of one topic and day that only ever applies entries."""

    def __init__(self, topic: str, day: str) -> None:
        self.topic = parse_topic(topic)
        self.day = day
        self.records: dict[tuple[str, str], Record] = {}

    def apply(self, entry: Entry) -> None:
        record = entry.data
        key = (record["kind"], record["id"])
        if self.topic.name not in entry.topics or record["kind"] not in SNAPSHOT_KINDS[self.topic.noun]:
            return
        if record.get("deleted") or (record["kind"] == "absence" and record["to"] < self.day):
            self.records.pop(key, None)
        elif record["kind"] not in DATED_KINDS or record["date"] == self.day:
            self.records[key] = record
        if self.topic.noun == "user" and len(self.records) > NOTIFICATIONS:
            self.records.pop(min(self.records, key=lambda k: self.records[k]["at"]))


class CountedTurns:
    """Gives the turn at once. A room in `lost_in` counts as contended."""

    def __init__(self) -> None:
        self.lost_in: list[str] = []
        self.had = 0

    def lost(self, room: str) -> None:
        self.lost_in.append(room)

    async def take(self, room: str) -> bool:
        self.had += 1
        return room not in self.lost_in

    def give(self, room: str) -> None:
        self.had -= 1

    async def close(self) -> None:
        pass


class CoreKit:
    """A core to act on. Every `act` also checks that replay equals refetch for every topic and day touched
    so far.
    """

    def __init__(
        self,
        storage: Storage,
        credentials: Credentials,
        clock: SetClock,
        *,
        registry: Registry = ACTIONS,
        queue: int = QUEUE,
    ) -> None:
        self.storage = storage
        self.credentials = credentials
        self.clock = clock
        self.passwords = BcryptPasswords(rounds=4)
        self.commits: list[Commit] = []
        self.listeners: list[Callable[[Commit], None]] = [self.commits.append]
        self._replays: dict[tuple[str, str], Replay] = {}
        self._replayed = 0
        self._count = itertools.count(1)
        self.turns = CountedTurns()
        self.core = Core(
            storage=storage,
            credentials=credentials,
            passwords=self.passwords,
            limiter=LimiterMemory({"actions": None}),
            turns=self.turns,
            clock=clock,
            ids=CountedIds(),
            committed=self._committed,
            registry=registry,
            queue=queue,
        )

    def _committed(self, commit: Commit) -> None:
        for listener in self.listeners:
            listener(commit)

    def op_id(self) -> str:
        """A new op_id."""
        return f"op-{next(self._count)}"

    async def put(self, room: str, record: Record) -> Record:
        """Take a record as given in a room."""
        ack = await self.core.dispatcher.run_internal("kit.put", {"room": room, "record": record})
        assert isinstance(ack.data, dict)
        return ack.data

    async def actor(
        self, id: str | None = None, *, roles: Sequence[tuple[str, str]] = (), name: str = "Ada Example"
    ) -> Actor:
        """A user with these roles."""
        id = id or f"u{next(self._count)}"
        user = user_record(
            id,
            email=f"{id}@example.test",
            name=name,
            roles=[{"role": role, "scope": scope} for role, scope in roles],
            school_of=await self._school_of(roles),
            created_at="2026-03-01T00:00:00.000Z",
        )
        return actor_of(await self.put(ORG, user))

    async def _school_of(self, roles: Sequence[tuple[str, str]]) -> dict[str, str]:
        """The school of each class in the roles; a class that is not there lies in the school `none`."""
        classes = [scope.partition(":")[2] for _, scope in roles if scope.startswith("class:")]
        rooms = {id: await self.core.rooms.of("class", id) for id in classes}
        return {id: (room or "school:none").partition(":")[2] for id, room in rooms.items()}

    async def act(
        self,
        actor: Actor,
        type: str,
        payload: dict[str, Any],
        *,
        op_id: str | None = None,
        if_seq: int | None = None,
    ) -> Ack:
        """Run an action as a door would; raises the RollcallError of a rejection."""
        ack = await self.core.dispatcher.run(Action(type, payload, op_id or self.op_id(), actor, if_seq))
        orjson.dumps(ack.to_wire())
        await self.check()
        return ack

    async def act_all(
        self, actor: Actor, actions: Sequence[tuple[str, dict[str, Any]]]
    ) -> list[Ack | RollcallError]:
        """Run one user's actions at once, as one batch where they share a room; each with its ack or
        error."""
        return await self.act_at_once([(actor, type, payload) for type, payload in actions])

    async def act_at_once(
        self, actions: Sequence[tuple[Actor, str, dict[str, Any]]]
    ) -> list[Ack | RollcallError]:
        """Like `act_all`, for several users. Decided in this order within a room, as a door does it."""
        answers: list[Awaitable[Ack]] = []
        for actor, type, payload in actions:
            try:
                prepared = await self.core.dispatcher.prepare(Action(type, payload, self.op_id(), actor))
                answers.append(self.core.dispatcher.submit(prepared))
            except RollcallError as error:
                answers.append(_raising(error))
        results = await asyncio.gather(*answers, return_exceptions=True)
        await self.check()
        outcomes: list[Ack | RollcallError] = []
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, RollcallError):
                raise result
            outcomes.append(result)
        return outcomes

    async def refused(
        self,
        error: type[RollcallError],
        actor: Actor,
        type: str,
        payload: dict[str, Any],
        *,
        op_id: str | None = None,
        if_seq: int | None = None,
    ) -> RollcallError:
        """Assert that the action is refused with this error and that nothing was written; returns the
        error.
        """
        await self.core.consumers.idle()
        before = len(self.commits)
        with pytest.raises(error) as caught:
            await self.core.dispatcher.run(Action(type, payload, op_id or self.op_id(), actor, if_seq))
        await self.core.consumers.idle()
        assert self.commits[before:] == []
        orjson.dumps(caught.value.to_wire())
        return caught.value

    async def check(self) -> None:
        """Replay equals refetch, for every topic and day that any commit so far has touched."""
        await self.core.consumers.idle()
        today = str(self.clock.now().date())
        for commit in self.commits:
            for entry in commit.entries:
                for topic in entry.topics:
                    for day in {today, entry.data.get("date", today)}:
                        if (topic, day) not in self._replays:
                            self._replays[topic, day] = self._from_the_start(topic, day)
        for commit in self.commits[self._replayed :]:
            for replay in self._replays.values():
                for entry in commit.entries:
                    replay.apply(entry)
        self._replayed = len(self.commits)
        for (topic, day), replay in self._replays.items():
            fetched = await self.core.snapshots.records(parse_topic(topic), day)
            assert {(r["kind"], r["id"]): r for r in fetched} == replay.records, f"{topic} on {day}"

    def _from_the_start(self, topic: str, day: str) -> Replay:
        replay = Replay(topic, day)
        for commit in self.commits[: self._replayed]:
            for entry in commit.entries:
                replay.apply(entry)
        return replay

    def entries(self, room: str) -> list[Entry]:
        """Everything committed to a room, in order."""
        return [entry for commit in self.commits if commit.room == room for entry in commit.entries]


async def _raising(error: RollcallError) -> Ack:
    raise error


@cache
def _empty_database(*kinds: RecordKind) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        prepare(path, kinds)
        connect(path).close()
        return path.read_bytes()


def make_database(path: Path) -> None:
    """Put a SQLite file with nothing in it there, unless there is one.

    A copy of one that is made once: its tables take longer to make than most tests last.
    """
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_empty_database(*KINDS.values()))


@asynccontextmanager
async def open_kit(path: Path) -> AsyncIterator[CoreKit]:
    """A kit over a SQLite file, which is made where there is none."""
    make_database(path)
    storage = SqliteStorage(path)
    await storage.open()
    kit = CoreKit(storage, SqliteCredentials(storage), SetClock())
    await kit.core.open()
    try:
        yield kit
    finally:
        await kit.core.close()
        kit.passwords.close()
        await storage.close()


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[CoreKit]:
    """A core over an empty SQLite file."""
    async with open_kit(tmp_path / "rollcall.db") as kit:
        yield kit
