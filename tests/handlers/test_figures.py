"""Tallies and summaries: always what a recount gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.action import Ack
from models.errors import Internal, Invalid
from tests.handlers.school_day import TODAY, SchoolDay, open_school
from tests.kit import CoreKit, open_kit


@pytest.fixture
async def day(core: CoreKit) -> SchoolDay:
    return await open_school(core)


async def test_a_late_joiner_is_on_roll_from_their_first_day(day: SchoolDay) -> None:
    for date in ("2026-02-26", "2026-02-27", TODAY):
        await day.mark(day.teacher, "p1", "P", date=date)
    await day.enrol("p4", "2026-02-27")
    assert [(await day.tally(day=date))["on_roll"] for date in ("2026-02-26", "2026-02-27", TODAY)] == [
        3,
        4,
        4,
    ]
    await day.check_figures("2026-02-26", "2026-02-27", TODAY)


async def test_a_new_student_of_the_school_counts_in_the_days_from_then_on(day: SchoolDay) -> None:
    for date in ("2026-02-27", TODAY):
        await day.mark(day.teacher, "p1", "P", date=date)
    await day.core.act(
        day.office,
        "student.create",
        {"school_id": "s1", "student_id": "p5", "given_name": "Kim", "family_name": "New"},
    )
    await day.enrol("p5", TODAY, into="c2")
    assert [(await day.summary(date))["on_roll"] for date in ("2026-02-27", TODAY)] == [4, 5]
    await day.enrol("p5", "2026-02-27")
    assert [(await day.summary(date))["on_roll"] for date in ("2026-02-27", TODAY)] == [5, 5]
    await day.check_figures("2026-02-27", TODAY)


async def test_who_has_left_is_not_counted_and_their_mark_stays_stored(day: SchoolDay) -> None:
    await day.mark_all("P")
    await day.end("p1", "2026-03-01")
    tally = await day.tally()
    assert (tally["counts"], tally["on_roll"]) == ({"P": 2}, 2)
    assert (await day.summary())["on_roll"] == 3
    assert len(await day.records_of_day("mark", TODAY)) == 3
    await day.check_figures(TODAY)


async def test_who_comes_back_is_counted_again_with_the_mark_they_had(day: SchoolDay) -> None:
    await day.mark_all("P")
    await day.end("p1", "2026-02-20")
    await day.enrol("p1", TODAY, TODAY)
    tally = await day.tally()
    assert (tally["counts"], tally["on_roll"]) == ({"P": 3}, 3)
    await day.check_figures(TODAY)


async def test_who_leaves_one_of_two_classes_stays_on_the_schools_roll(day: SchoolDay) -> None:
    await day.mark_all("P")
    await day.mark_all("A", by="office", class_id="c2")
    await day.end("p3", "2026-03-01", of="c2")
    summary = await day.summary()
    assert (summary["counts"], summary["on_roll"]) == ({"P": 3, "A": 1}, 4)
    await day.end("p3", "2026-03-01")
    assert (await day.summary())["on_roll"] == 3
    await day.check_figures(TODAY)


async def test_the_first_mark_of_a_day_counts_who_leaves_later_and_not_who_has_left_or_comes(
    day: SchoolDay,
) -> None:
    await day.end("p1", TODAY)
    await day.end("p2", "2026-03-20")
    await day.end("p3", "2026-03-01")
    await day.end("p3", "2026-03-01", of="c2")
    await day.enrol("p3", "2026-03-03")
    await day.mark(day.teacher, "p1", "P")
    assert ((await day.tally())["on_roll"], (await day.summary())["on_roll"]) == (2, 3)
    await day.check_figures(TODAY)


async def test_an_enrolment_and_marks_in_one_batch_leave_the_figures_right(day: SchoolDay) -> None:
    await day.mark(day.teacher, "p1", "P")
    outcomes = await day.core.act_at_once(
        [
            (day.office, "attendance.mark", {**day.sheet(), "student_id": "p2", "code": "P"}),
            (day.office, "enrolment.create", {"class_id": "c1", "student_id": "p4", "from": TODAY}),
            (day.office, "attendance.mark", {**day.sheet(), "student_id": "p4", "code": "A"}),
            (day.office, "enrolment.end", {"class_id": "c1", "student_id": "p2", "to": "2026-03-01"}),
            (day.office, "attendance.mark", {**day.sheet(), "student_id": "p2", "code": "A"}),
            (day.office, "attendance.mark", {**day.sheet(period="2"), "student_id": "p4", "code": "L"}),
        ],
    )
    assert [type(outcome) for outcome in outcomes] == [Ack, Ack, Ack, Ack, Invalid, Ack]
    assert (await day.tally())["counts"] == {"P": 1, "A": 1}
    await day.check_figures(TODAY)


Step = tuple[str, str, dict[str, Any]]

_sheets = st.fixed_dictionaries(
    {
        "class_id": st.sampled_from(["c1", "c2"]),
        "date": st.sampled_from(["2026-02-27", TODAY]),
        "period": st.sampled_from(["1", "2"]),
    }
)
_students = st.sampled_from(["p1", "p2", "p3", "p4"])
_codes = st.sampled_from(["P", "L", "A"])
_dates = st.sampled_from(["2026-02-25", "2026-02-26", "2026-02-27", "2026-02-28", TODAY])
_people = st.sampled_from(["teacher", "office"])


def _steps() -> st.SearchStrategy[Step]:
    def on_a_sheet(type: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
        payload = st.builds(lambda sheet, rest: {**sheet, **rest}, _sheets, st.fixed_dictionaries(more))
        return st.tuples(_people, st.just(f"attendance.{type}"), payload)

    def in_the_office(type: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
        classes = st.sampled_from(["c1", "c2"])
        payload = st.fixed_dictionaries({"class_id": classes, "student_id": _students, **fields})
        return st.tuples(st.just("office"), st.just(f"enrolment.{type}"), payload)

    def planned(verb: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
        days = st.sampled_from([("2026-02-27", TODAY), (TODAY, TODAY), ("2026-02-27", "2026-02-27")])
        who = st.lists(_students, min_size=1, max_size=2)
        periods = st.none() | st.just(["1"])
        payload = st.builds(
            lambda ids, range, chosen, rest: {
                "student_ids": ids, "from": range[0], "to": range[1], "periods": chosen, **rest
            },
            who, days, periods, st.fixed_dictionaries(more),
        )  # fmt: skip
        return st.tuples(st.just("office"), st.just(f"attendance.{verb}"), payload)

    return st.one_of(
        on_a_sheet("mark", student_id=_students, code=_codes),
        on_a_sheet("mark", student_id=_students, code=_codes),
        on_a_sheet("clear", student_id=_students),
        on_a_sheet("mark_all", code=_codes, overwrite=st.booleans()),
        on_a_sheet("take"),
        on_a_sheet("reopen"),
        in_the_office("create", **{"from": _dates, "to": st.none() | _dates}),
        in_the_office("end", to=_dates),
        planned("plan", code=st.sampled_from(["E", "A", "O"]), reason=st.just("Trip")),
        planned("unplan"),
    )


def run(test: Callable[[CoreKit], Coroutine[Any, Any, None]]) -> None:
    """Run against a core of its own: Hypothesis calls a test many times, and fixtures are made once."""

    async def in_a_core() -> None:
        with TemporaryDirectory() as folder:
            async with open_kit(Path(folder) / "rollcall.db") as core:
                await test(core)

    asyncio.run(in_a_core())


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(_steps(), min_size=1, max_size=6), min_size=1, max_size=6))
def test_after_any_sequence_of_actions_the_figures_are_those_of_a_recount(batches: list[list[Step]]) -> None:
    async def test(core: CoreKit) -> None:
        day = await open_school(core)
        people = {"teacher": await core.actor("t2", roles=[("teacher", "class:c1"), ("teacher", "class:c2")])}
        people["office"] = day.office
        for batch in batches:
            outcomes = await core.act_at_once([(people[who], type, payload) for who, type, payload in batch])
            assert not any(isinstance(outcome, Internal) for outcome in outcomes)
            await day.check_figures("2026-02-27", TODAY)

    run(test)
