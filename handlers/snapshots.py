"""What a topic's snapshot holds. A snapshot plus the entries behind its position is the
next snapshot.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from handlers.dispatch.org import OrgView
from handlers.dispatch.rooms import Rooms
from models.attendance import summary_id
from models.clock import day_in
from models.journal import ORG, Position, Record
from models.ports import Clock, Storage
from models.query import Query, query
from models.shared_look import SharedLook
from models.topic import Topic

NOTIFICATIONS = 100
KEPT_RECORDS = 100_000
"""How many records the built snapshots that a node keeps hold together: about 150 MB."""

SNAPSHOT_KINDS: dict[str, frozenset[str]] = {
    "school": frozenset({"school", "class", "register", "tally", "mark", "summary", "absence"}),
    "class": frozenset({"class", "student", "enrolment", "register", "tally", "mark"}),
    "summary": frozenset({"summary"}),
    "team": frozenset({"team", "member", "task"}),
    "user": frozenset({"notification"}),
    "org": frozenset({"school", "team"}),
}
"""The kinds in a snapshot of each noun's topics; entries with other kinds are pushed there too, for who
wants them.
"""

DATED_KINDS = frozenset({"register", "tally", "mark", "summary"})
"""Kinds of which a snapshot holds one day. Of absences it holds those that are not over on that day."""


@dataclass(slots=True)
class Snapshot:
    """A topic's records, and the room's position read before them: a record may be newer than it, never
    older. Never changed once made.
    """

    topic: str
    position: Position
    records: list[Record]
    _text: bytes | None = field(default=None, init=False, repr=False, compare=False)

    def records_as_json(self, dumps: Callable[[list[Record]], bytes]) -> bytes:
        """The records as JSON, written by the `dumps` of whoever asks first."""
        if self._text is None:
            self._text = dumps(self.records)
        return self._text


class Snapshots:
    """Builds the snapshots of topics, equal ones once: who asks while one is being built shares the next."""

    def __init__(self, storage: Storage, org: OrgView, rooms: Rooms, clock: Clock) -> None:
        self._storage = storage
        self._org = org
        self._rooms = rooms
        self._clock = clock
        self._newest = SharedLook(self._build)
        self._built: OrderedDict[tuple[Topic, str], Snapshot] = OrderedDict()

    async def at_head(self, room: str, topic: Topic, day: str | None = None) -> Snapshot:
        """The topic's snapshot, its position not older than this call. StorageLost."""
        return await self._newest((room, topic, day or await self._default_day(room)))

    async def _build(self, wanted: tuple[str, Topic, str]) -> Snapshot:
        room, topic, day = wanted
        head = (await self._storage.heads([room]))[room]
        position = Position(self._storage.epoch, head)
        built = self._built.get((topic, day))
        if built is None or built.position != position:
            built = Snapshot(topic.name, position, await self.records(topic, day or None))
            self._built[topic, day] = built
        self._built.move_to_end((topic, day))
        while len(self._built) > 1 and self._kept_records() > KEPT_RECORDS:
            self._built.popitem(last=False)
        return built

    def _kept_records(self) -> int:
        return sum(len(snapshot.records) + 1 for snapshot in self._built.values())

    async def _default_day(self, room: str) -> str:
        """Today in the school's time zone; rooms without a time zone have no days."""
        noun, _, id = room.partition(":")
        return str(await self.today(id)) if noun == "school" else ""

    async def records(self, topic: Topic, day: str | None = None) -> list[Record]:
        """The records; `day` as YYYY-MM-DD, by default today in the school's time zone. StorageLost."""
        match topic.noun:
            case "school":
                return await self._school(topic.id, day)
            case "class":
                return await self._class(topic.id, day)
            case "summary":
                return await self._summary(topic.id, day)
            case "team":
                return await self._all(
                    [query(kind, room=topic.name) for kind in ("team", "member", "task")],
                )
            case "user":
                newest = query("notification", room=topic.name, order=("-at",), limit=NOTIFICATIONS)
                return await self._storage.find(newest)
        return await self._all([query(kind, room=ORG) for kind in ("school", "team")])

    async def today(self, school_id: str) -> date:
        """The date in the school's time zone now."""
        school = await self._org.get("school", school_id)
        return day_in(school["time_zone"] if school else "UTC", self._clock.now())

    async def _school(self, school_id: str, day: str | None) -> list[Record]:
        room = f"school:{school_id}"
        day = day or str(await self.today(school_id))
        dated = [query(kind, school_id=school_id, date=day) for kind in ("register", "tally", "mark")]
        planned = query("absence", school_id=school_id, within={"to": (day, None)})
        records = await self._all([query("school", room=room), query("class", room=room), *dated, planned])
        return [*records, *await self._summary(school_id, day)]

    async def _class(self, class_id: str, day: str | None) -> list[Record]:
        room = await self._rooms.of("class", class_id)
        if room is None:
            return []
        day = day or str(await self.today(room.partition(":")[2]))
        own = await self._storage.get(room, "class", class_id)
        students = query("student", room=room, containing={"class_ids": class_id})
        enrolments = query("enrolment", class_id=class_id)
        school_id = room.partition(":")[2]
        dated = [
            query(kind, school_id=school_id, date=day, class_id=class_id)
            for kind in ("register", "tally", "mark")
        ]
        return [*([own] if own else []), *await self._all([students, enrolments, *dated])]

    async def _summary(self, school_id: str, day: str | None) -> list[Record]:
        day = day or str(await self.today(school_id))
        summary = await self._storage.get(f"school:{school_id}", "summary", summary_id(school_id, day))
        return [summary] if summary else []

    async def _all(self, queries: Sequence[Query]) -> list[Record]:
        parts = await asyncio.gather(*(self._storage.find(q) for q in queries))
        return [record for part in parts for record in part]
