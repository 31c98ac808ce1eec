"""Planned absences of the demo."""

from __future__ import annotations

from app.demo.load import Outcome
from app.demo.plan import Size
from models.query import query
from tests.app.demo.kit import check_figures, check_replay_equals_refetch, load
from tests.kit import CoreKit

SIZE = Size(schools=2, classes=2, students=8, teams=0)


async def test_a_newcomer_sees_some_of_the_next_days(core: CoreKit) -> None:
    await load(core, SIZE, absences=True)  # today is Monday, 2 March 2026
    for school_id in ("s1", "s2"):
        found = await core.storage.find(query("absence", school_id=school_id, order=("to",)))
        assert {(one["student_id"], one["from"], one["to"], one["code"]) for one in found} == {
            (f"{school_id}-c1-p7", "2026-03-03", "2026-03-05", "E"),
            *((f"{school_id}-c2-p{n}", "2026-03-04", "2026-03-04", "O") for n in (3, 4, 5, 6)),
        }
        office = await core.core.org.get("user", f"u-{school_id}-office")
        assert office is not None
        assert {(one["by"], one["by_name"]) for one in found} == {(office["id"], office["name"])}
        marks = await core.storage.find(query("mark", school_id=school_id, date="2026-03-03"))
        assert {(mark["student_id"], mark["source"]) for mark in marks} == {(f"{school_id}-c1-p7", "planned")}
        assert await core.storage.find(query("mark", school_id=school_id, date="2026-03-02")) == []


async def test_on_a_weekend_they_begin_on_monday(core: CoreKit) -> None:
    core.clock.move(days=5)
    await load(core, SIZE, absences=True)
    found = await core.storage.find(query("absence", school_id="s1"))
    assert min(one["from"] for one in found) == "2026-03-09"


async def test_a_second_run_changes_nothing_also_on_another_day(core: CoreKit) -> None:
    await load(core, SIZE, absences=True)
    core.clock.move(days=1)
    assert await load(core, SIZE, absences=True) == Outcome(0, 0)


async def test_history_leaves_what_was_planned(core: CoreKit) -> None:
    await load(core, SIZE, absences=True)
    core.clock.move(days=4)
    await load(core, SIZE, history=4)
    await check_figures(core)
    await check_replay_equals_refetch(core)
    marks = await core.storage.find(query("mark", school_id="s1", date="2026-03-03", class_id="s1-c1"))
    assert {mark["student_id"] for mark in marks if mark["source"] == "planned"} == {"s1-c1-p7"}
