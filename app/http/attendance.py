"""Attendance: sheets, registers and the figures of a day."""

from __future__ import annotations

from app.http.call import Call
from app.http.query import PageQuery, check_cursor, page
from app.http.route import Answer, route
from handlers import attendance_reads
from models.schema import Day, Id, Payload, StrictString

TAG = "attendance"

TODAY = "The day; by default today in the school's time zone."


class DayQuery(Payload):
    """A day."""

    date = Day(load_default=None, metadata={"description": TODAY})


class RegistersQuery(PageQuery):
    """A page of the registers of a day."""

    date = Day(load_default=None, metadata={"description": TODAY})
    state = StrictString(
        load_default=None, metadata={"description": "Only those that are missing, open or taken."}
    )


class AbsencesQuery(PageQuery):
    """A page of the planned absences that have a day in a range."""

    class Meta(PageQuery.Meta):
        include = {  # noqa: RUF012 - marshmallow reads a plain dict
            "from": Day(load_default=None, metadata={"description": TODAY}),
        }

    to = Day(load_default=None, metadata={"description": "The last day; without it there is no end."})
    student_id = Id(load_default=None, metadata={"description": "Only those of this student."})


class SummariesQuery(PageQuery):
    """A page of the figures of a day."""

    date = Day(
        load_default=None, metadata={"description": "The day; by default today in each school's time zone."}
    )


@route(
    "GET",
    "/api/classes/{class_id}/registers/{date}/{period}",
    "A sheet",
    returns="Every student on roll that day with their mark or null, and the register's state.",
    access="roles in the school, teachers of the class",
    tag=TAG,
)
async def sheet(call: Call) -> Answer:
    """One sheet."""
    class_id = call.path["class_id"]
    room = await call.core.access.school_class(call.actor, class_id)
    await call.revalidate([room])
    return await attendance_reads.sheet(
        call.core.storage, call.core.org, room, class_id, call.path["date"], call.path["period"]
    )


@route(
    "GET",
    "/api/schools/{school_id}/registers",
    "The registers of a day",
    returns="Where each register stands: missing, open or taken; by class, in the order of the periods.",
    access="roles in the school",
    tag=TAG,
    query=RegistersQuery,
)
async def registers(call: Call) -> Answer:
    """Where the registers of one school stand."""
    call.revalidate_body()
    after = check_cursor(call.query["cursor"], str, str, int, str)
    school = await call.core.access.school(call.actor, call.path["school_id"])
    day = call.query["date"] or str(await call.core.snapshots.today(school["id"]))
    items, further = await attendance_reads.registers(
        call.core.storage,
        school,
        day,
        state=call.query["state"],
        after=after,
        limit=call.query["limit"],
    )
    return page(items, further)


@route(
    "GET",
    "/api/schools/{school_id}/absences",
    "The planned absences of a school",
    returns="Absences with a day in the range; what is over first comes first.",
    access="roles in the school",
    tag=TAG,
    query=AbsencesQuery,
)
async def absences(call: Call) -> Answer:
    """The planned absences of one school."""
    school = await call.core.access.school(call.actor, call.path["school_id"])
    after = check_cursor(call.query["cursor"], str, str)
    first = call.query["from"] or str(await call.core.snapshots.today(school["id"]))
    await call.revalidate([f"school:{school['id']}"], first)
    items, further = await attendance_reads.planned_absences(
        call.core.storage,
        school["id"],
        first,
        call.query["to"],
        call.query["student_id"],
        after=after,
        limit=call.query["limit"],
    )
    return page(items, further)


@route(
    "GET",
    "/api/schools/{school_id}/summary",
    "The figures of a school's day",
    returns="The day's summary: how many marks have each code, students on roll, registers open and taken.",
    access="roles in the school",
    tag=TAG,
    query=DayQuery,
)
async def summary(call: Call) -> Answer:
    """The figures of one school's day."""
    school = await call.core.access.school(call.actor, call.path["school_id"])
    day = call.query["date"] or str(await call.core.snapshots.today(school["id"]))
    await call.revalidate([f"school:{school['id']}"], day)
    return await attendance_reads.summary(call.core.storage, school, day)


@route(
    "GET",
    "/api/summary",
    "The figures of all your schools",
    returns="The day's summary of each school, by the school's name.",
    access="roles in a school: those schools",
    tag=TAG,
    query=SummariesQuery,
)
async def summaries(call: Call) -> Answer:
    """The figures of all schools that the actor reads."""
    call.revalidate_body()
    items, further = await attendance_reads.summaries(
        call.core.storage,
        call.core.org,
        call.actor,
        call.query["date"],
        call.door.clock.now(),
        after=check_cursor(call.query["cursor"], str, str),
        limit=call.query["limit"],
    )
    return page(items, further)
