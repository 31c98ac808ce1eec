from collections import Counter
from pathlib import Path

from app.demo.plan import Size
from models.action import Action
from models.attendance import sheet_at
from models.query import query
from tests.app.demo.kit import FIGURES, check_figures, check_replay_equals_refetch, load, records_of
from tests.kit import CoreKit, open_kit


async def test_there_are_no_marks_unless_history_is_asked_for(core: CoreKit) -> None:
    await load(core)
    assert await records_of(core, *FIGURES) == {}


async def test_history_is_of_the_newest_school_days_before_today(core: CoreKit) -> None:
    await load(core, history=6)  # today is Monday, 2 March 2026
    room = "school:s1"
    summaries = await core.storage.find(query("summary", room=room, order=("date",), school_id="s1"))
    days = ["2026-02-20", "2026-02-23", "2026-02-24", "2026-02-25", "2026-02-26", "2026-02-27"]
    assert [summary["date"] for summary in summaries] == days
    assert all(summary["registers"] == {"open": 0, "taken": 12} for summary in summaries)
    marks = await core.storage.find(query("mark", room=room, school_id="s1"))
    assert len(marks) == 6 * 6 * 6
    names = {id: (await core.core.org.actor(id)).name for id in ("u-s1-teacher1", "u-s1-teacher2")}
    assert {(mark["source"], mark["by"], mark["by_name"]) for mark in marks} == {
        ("teacher", id, name) for id, name in names.items()
    }
    registers = await core.storage.find(query("register", room=room, school_id="s1"))
    assert {(one["taken_by"], one["taken_by_name"]) for one in registers} == set(names.items())
    assert all(mark["at"].startswith(mark["date"]) for mark in marks)


async def test_marks_are_plausible(core: CoreKit) -> None:
    await load(core, Size(1, 8, 25, 0), history=8)
    marks = await core.storage.find(query("mark", room="school:s1", school_id="s1"))
    codes = Counter(mark["code"] for mark in marks)
    assert set(codes) == {"P", "L", "A", "E", "O"}
    assert 0.85 < codes["P"] / len(marks) < 0.97
    assert all((mark["minutes_late"] is not None) == (mark["code"] == "L") for mark in marks)
    late = Counter(mark["period"] for mark in marks if mark["code"] == "L")
    assert late["1"] > late["4"]


async def test_more_history_is_added_and_what_people_marked_stays(core: CoreKit) -> None:
    await load(core)
    teacher = await core.core.org.actor("u-s1-teacher1")
    payload = {
        "class_id": "s1-c1",
        "date": "2026-02-27",
        "period": "3",
        "student_id": "s1-c1-p1",
        "code": "O",
    }
    await core.core.dispatcher.run(Action("attendance.mark", payload, "op", teacher))
    await load(core, history=1)
    await load(core, history=2)
    marked = await core.storage.find(sheet_at("s1", "s1-c1", "2026-02-27", "3").marks)
    assert [(mark["student_id"], mark["code"]) for mark in marked] == [("s1-c1-p1", "O")]
    (summary,) = await core.storage.find(query("summary", school_id="s1", date="2026-02-27"))
    assert summary["registers"] == {"open": 1, "taken": 11}
    assert len(await core.storage.find(query("summary", school_id="s1"))) == 2
    await check_figures(core)
    await check_replay_equals_refetch(core)


async def test_the_same_seed_gives_the_same_marks_and_another_seed_other_names(
    core: CoreKit, tmp_path: Path
) -> None:
    await load(core, history=2)
    async with open_kit(tmp_path / "same.db") as same, open_kit(tmp_path / "other.db") as other:
        await load(same, history=2)
        await load(other, Size(2, 2, 3, 1, seed=2))
        assert await records_of(core, *FIGURES) == await records_of(same, *FIGURES)
        ours, theirs = await records_of(core, "student"), await records_of(other, "student")
    assert ours.keys() == theirs.keys()
    assert ours != theirs
