"""The directory: schools, classes, students and teams."""

from __future__ import annotations

from app.http.call import Call
from app.http.query import PageQuery, check_cursor, page
from app.http.route import Answer, route
from handlers.attendance_reads import student_page
from handlers.directory_reads import (
    classes_of_school,
    school_class,
    school_with_codes,
    schools_of_actor,
    students_of_class,
    teams_of_actor,
)
from models.schema import Day

TAG = "directory"


class RollQuery(PageQuery):
    """A page of the students who are on roll on a day."""

    date = Day(
        load_default=None, metadata={"description": "The day; by default today in the school's time zone."}
    )


@route(
    "GET",
    "/api/schools",
    "Your schools",
    returns="Schools by name; an administrator's are all.",
    tag=TAG,
    query=PageQuery,
)
async def schools(call: Call) -> Answer:
    """The schools in which the actor has a role or a class."""
    call.revalidate_body()
    after = check_cursor(call.query["cursor"], str, str)
    found, further = await schools_of_actor(
        call.core.storage, call.core.rooms, call.actor, after=after, limit=call.query["limit"]
    )
    return page(found, further)


@route(
    "GET",
    "/api/schools/{school_id}",
    "A school",
    returns="The school with its periods, and its codes in full.",
    access="every role in the school or one of its classes",
    tag=TAG,
)
async def school(call: Call) -> Answer:
    """One school."""
    call.revalidate_body()
    return school_with_codes(await call.core.access.school_profile(call.actor, call.path["school_id"]))


@route(
    "GET",
    "/api/schools/{school_id}/classes",
    "The classes of a school",
    returns="Classes by name.",
    access="roles in the school",
    tag=TAG,
    query=PageQuery,
)
async def classes(call: Call) -> Answer:
    """The classes of one school."""
    school_id = call.path["school_id"]
    after = check_cursor(call.query["cursor"], str, str)
    await call.core.access.school(call.actor, school_id)
    await call.revalidate([f"school:{school_id}"])
    return page(
        *await classes_of_school(call.core.storage, school_id, after=after, limit=call.query["limit"])
    )


@route(
    "GET",
    "/api/classes/{class_id}",
    "A class",
    returns="The class.",
    access="roles in the school, teachers of the class",
    tag=TAG,
)
async def one_class(call: Call) -> Answer:
    """One class."""
    class_id = call.path["class_id"]
    room = await call.core.access.school_class(call.actor, class_id)
    await call.revalidate([room])
    return await school_class(call.core.storage, room, class_id)


@route(
    "GET",
    "/api/classes/{class_id}/students",
    "The students of a class",
    returns="The students on roll on the day, by family name.",
    access="roles in the school, teachers of the class",
    tag=TAG,
    query=RollQuery,
)
async def students(call: Call) -> Answer:
    """The students on roll in one class."""
    class_id = call.path["class_id"]
    after = check_cursor(call.query["cursor"], str, str, str)
    room = await call.core.access.school_class(call.actor, class_id)
    day = call.query["date"] or str(await call.core.snapshots.today(room.partition(":")[2]))
    await call.revalidate([room], day)
    return page(
        *await students_of_class(
            call.core.storage, room, class_id, day, after=after, limit=call.query["limit"]
        )
    )


@route(
    "GET",
    "/api/students/{student_id}",
    "A student",
    returns="The student, classes, enrolments, the newest 30 marks up to today, and how many of all these "
    "have each code; "
    "for teachers what belongs to their classes.",
    access="roles in the school, teachers of one of the student's classes",
    tag=TAG,
)
async def student(call: Call) -> Answer:
    """One student."""
    found = await call.core.access.student(call.actor, call.path["student_id"])
    today = str(await call.core.snapshots.today(found["school_id"]))
    only = call.core.access.classes_of(call.actor, found)
    return await student_page(call.core.storage, found, today, only=only)


@route(
    "GET",
    "/api/teams",
    "Your teams",
    returns="Teams by name; an administrator's are all.",
    tag=TAG,
    query=PageQuery,
)
async def teams(call: Call) -> Answer:
    """The teams in which the actor is lead or member."""
    call.revalidate_body()
    after = check_cursor(call.query["cursor"], str, str)
    return page(*await teams_of_actor(call.core.storage, call.actor, after=after, limit=call.query["limit"]))
