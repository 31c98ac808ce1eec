"""The periods and days on which marks may be set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.errors import Forbidden, Invalid
from models.student import enrolment_record
from tests.handlers.school_day import ON_A_SHEET, SchoolDay, open_school
from tests.kit import CoreKit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


every_action = pytest.mark.parametrize("type", list(ON_A_SHEET))


@every_action
async def test_every_action_needs_a_period_of_the_school(day: SchoolDay, type: str) -> None:
    payload = {**day.sheet(period="7"), **ON_A_SHEET[type]}
    error = await day.core.refused(Invalid, day.office, type, payload)
    assert error.fields == {"period": ["must be one of the school's periods: 1, 2"]}


@every_action
@pytest.mark.parametrize("by", ["office", "head", "admin", "teacher"])
async def test_no_action_reaches_the_future(day: SchoolDay, type: str, by: str) -> None:
    payload = {**day.sheet(date="2026-03-03"), **ON_A_SHEET[type]}
    refusal = Forbidden if (type, by) == ("attendance.reopen", "teacher") else Invalid
    error = await day.core.refused(refusal, getattr(day, by), type, payload)
    if refusal is Invalid:
        assert error.fields == {"date": ["must not be in the future: today is 2026-03-02 at the school"]}


@pytest.mark.parametrize("type", [type for type in ON_A_SHEET if type != "attendance.reopen"])
async def test_a_teacher_reaches_seven_days_back(day: SchoolDay, type: str) -> None:
    await day.mark(day.teacher, "p1", "P", date="2026-02-23")
    payload = {**day.sheet(date="2026-02-22"), **ON_A_SHEET[type]}
    error = await day.core.refused(Invalid, day.teacher, type, payload)
    assert error.fields == {"date": ["must not be before 2026-02-23: teachers mark up to 7 days back"]}


@pytest.mark.parametrize("by", ["office", "head", "admin"])
async def test_the_office_reaches_back_to_the_start_of_the_school_year(day: SchoolDay, by: str) -> None:
    await day.core.put(day.room, enrolment_record("s1", "c1", "p4", "2025-07-01", None))
    await day.mark(getattr(day, by), "p4", "P", date="2025-08-01")
    payload = {**day.sheet(date="2025-07-31"), "student_id": "p4", "code": "P"}
    error = await day.core.refused(Invalid, getattr(day, by), "attendance.mark", payload)
    assert error.fields == {"date": ["must not be before 2025-08-01, in an earlier school year"]}


@pytest.mark.parametrize(
    ("zone", "now", "yesterday", "today", "tomorrow"),
    [
        (
            "Pacific/Kiritimati",
            datetime(2026, 3, 2, 9, 59, tzinfo=UTC),
            "2026-03-01",
            "2026-03-02",
            "2026-03-03",
        ),
        (
            "Pacific/Kiritimati",
            datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
            "2026-03-02",
            "2026-03-03",
            "2026-03-04",
        ),
        (
            "America/Los_Angeles",
            datetime(2026, 3, 2, 7, 59, tzinfo=UTC),
            "2026-02-28",
            "2026-03-01",
            "2026-03-02",
        ),
        (
            "America/Los_Angeles",
            datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
            "2026-03-01",
            "2026-03-02",
            "2026-03-03",
        ),
        # The clocks go forward on 8 March in the United States: from then on midnight is an hour earlier.
        (
            "America/Los_Angeles",
            datetime(2026, 3, 9, 6, 59, tzinfo=UTC),
            "2026-03-07",
            "2026-03-08",
            "2026-03-09",
        ),
        (
            "America/Los_Angeles",
            datetime(2026, 3, 9, 7, 0, tzinfo=UTC),
            "2026-03-08",
            "2026-03-09",
            "2026-03-10",
        ),
    ],
)
async def test_today_is_the_schools_own(
    core: CoreKit, zone: str, now: datetime, yesterday: str, today: str, tomorrow: str
) -> None:
    day = await open_school(core, time_zone=zone, mark_days_back=0)
    core.clock.moment = now
    await day.mark(day.teacher, "p1", "P", date=today)
    payload = {**day.sheet(date=tomorrow), "student_id": "p1", "code": "P"}
    await core.refused(Invalid, day.teacher, "attendance.mark", payload)
    await core.refused(Invalid, day.office, "attendance.mark", payload)
    payload = {**day.sheet(date=yesterday), "student_id": "p1", "code": "P"}
    await core.refused(Invalid, day.teacher, "attendance.mark", payload)
    await day.mark(day.office, "p1", "P", date=yesterday)


async def test_the_days_back_are_the_schools_to_set(core: CoreKit) -> None:
    day = await open_school(core, mark_days_back=1)
    await day.mark(day.teacher, "p1", "P", date="2026-03-01")
    payload = {**day.sheet(date="2026-02-28"), "student_id": "p1", "code": "P"}
    await core.refused(Invalid, day.teacher, "attendance.mark", payload)
