"""Which room an action belongs to, found from the ids in its payload.

A class, student or task never changes its room, so what was found once is kept. Who may know that something
is not there is decided here too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from models.action import Payload
from models.actor import Actor
from models.errors import Forbidden, NotFound
from models.journal import ORG
from models.ports import Storage
from models.record import RecordKey

KEPT = 200_000

CLAIM = 30.0
"""Seconds that an id is kept for the room that is making a record of it: longer than any append may last."""
CLAIMS = 100_000


class Rooms:
    """Finds the room of a record by kind and id."""

    def __init__(self, storage: Storage, limit: int = KEPT) -> None:
        self._storage = storage
        self._limit = limit
        self._known: OrderedDict[RecordKey, str] = OrderedDict()
        self._claims: OrderedDict[RecordKey, tuple[str, float]] = OrderedDict()

    async def of(self, kind: str, id: str) -> str | None:
        """The room that holds this record, or None. StorageLost."""
        room = self._known.get((kind, id))
        if room is None:
            found = await self._storage.locate(kind, id)
            if found is None:
                return None
            room = found[0]
            self._known[kind, id] = room
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        return room

    def claim(self, kind: str, id: str, room: str) -> bool:
        """Whether the room may make a record with this id; False while another room of this node is about to.

        To be asked before the storage is: what was committed since is found there. A claim that came to
        nothing ends by itself.
        """
        key, now = (kind, id), asyncio.get_running_loop().time()
        holder, since = self._claims.get(key, (room, now))
        if holder != room and now < since + CLAIM:
            return False
        self._claims[key] = (room, now)
        self._claims.move_to_end(key)
        if len(self._claims) > CLAIMS:
            self._claims.popitem(last=False)
        return True


async def room_of_org(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The room of schools, teams, users and roles."""
    return ORG


async def room_of_school(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The room of the school that the payload names."""
    return f"school:{payload['school_id']}"


async def room_of_team(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The room of the team that the payload names."""
    return f"team:{payload['team_id']}"


async def room_of_class(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The school's room of the class that the payload names.

    An unknown class is `not_found` only to roles on a school or `org`, otherwise `forbidden`: a class
    outside the actor's reach must look the same whether it exists or not.
    """
    room = await rooms.of("class", payload["class_id"])
    if room is None:
        if any(scope == ORG or scope.startswith("school:") for _, scope in actor.roles):
            raise NotFound(f"There is no class {payload['class_id']}.")
        raise Forbidden(f"You have no role on the class {payload['class_id']}.")
    return room


async def room_of_student(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The school's room of the student that the payload names."""
    return await _room_of_student(rooms, payload["student_id"])


async def room_of_students(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The school's room of the first of the students that the payload names; the others must be in it."""
    return await _room_of_student(rooms, payload["student_ids"][0])


async def _room_of_student(rooms: Rooms, student_id: str) -> str:
    room = await rooms.of("student", student_id)
    if room is None:
        raise NotFound(f"There is no student {student_id}.")
    return room
