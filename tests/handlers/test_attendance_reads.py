"""Reads of attendance."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from handlers.attendance_reads import registers, sheet, student_page, summaries, summary
from models.actor import Actor
from models.attendance import mark_record, sheet_at
from models.errors import Invalid
from models.journal import ORG, Record
from models.school import class_record, school_record
from models.student import enrolment_record, student_record
from tests.handlers.school_day import TODAY, SchoolDay, open_school
from tests.kit import CoreKit, SetClock
from tests.parts.plans import Plans


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def school(day: SchoolDay, id: str = "s1") -> Record:
    found = await day.core.core.org.get("school", id)
    assert found is not None
    return found


async def sheet_of(day: SchoolDay, *, class_id: str = "c1", date: str = TODAY, period: str = "1") -> Record:
    return await sheet(day.core.storage, day.core.core.org, day.room, class_id, date, period)


async def registers_of(day: SchoolDay, *, date: str = TODAY, state: str | None = None) -> list[Record]:
    items, further = await registers(day.core.storage, await school(day), date, state=state, limit=100)
    assert further is None
    return items


async def summaries_for(
    day: SchoolDay, actor: Actor, date: str | None = TODAY, *, now: datetime | None = None
) -> list[Record]:
    now = now or day.core.clock.now()
    items, further = await summaries(day.core.storage, day.core.core.org, actor, date, now, limit=100)
    assert further is None
    return items


async def another_school(day: SchoolDay, id: str, name: str, *, time_zone: str = "UTC") -> None:
    """A school with a class and one student in it."""
    room = f"school:{id}"
    one_period = [{"id": "1", "name": "First", "start": "09:00", "end": "10:00"}]
    record = school_record(id, name=name, time_zone=time_zone, code_set="simple", periods=one_period)
    await day.core.put(ORG, record)
    await day.core.put(room, class_record(f"{id}-c1", id, "Class"))
    await day.core.put(room, student_record(f"{id}-p1", id, given_name="Kim", family_name="Lee"))
    await day.core.put(room, enrolment_record(id, f"{id}-c1", f"{id}-p1", "2025-09-01", None))


# -- sheet


async def test_a_sheet_nobody_has_touched_shows_everybody_without_a_mark(day: SchoolDay) -> None:
    found = await sheet_of(day)
    assert {
        name: found[name] for name in ("class_id", "school_id", "date", "period", "state", "register")
    } == {
        "class_id": "c1",
        "school_id": "s1",
        "date": TODAY,
        "period": "1",
        "state": "missing",
        "register": None,
    }
    assert [line["mark"] for line in found["students"]] == [None, None, None]


async def test_a_sheet_is_in_the_order_of_names_whatever_their_accents(day: SchoolDay) -> None:
    found = await sheet_of(day)
    assert [line["student"]["family_name"] for line in found["students"]] == ["Ångström", "Moreau", "Zhu"]


async def test_equal_family_names_stand_by_given_name(day: SchoolDay) -> None:
    await day.core.act(day.office, "student.update", {"student_id": "p1", "set": {"family_name": "moreau"}})
    await day.core.act(day.office, "student.update", {"student_id": "p3", "set": {"given_name": "Zoé"}})
    found = await sheet_of(day)
    assert [line["student"]["id"] for line in found["students"]] == ["p2", "p1", "p3"]


async def test_a_sheet_shows_each_mark_and_the_register(day: SchoolDay) -> None:
    late = await day.mark(day.teacher, "p1", "L", minutes_late=5)
    await day.mark(day.teacher, "p2", "A")
    ack = await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p2"})
    found = await sheet_of(day)
    assert found["state"] == "open"
    assert [line["mark"] for line in found["students"]] == [ack.data, None, late]
    taken = await day.core.act(day.teacher, "attendance.take", day.sheet())
    found = await sheet_of(day)
    assert (found["state"], found["register"]) == ("taken", taken.data)


async def test_a_sheet_holds_no_mark_of_another_sheet(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P", period="2")
    await day.mark(day.teacher, "p1", "P", date="2026-02-27")
    await day.mark(day.office, "p3", "P", class_id="c2")
    found = await sheet_of(day)
    assert [line["mark"] for line in found["students"]] == [None, None, None]


async def test_a_sheet_shows_who_was_on_roll_that_day(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    ending = {"class_id": "c1", "student_id": "p1", "to": "2026-02-28"}
    await day.core.act(day.office, "enrolment.end", ending)
    await day.core.act(day.office, "enrolment.create", {"class_id": "c1", "student_id": "p4", "from": TODAY})
    on_roll = {
        date: [line["student"]["id"] for line in (await sheet_of(day, date=date))["students"]]
        for date in ("2026-02-28", TODAY)
    }
    assert on_roll == {"2026-02-28": ["p2", "p3", "p1"], TODAY: ["p2", "p4", "p3"]}


async def test_the_sheet_of_a_class_without_students_is_empty(day: SchoolDay) -> None:
    await day.core.act(day.head, "class.create", {"school_id": "s1", "class_id": "c3", "name": "Empty"})
    found = await sheet_of(day, class_id="c3")
    assert (found["state"], found["students"]) == ("missing", [])


@pytest.mark.parametrize(("changes", "field"), [({"date": "yesterday"}, "date"), ({"period": "9"}, "period")])
async def test_a_sheet_needs_a_date_and_a_period(day: SchoolDay, changes: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await sheet_of(day, **changes)
    assert list(caught.value.fields or {}) == [field]


async def test_the_sheet_of_a_period_that_was_given_up_stays_readable(day: SchoolDay) -> None:
    mark = await day.mark(day.teacher, "p1", "P", period="2")
    remaining = [{"id": "1", "name": "First", "start": "09:00", "end": "10:00"}]
    await day.core.act(day.head, "school.update", {"school_id": "s1", "set": {"periods": remaining}})
    found = await sheet_of(day, period="2")
    assert found["students"][2]["mark"] == mark
    with pytest.raises(Invalid):
        await sheet_of(day, period="2", date="2026-02-27")


# -- registers


async def test_every_class_and_period_has_a_line_in_order(day: SchoolDay) -> None:
    await day.core.act(day.head, "class.update", {"class_id": "c2", "set": {"name": "A class"}})
    lines = [(line["class_name"], line["class_id"], line["period"]) for line in await registers_of(day)]
    assert lines == [
        ("A class", "c2", "1"),
        ("A class", "c2", "2"),
        ("Class c1", "c1", "1"),
        ("Class c1", "c1", "2"),
    ]


async def test_the_lines_say_who_has_taken_a_register_and_when(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await day.core.act(day.teacher, "attendance.take", day.sheet())
    await day.mark(day.teacher, "p1", "P", period="2")
    taken, opened, missing, _ = await registers_of(day)
    assert taken == {
        "class_id": "c1",
        "class_name": "Class c1",
        "date": TODAY,
        "period": "1",
        "state": "taken",
        "taken_by": "teacher",
        "taken_by_name": "Tess Teacher",
        "taken_at": "2026-03-02T08:30:00.000Z",
        "unmarked": 2,
    }
    nobody = {"taken_by": None, "taken_by_name": None, "taken_at": None, "unmarked": None}
    assert opened == {**taken, **nobody, "period": "2", "state": "open"}
    assert missing == {**taken, **nobody, "class_id": "c2", "class_name": "Class c2", "state": "missing"}


async def test_the_lines_keep_the_name_that_the_taker_had(day: SchoolDay) -> None:
    await day.core.act(day.teacher, "attendance.take", day.sheet())
    await day.core.act(day.teacher, "user.update", {"user_id": "teacher", "set": {"name": "Tess Married"}})
    assert [line["taken_by_name"] for line in await registers_of(day, state="taken")] == ["Tess Teacher"]


async def test_a_register_from_before_names_were_kept_has_none(day: SchoolDay) -> None:
    register = await day.take()
    del register["taken_by_name"]
    await day.core.put(day.room, register)
    (line,) = await registers_of(day, state="taken")
    assert (line["taken_by"], line["taken_by_name"]) == ("teacher", None)


@pytest.mark.parametrize(
    ("state", "places"),
    [("taken", [("c1", "1")]), ("open", [("c1", "2")]), ("missing", [("c2", "1"), ("c2", "2")])],
)
async def test_the_lines_of_one_state(day: SchoolDay, state: str, places: list[tuple[str, str]]) -> None:
    await day.core.act(day.teacher, "attendance.take", day.sheet())
    await day.mark(day.teacher, "p1", "P", period="2")
    lines = await registers_of(day, state=state)
    assert [(line["class_id"], line["period"]) for line in lines] == places


async def test_an_archived_class_misses_no_register_but_keeps_those_it_has(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P", period="2")
    await day.core.act(day.head, "class.archive", {"class_id": "c1"})
    lines = [(line["class_id"], line["period"], line["state"]) for line in await registers_of(day)]
    assert lines == [("c1", "2", "open"), ("c2", "1", "missing"), ("c2", "2", "missing")]


async def test_a_register_of_a_period_that_was_given_up_stands_last(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P", period="1")
    new = [{"id": "9", "name": "Ninth", "start": "15:00", "end": "16:00"}]
    await day.core.act(day.head, "school.update", {"school_id": "s1", "set": {"periods": new}})
    lines = [(line["class_id"], line["period"], line["state"]) for line in await registers_of(day)]
    assert lines == [("c1", "9", "missing"), ("c1", "1", "open"), ("c2", "9", "missing")]


async def test_the_lines_come_in_pages_each_once(day: SchoolDay) -> None:
    whole = await registers_of(day)
    paged, after = [], None
    for _ in range(2):
        items, after = await registers(day.core.storage, await school(day), TODAY, after=after, limit=3)
        paged += items
    assert paged == whole
    assert after is None


@pytest.mark.parametrize(
    ("changes", "field"), [({"date": "2026-13-01"}, "date"), ({"state": "late"}, "state")]
)
async def test_registers_need_a_date_and_a_known_state(
    day: SchoolDay, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await registers_of(day, **changes)
    assert list(caught.value.fields or {}) == [field]


# -- summaries


async def test_the_summary_of_a_day_is_its_record(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    assert await summary(day.core.storage, await school(day), TODAY) == await day.summary()


async def test_the_summary_of_a_day_without_marks_counts_who_is_on_roll(day: SchoolDay) -> None:
    ending = {"class_id": "c2", "student_id": "p4", "to": "2026-02-28"}
    await day.core.act(day.office, "enrolment.end", ending)
    found = await summary(day.core.storage, await school(day), "2026-02-28")
    assert found["seq"] == 0
    assert (found["counts"], found["on_roll"], found["registers"]) == ({}, 4, {"open": 0, "taken": 0})
    on_roll = {
        date: (await summary(day.core.storage, await school(day), date))["on_roll"]
        for date in ("2025-08-31", "2025-09-01", TODAY)
    }
    assert on_roll == {"2025-08-31": 0, "2025-09-01": 4, TODAY: 3}


async def test_the_first_mark_changes_nothing_in_the_roll_that_was_read_before(day: SchoolDay) -> None:
    before = await summary(day.core.storage, await school(day), TODAY)
    await day.mark(day.teacher, "p1", "P")
    after = await summary(day.core.storage, await school(day), TODAY)
    assert (before["id"], before["on_roll"]) == (after["id"], after["on_roll"])


async def test_a_summary_needs_a_date(day: SchoolDay) -> None:
    with pytest.raises(Invalid):
        await summary(day.core.storage, await school(day), "today")
    with pytest.raises(Invalid):
        await summaries_for(day, day.admin, "today")


async def test_an_admin_sees_every_school_by_name(day: SchoolDay) -> None:
    await another_school(day, "s2", "Zwei")
    await another_school(day, "s3", "Drei")
    await day.mark(day.teacher, "p1", "P")
    found = await summaries_for(day, day.admin)
    assert [(one["school_id"], one["counts"], one["on_roll"]) for one in found] == [
        ("s3", {}, 1),
        ("s1", {"P": 1}, 4),
        ("s2", {}, 1),
    ]


async def test_others_see_the_schools_that_they_read_as_a_whole(day: SchoolDay) -> None:
    await another_school(day, "s2", "Zwei")
    await another_school(day, "s3", "Drei")
    both = await day.core.actor(
        "both", roles=[("viewer", "school:s1"), ("teacher", "class:s2-c1"), ("office", "school:s3")]
    )
    assert [one["school_id"] for one in await summaries_for(day, both)] == ["s3", "s1"]
    assert await summaries_for(day, day.teacher) == []


async def test_archived_schools_are_left_out(day: SchoolDay) -> None:
    await another_school(day, "s2", "Zwei")
    await day.core.act(day.admin, "school.archive", {"school_id": "s1"})
    assert [one["school_id"] for one in await summaries_for(day, day.admin)] == ["s2"]


async def test_today_is_each_schools_own(day: SchoolDay) -> None:
    await another_school(day, "s2", "Kiritimati", time_zone="Pacific/Kiritimati")
    await another_school(day, "s3", "Los Angeles", time_zone="America/Los_Angeles")
    noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    found = await summaries_for(day, day.admin, None, now=noon)
    assert {one["school_id"]: one["date"] for one in found} == {"s1": TODAY, "s2": "2026-03-03", "s3": TODAY}
    early = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
    found = await summaries_for(day, day.admin, None, now=early)
    assert {one["school_id"]: one["date"] for one in found} == {"s1": TODAY, "s2": TODAY, "s3": "2026-03-01"}


@pytest.mark.parametrize("by", ["admin", "reader"])
async def test_the_schools_come_in_pages_each_once(day: SchoolDay, by: str) -> None:
    for id, name in (("s2", "Zwei"), ("s3", "Drei"), ("s4", "Vier")):
        await another_school(day, id, name)
    reader = await day.core.actor("reader", roles=[("viewer", f"school:s{n}") for n in (1, 2, 3, 4)])
    actor = {"admin": day.admin, "reader": reader}[by]
    paged: list[Record] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        items, after = await summaries(
            day.core.storage, day.core.core.org, actor, TODAY, day.core.clock.now(), after=after, limit=3
        )
        paged, pages = paged + items, pages + 1
    assert ([one["school_id"] for one in paged], pages) == (["s3", "s1", "s4", "s2"], 2)


# -- a student's page


async def test_a_students_page_shows_classes_enrolments_marks_and_totals(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p3", "P", date="2026-02-27", period="2")
    await day.mark(day.teacher, "p3", "A")
    await day.mark(day.office, "p3", "P", class_id="c2", period="2")
    await day.mark(day.teacher, "p1", "P")
    student = await day.core.storage.get(day.room, "student", "p3")
    assert student is not None
    page = await student_page(day.core.storage, student, TODAY)
    assert page["student"] == student
    assert [one["id"] for one in page["classes"]] == ["c1", "c2"]
    assert sorted(one["class_id"] for one in page["enrolments"]) == ["c1", "c2"]
    marks = [(mark["date"], mark["period"], mark["code"]) for mark in page["marks"]]
    assert marks == [(TODAY, "2", "P"), (TODAY, "1", "A"), ("2026-02-27", "2", "P")]
    assert page["totals"] == {"P": 2, "A": 1}


async def test_a_students_page_holds_the_newest_30_marks_and_counts_all(day: SchoolDay) -> None:
    for number in range(1, 29):
        for period in ("1", "2"):
            await day.core.put(day.room, _stored_mark(f"2026-02-{number:02}", period))
    student = await day.core.storage.get(day.room, "student", "p1")
    assert student is not None
    page = await student_page(day.core.storage, student, TODAY)
    assert len(page["marks"]) == 30
    places = [(mark["date"], mark["period"]) for mark in page["marks"]]
    assert places == sorted(places, reverse=True)
    assert (places[0], places[-1]) == (("2026-02-28", "2"), ("2026-02-14", "1"))
    assert page["totals"] == {"P": 56}


def _stored_mark(date: str, period: str) -> Record:
    place = sheet_at("s1", "c1", date, period)
    return mark_record(
        place,
        "p1",
        code="P",
        source="teacher",
        by="teacher",
        by_name="Tess Teacher",
        at=f"{date}T09:00:00.000Z",
    )


async def test_cleared_marks_are_in_no_total(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p1"})
    student = await day.core.storage.get(day.room, "student", "p1")
    assert student is not None
    page = await student_page(day.core.storage, student, TODAY)
    assert [mark["code"] for mark in page["marks"]] == [None]
    assert page["totals"] == {}


async def test_the_page_of_a_new_student_is_empty(day: SchoolDay) -> None:
    await day.core.put(day.room, student_record("p9", "s1", given_name="Kim", family_name="New"))
    student = await day.core.storage.get(day.room, "student", "p9")
    assert student is not None
    page = await student_page(day.core.storage, student, TODAY)
    assert {**page, "student": None} == {
        "student": None,
        "classes": [],
        "enrolments": [],
        "marks": [],
        "totals": {},
    }


# -- indexes


async def test_every_action_and_read_finds_its_records_by_an_index(tmp_path: Path) -> None:
    path, plans = tmp_path / "rollcall.db", Plans()
    storage = SqliteStorage(path, trace=plans.record)
    await storage.open()
    core = CoreKit(storage, SqliteCredentials(storage), SetClock())
    await core.core.open()
    try:
        await _a_day_of_everything(await open_school(core))
    finally:
        await core.core.close()
        core.passwords.close()
        await storage.close()
    assert plans.scans(path) == []
    of_one_student = [one for one in plans.statements if "records_mark" in one and "student_id" in one]
    assert of_one_student
    assert all('INDEXED BY "records_mark__student_id__' in one for one in of_one_student)


async def _a_day_of_everything(day: SchoolDay) -> None:
    await day.core.act(day.teacher, "attendance.mark_all", {**day.sheet(), "code": "P"})
    await day.mark(day.teacher, "p1", "A")
    await day.core.act(day.teacher, "attendance.clear", {**day.sheet(), "student_id": "p1"})
    await day.core.act(day.teacher, "attendance.take", day.sheet())
    await day.core.act(day.office, "attendance.reopen", day.sheet())
    await day.core.act(
        day.office, "enrolment.end", {"class_id": "c1", "student_id": "p2", "to": "2026-02-28"}
    )
    await sheet_of(day)
    await registers_of(day)
    await summary(day.core.storage, await school(day), "2026-02-27")
    await summaries_for(day, day.admin)
    student = await day.core.storage.get(day.room, "student", "p1")
    assert student is not None
    await student_page(day.core.storage, student, TODAY)
    await student_page(day.core.storage, student, TODAY, only={"c1", "c2"})
