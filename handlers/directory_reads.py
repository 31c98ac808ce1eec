"""Reads of the directory: schools, classes, students, users and teams, in pages.

Who may read a record is decided in handlers/access.py before; only a list that depends on who asks is cut to
the actor here.
A page is its records and the `after` of the next page, None on the last. StorageLost passes through.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from handlers.access import SCHOOL_READERS, TEAM_READERS
from handlers.dispatch.rooms import Rooms
from handlers.pages import After, Page, loaded
from models.actor import Actor
from models.codes import code_set
from models.errors import Forbidden, NotFound
from models.journal import ORG, Record
from models.ports import Storage
from models.query import Query, query
from models.school import days_of
from models.student import is_on_roll


async def schools_of_actor(
    storage: Storage, rooms: Rooms, actor: Actor, *, after: After | None = None, limit: int
) -> Page:
    """The schools in which the actor has a role, or a class; for an admin all. By name."""
    wanted = query("school", room=ORG, order=("name",), after=after, limit=limit)
    if actor.is_admin:
        return await _page(storage, wanted)
    scopes = dict.fromkeys(actor.scopes_of(*SCHOOL_READERS))
    for scope in actor.scopes_of("teacher"):
        room = await rooms.of("class", scope.partition(":")[2])
        if room is not None:
            scopes[room] = None
    return _cut(wanted, await _named(storage, scopes))


def school_with_codes(school: Record) -> Record:
    """The school with its codes in full, in the order in which they are offered."""
    codes = code_set(school["code_set"]).codes.values()
    return {**school, "days": days_of(school), "codes": [code.to_wire() for code in codes]}


async def classes_of_school(
    storage: Storage, school_id: str, *, after: After | None = None, limit: int
) -> Page:
    """The school's classes by name."""
    room = f"school:{school_id}"
    return await _page(storage, query("class", room=room, order=("name",), after=after, limit=limit))


async def school_class(storage: Storage, room: str, class_id: str) -> Record:
    """A class of the school with this room. NotFound."""
    found = await storage.get(room, "class", class_id)
    if found is None:
        raise NotFound(f"There is no class {class_id}.")
    return found


async def students_of_class(
    storage: Storage, room: str, class_id: str, day: str, *, after: After | None = None, limit: int
) -> Page:
    """The students on the class's roll on a day (`YYYY-MM-DD`), by family name and given name."""
    enrolments = await storage.find(query("enrolment", room=room, class_id=class_id))
    keys = {("student", one["student_id"]) for one in enrolments if is_on_roll(one, day)}
    wanted = query("student", room=room, order=("family_name", "given_name"), after=after, limit=limit)
    return _cut(wanted, await loaded(storage, room, keys))


async def users_for_actor(storage: Storage, actor: Actor, *, after: After | None = None, limit: int) -> Page:
    """For an admin all users, for a school's admin those with a role in their schools, by name. Forbidden."""
    wanted = query("user", room=ORG, order=("name",), after=after, limit=limit)
    if actor.is_admin:
        return await _page(storage, wanted)
    schools = actor.scopes_of("school_admin")
    if not schools:
        raise Forbidden("Users are listed for administrators only.")
    found: dict[str, Record] = {}
    for school in schools:
        of_school = replace(wanted, containing=(("scopes", school),), limit=limit + 1)
        found.update((user["id"], user) for user in await storage.find(of_school))
    return _cut(wanted, found.values())


async def teams_of_actor(storage: Storage, actor: Actor, *, after: After | None = None, limit: int) -> Page:
    """The teams in which the actor is lead or member; for an admin all. By name."""
    wanted = query("team", room=ORG, order=("name",), after=after, limit=limit)
    if actor.is_admin:
        return await _page(storage, wanted)
    return _cut(wanted, await _named(storage, actor.scopes_of(*TEAM_READERS)))


async def _named(storage: Storage, scopes: Iterable[str]) -> list[Record]:
    """The records of `org` that these scopes, `noun:id`, name."""
    names = (scope.partition(":") for scope in scopes)
    return await loaded(storage, ORG, [(noun, id) for noun, _, id in names])


async def _page(storage: Storage, wanted: Query) -> Page:
    return _first(wanted, await storage.find(replace(wanted, limit=wanted.limit + 1)))


def _cut(wanted: Query, records: Iterable[Record]) -> Page:
    """The query's page of records found otherwise; its order is ascending, by names that are never null."""
    behind = [one for one in records if wanted.after is None or _key(wanted, one) > wanted.after]
    return _first(wanted, wanted.sorted(behind))


def _key(wanted: Query, record: Record) -> tuple[str, ...]:
    return tuple(str(value) for value in wanted.page_key(record))


def _first(wanted: Query, found: list[Record]) -> Page:
    items = found[: wanted.limit]
    return items, wanted.page_key(items[-1]) if len(found) > len(items) else None
