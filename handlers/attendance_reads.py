"""Reads of attendance: a sheet, the registers and figures of a school's day, a student's page.

Who may read what is decided in handlers/access.py before; nothing here checks it, except that a list of
schools is cut to those of the actor. Days are `YYYY-MM-DD` in the school's own time zone. A page is its
items and the
`after` of the next page, None on the last. StorageLost passes through.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from handlers.access import SCHOOL_READERS
from handlers.dispatch.org import OrgView
from handlers.pages import After, Page, loaded
from models.actor import Actor
from models.attendance import sheet_at, summary_id
from models.clock import day_in
from models.errors import Invalid
from models.journal import ORG, Record
from models.marking import check_period
from models.ports import Storage
from models.query import query
from models.schema import is_day
from models.tally import students_on_roll, summary_record

NEWEST_MARKS = 30
MISSING = "missing"
"""The state of a register that has no record: nobody has marked or taken it."""

STATES = (MISSING, "open", "taken")


async def sheet(storage: Storage, org: OrgView, room: str, class_id: str, day: str, period: str) -> Record:
    """One sheet: `{class_id, school_id, date, period, state, register, students: [{student, mark}]}`.

    Every student on roll that day, by family name and given name, each with their mark (a cleared one has
    the code null) or null. `state` is missing, open or taken; `register` is null while it is missing.
    Invalid for what is no date or no period of the school; a period that the school has given up stays
    readable where it has a register.
    """
    _check_day(day)
    school_id = room.partition(":")[2]
    place = sheet_at(school_id, class_id, day, period)
    enrolments, marks, register, school = await asyncio.gather(
        storage.find(query("enrolment", room=room, class_id=class_id)),
        storage.find(place.marks),
        storage.get(room, "register", place.register_id),
        org.get("school", school_id),
    )
    if register is None and school is not None:
        check_period(period, school["periods"])
    on_roll = students_on_roll(enrolments, day)
    students = await loaded(storage, room, [("student", id) for id in on_roll])
    mark_of = {mark["student_id"]: mark for mark in marks}
    return {
        "class_id": class_id,
        "school_id": school_id,
        "date": day,
        "period": period,
        "state": _state(register),
        "register": register,
        "students": [
            {"student": student, "mark": mark_of.get(student["id"])}
            for student in sorted(students, key=_by_name)
        ],
    }


async def registers(
    storage: Storage,
    school: Record,
    day: str,
    *,
    state: str | None = None,
    after: Sequence[Any] | None = None,
    limit: int,
) -> Page:
    """Where the registers of a school's day stand, by class name and then in the order of the periods.

    Items are `{class_id, class_name, date, period, state, taken_by, taken_by_name, taken_at, unmarked}`:
    one for each period of each class that is not archived, and for every other register that was started
    that day. `state` keeps only those that are missing, open or taken. Invalid for another state or what is
    no date.
    """
    _check_day(day)
    if state is not None and state not in STATES:
        raise Invalid.field("state", f"must be one of: {', '.join(STATES)}")
    room = f"school:{school['id']}"
    classes, started = await asyncio.gather(
        storage.find(query("class", room=room, order=("name",))),
        storage.find(query("register", school_id=school["id"], date=day)),
    )
    names = {one["id"]: one["name"] for one in classes}
    register_at: dict[tuple[str, str], Record | None] = {
        (one["id"], period["id"]): None
        for one in classes
        if not one["archived"]
        for period in school["periods"]
    }
    register_at.update(((one["class_id"], one["period"]), one) for one in started)
    order = {period["id"]: number for number, period in enumerate(school["periods"])}
    keyed = []
    for (class_id, period), register in register_at.items():
        key = (names[class_id], class_id, order.get(period, len(order)), period)
        if (state is None or _state(register) == state) and (after is None or key > tuple(after)):
            keyed.append((key, register))
    keyed.sort(key=lambda pair: pair[0])
    shown = keyed[:limit]
    items = [_register_item(key, day, register) for key, register in shown]
    return items, shown[-1][0] if len(keyed) > len(shown) else None


async def planned_absences(
    storage: Storage,
    school_id: str,
    first: str,
    last: str | None,
    student_id: str | None,
    *,
    after: After | None = None,
    limit: int,
) -> Page:
    """The planned absences with a day from `first` to `last` (None: without an end), of one student if given;
    what is over first comes first.
    """
    days = {"to": (first, None), "from": (None, last)}
    wanted = query("absence", school_id=school_id, within=days, order=("to",), after=after, limit=limit + 1)
    if student_id is not None:
        wanted = replace(wanted, equal=(("room", f"school:{school_id}"), ("student_id", student_id)))
    found = await storage.find(wanted)
    shown = found[:limit]
    return shown, wanted.page_key(shown[-1]) if len(found) > limit else None


async def summary(storage: Storage, school: Record, day: str) -> Record:
    """The figures of one school's day: its `summary` record, or one without counts and with seq 0 where
    nothing was marked yet.

    Invalid for what is no date.
    """
    _check_day(day)
    stored = await storage.get(f"school:{school['id']}", "summary", summary_id(school["id"], day))
    return stored or await _empty_summary(storage, school["id"], day)


async def summaries(
    storage: Storage,
    org: OrgView,
    actor: Actor,
    day: str | None,
    now: datetime,
    *,
    after: After | None = None,
    limit: int,
) -> Page:
    """The figures of every school that the actor reads as a whole and that is not archived, by the school's
    name.

    `day` None: today, in each school's own time zone. Items are as `summary` gives them. Invalid for what
    is no date.
    """
    if day is not None:
        _check_day(day)
    schools, further = await _schools(storage, org, actor, after, limit)
    days = {school["id"]: day or str(day_in(school["time_zone"], now)) for school in schools}
    asked = [
        query(
            "summary", date=one_day, one_of={"school_id": tuple(id for id, d in days.items() if d == one_day)}
        )
        for one_day in sorted(set(days.values()))
    ]
    found = await asyncio.gather(*(storage.find(q) for q in asked))
    stored = {record["school_id"]: record for records in found for record in records}
    nothing_yet = [id for id in days if id not in stored]
    empty = await asyncio.gather(*(_empty_summary(storage, id, days[id]) for id in nothing_yet))
    stored.update(zip(nothing_yet, empty, strict=True))
    return [stored[id] for id in days], further


async def student_page(
    storage: Storage, student: Record, today: str, only: Collection[str] | None = None
) -> Record:
    """`{student, classes, enrolments, marks, totals}`, read in parallel.

    `classes`: every class the student is or was in, by name; `enrolments`: from when to when, oldest first;
    `marks`: the newest 30 up to `today` (`YYYY-MM-DD`), newest first; `totals`: how many of all their marks
    up to then have each code. `only`: what belongs to these classes, and nothing else.
    """
    room = f"school:{student['school_id']}"
    class_ids = [id for id in student["class_ids"] if only is None or id in only]
    within = {} if only is None else {"class_id": tuple(class_ids)}
    marks = query("mark", one_of=within, within={"date": (None, today)}, student_id=student["id"])
    classes, enrolments, newest, totals = await asyncio.gather(
        loaded(storage, room, [("class", class_id) for class_id in class_ids]),
        storage.find(query("enrolment", one_of=within, room=room, student_id=student["id"])),
        storage.find(replace(marks, order=("-date", "-period"), limit=NEWEST_MARKS)),
        storage.count(marks, by="code"),
    )
    return {
        "student": student,
        "classes": sorted(classes, key=lambda one: (_folded(one["name"]), one["id"])),
        "enrolments": sorted(enrolments, key=lambda one: (one["from"], one["id"])),
        "marks": newest,
        "totals": {code: number for code, number in totals.items() if code is not None},
    }


async def _empty_summary(storage: Storage, school_id: str, day: str) -> Record:
    """The figures of a day before its first mark; its seq 0 is below that of any record."""
    room = f"school:{school_id}"
    begun = {"from": (None, day)}
    open_ones, ended = await asyncio.gather(
        storage.count(query("enrolment", room=room, to=None, within=begun), by="student_id"),
        storage.count(query("enrolment", room=room, within={**begun, "to": (day, None)}), by="student_id"),
    )
    return {**summary_record(school_id, day, len(open_ones.keys() | ended.keys())), "seq": 0}


async def _schools(storage: Storage, org: OrgView, actor: Actor, after: After | None, limit: int) -> Page:
    """A page of the schools whose figures the actor reads; a page may hold fewer, for archived ones are
    left out.
    """
    wanted = query("school", room=ORG, order=("name",), after=after, limit=limit + 1)
    if actor.is_admin:
        found = await storage.find(wanted)
    else:
        ids = [scope.partition(":")[2] for scope in actor.scopes_of(*SCHOOL_READERS)]
        held = [school for id in ids if (school := await org.get("school", id)) is not None]
        found = [s for s in wanted.sorted(held) if after is None or wanted.page_key(s) > tuple(after)]
    schools = found[:limit]
    further = wanted.page_key(schools[-1]) if len(found) > limit else None
    return [school for school in schools if not school["archived"]], further


def _register_item(key: After, day: str, register: Record | None) -> Record:
    class_name, class_id, _, period = key
    held = register or {"taken_by": None, "taken_at": None, "unmarked": None}
    return {
        "class_id": class_id,
        "class_name": class_name,
        "date": day,
        "period": period,
        "state": _state(register),
        "taken_by": held["taken_by"],
        "taken_by_name": held.get("taken_by_name"),
        "taken_at": held["taken_at"],
        "unmarked": held["unmarked"],
    }


def _state(register: Record | None) -> str:
    return MISSING if register is None else str(register["state"])


def _check_day(day: str) -> None:
    if not is_day(day):
        raise Invalid.field("date", "must be a date as YYYY-MM-DD")


def _by_name(student: Record) -> tuple[str, str, str]:
    return (_folded(student["family_name"]), _folded(student["given_name"]), student["id"])


def _folded(name: str) -> str:
    """The name without capitals and accents, so that Ångström stands among the A and not behind the Z."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
