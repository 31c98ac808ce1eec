from __future__ import annotations

from typing import Any

import pytest

from models.actor import Actor
from models.errors import Conflict, Forbidden, Invalid, NotFound, RollcallError
from models.query import query
from tests.handlers.places import done, new_student, open_school
from tests.kit import CoreKit

AMY = {"given_name": "Amy", "family_name": "Young"}


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    actor = await core.actor(roles=[("admin", "org")])
    await open_school(core, actor, "s1", classes=2)
    return actor


@pytest.fixture
async def office(core: CoreKit, admin: Actor) -> Actor:
    return await core.actor(roles=[("office", "school:s1")])


def a_student(student_id: str, school_id: str = "s1") -> dict[str, Any]:
    return {"school_id": school_id, "student_id": student_id, **AMY}


def an_enrolment(first_day: str, last_day: str | None = None, class_id: str = "s1-c1") -> dict[str, Any]:
    return {"class_id": class_id, "student_id": "p1", "from": first_day, "to": last_day}


async def test_the_office_creates_students_with_a_chosen_or_a_given_id(core: CoreKit, office: Actor) -> None:
    amy = await done(core, office, "student.create", {**a_student("p1"), "external_id": "0042"})
    assert (amy["id"], amy["external_id"], amy["preferred_name"], amy["class_ids"]) == (
        "p1",
        "0042",
        None,
        [],
    )
    assert (await done(core, office, "student.create", {"school_id": "s1", **AMY}))["id"].startswith("p-")


async def test_the_id_of_a_student_is_unique_across_all_schools(
    core: CoreKit, admin: Actor, office: Actor
) -> None:
    await open_school(core, admin, "s2")
    await core.act(admin, "student.create", a_student("p1", "s2"))
    error = await core.refused(Conflict, office, "student.create", a_student("p1"))
    assert error.current is None
    outcomes = await core.act_all(office, [("student.create", a_student("p2"))] * 2)
    assert [isinstance(outcome, RollcallError) for outcome in outcomes] == [False, True]


async def test_a_student_needs_a_school_that_is_open(core: CoreKit, admin: Actor) -> None:
    await core.refused(NotFound, admin, "student.create", a_student("p1", "s9"))
    await core.act(admin, "school.archive", {"school_id": "s1"})
    error = await core.refused(Invalid, admin, "student.create", a_student("p1"))
    assert list(error.fields or {}) == ["school_id"]


async def test_a_student_is_changed_archived_and_taken_back(core: CoreKit, office: Actor) -> None:
    before = await done(core, office, "student.create", a_student("p1"))
    changes = {"given_name": "Amelia", "preferred_name": "Amy"}
    after = await done(core, office, "student.update", {"student_id": "p1", "set": changes})
    assert after == {**before, **changes, "seq": after["seq"]}
    assert (await done(core, office, "student.archive", {"student_id": "p1"}))["archived"] is True
    assert (await done(core, office, "student.unarchive", {"student_id": "p1"}))["archived"] is False


@pytest.mark.parametrize("type", ["student.update", "student.archive", "student.unarchive"])
async def test_another_schools_student_looks_like_one_that_is_not_there(
    core: CoreKit, admin: Actor, office: Actor, type: str
) -> None:
    await open_school(core, admin, "s2")
    await core.act(admin, "student.create", a_student("p9", "s2"))
    more = {"set": {"given_name": "Eve"}} if type == "student.update" else {}
    there = await core.refused(NotFound, office, type, {"student_id": "p9", **more}, if_seq=999)
    missing = await core.refused(NotFound, office, type, {"student_id": "p8", **more}, if_seq=999)
    assert there.message.replace("p9", "p8") == missing.message


async def test_a_viewer_may_not_change_a_student_that_they_see(core: CoreKit, admin: Actor) -> None:
    viewer = await core.actor(roles=[("viewer", "school:s1")])
    await core.act(admin, "student.create", a_student("p1"))
    await core.refused(Forbidden, viewer, "student.archive", {"student_id": "p1"})


async def test_an_enrolment_adds_the_class_to_the_student_in_the_same_commit(
    core: CoreKit, office: Actor
) -> None:
    await core.act(office, "student.create", a_student("p1"))
    enrolment = await done(core, office, "enrolment.create", an_enrolment("2026-03-02"))
    assert (enrolment["school_id"], enrolment["from"], enrolment["to"]) == ("s1", "2026-03-02", None)
    own, derived = core.commits[-1].entries
    assert (own.type, own.by, derived.type, derived.by, derived.op_id) == (
        "enrolment.create",
        office.id,
        "student.classes",
        None,
        None,
    )
    assert derived.data["class_ids"] == ["s1-c1"]
    assert derived.topics == ("school:s1", "class:s1-c1")


async def test_a_student_stays_in_the_topics_of_all_their_classes(core: CoreKit, office: Actor) -> None:
    await core.act(office, "student.create", a_student("p1"))
    await core.act(office, "enrolment.create", an_enrolment("2025-09-01", "2025-12-19"))
    await core.act(office, "enrolment.create", an_enrolment("2026-01-05", class_id="s1-c2"))
    await core.act(office, "student.update", {"student_id": "p1", "set": {"preferred_name": "Amy"}})
    assert core.entries("school:s1")[-1].topics == ("school:s1", "class:s1-c1", "class:s1-c2")


async def test_a_second_enrolment_in_a_class_leaves_the_student_alone(core: CoreKit, office: Actor) -> None:
    await core.act(office, "student.create", a_student("p1"))
    await core.act(office, "enrolment.create", an_enrolment("2025-09-01", "2025-12-19"))
    await core.act(office, "enrolment.create", an_enrolment("2026-01-05"))
    assert [entry.type for entry in core.commits[-1].entries] == ["enrolment.create"]


@pytest.mark.parametrize(
    ("first_day", "last_day"),
    [
        ("2025-12-19", None),
        ("2025-08-01", "2025-09-01"),
        ("2025-10-01", "2025-10-02"),
        ("2025-09-01", "2025-12-19"),
        ("2025-08-01", None),
    ],
)
async def test_enrolments_in_one_class_may_not_overlap(
    core: CoreKit, office: Actor, first_day: str, last_day: str | None
) -> None:
    await core.act(office, "student.create", a_student("p1"))
    held = await done(core, office, "enrolment.create", an_enrolment("2025-09-01", "2025-12-19"))
    error = await core.refused(Conflict, office, "enrolment.create", an_enrolment(first_day, last_day))
    assert error.current == held
    await core.act(office, "enrolment.create", an_enrolment(first_day, last_day, class_id="s1-c2"))


async def test_of_two_overlapping_enrolments_in_one_batch_the_first_is_kept(
    core: CoreKit, office: Actor
) -> None:
    await core.act(office, "student.create", a_student("p1"))
    first, second = an_enrolment("2026-01-05"), an_enrolment("2026-02-02")
    outcomes = await core.act_all(office, [("enrolment.create", first), ("enrolment.create", second)])
    assert [isinstance(outcome, Conflict) for outcome in outcomes] == [False, True]


async def test_students_enrolled_in_one_batch_are_all_in_the_class(core: CoreKit, office: Actor) -> None:
    await core.act_all(office, [("student.create", a_student(f"p{n}")) for n in range(1, 6)])
    enrolments = [{**an_enrolment("2026-01-05"), "student_id": f"p{n}"} for n in range(1, 6)]
    outcomes = await core.act_all(office, [("enrolment.create", enrolment) for enrolment in enrolments])
    assert not any(isinstance(outcome, RollcallError) for outcome in outcomes)
    for n in range(1, 6):
        student = await core.storage.get("school:s1", "student", f"p{n}")
        assert (student or {})["class_ids"] == ["s1-c1"]


async def test_a_student_of_another_school_cannot_be_enrolled(
    core: CoreKit, admin: Actor, office: Actor
) -> None:
    await open_school(core, admin, "s2")
    await core.act(admin, "student.create", a_student("p1", "s2"))
    there = await core.refused(Invalid, office, "enrolment.create", an_enrolment("2026-03-02"))
    payload = {**an_enrolment("2026-03-02"), "student_id": "p9"}
    missing = await core.refused(Invalid, office, "enrolment.create", payload)
    assert list(there.fields or {}) == ["student_id"]
    assert there.to_wire() == missing.to_wire()


@pytest.mark.parametrize(
    ("type", "payload", "path"),
    [
        ("class.archive", {"class_id": "s1-c1"}, "class_id"),
        ("student.archive", {"student_id": "p1"}, "student_id"),
    ],
)
async def test_what_is_archived_takes_no_enrolment(
    core: CoreKit, admin: Actor, type: str, payload: dict[str, str], path: str
) -> None:
    await core.act(admin, "student.create", a_student("p1"))
    await core.act(admin, type, payload)
    error = await core.refused(Invalid, admin, "enrolment.create", an_enrolment("2026-03-02"))
    assert list(error.fields or {}) == [path]


async def test_an_enrolment_in_a_class_out_of_reach_is_forbidden(
    core: CoreKit, admin: Actor, office: Actor
) -> None:
    await open_school(core, admin, "s2")
    await core.refused(Forbidden, office, "enrolment.create", an_enrolment("2026-03-02", class_id="s2-c1"))
    end = {"class_id": "s2-c1", "student_id": "p1", "to": "2026-03-02"}
    await core.refused(Forbidden, office, "enrolment.end", end)
    teacher = await core.actor(roles=[("teacher", "class:s1-c1")])
    await core.refused(Forbidden, teacher, "enrolment.create", an_enrolment("2026-03-02"))


async def test_an_open_enrolment_ends_on_its_last_day(core: CoreKit, admin: Actor, office: Actor) -> None:
    held = await new_student(core, admin, "s1-c1", "p1", first_day="2026-01-05")
    end = {"class_id": "s1-c1", "student_id": "p1", "to": "2026-03-06"}
    ended = await done(core, office, "enrolment.end", end)
    assert ended == {**held, "to": "2026-03-06", "seq": ended["seq"]}
    assert (await done(core, office, "enrolment.end", {**end, "to": "2026-03-04"}))["to"] == "2026-03-04"


async def test_an_enrolment_ends_neither_before_it_begins_nor_after_it_ended(
    core: CoreKit, admin: Actor
) -> None:
    await new_student(core, admin, "s1-c1", "p1", first_day="2026-01-05")
    end = {"class_id": "s1-c1", "student_id": "p1", "to": "2026-01-04"}
    error = await core.refused(Invalid, admin, "enrolment.end", end)
    assert list(error.fields or {}) == ["to"]
    await core.act(admin, "enrolment.end", {**end, "to": "2026-01-05"})
    error = await core.refused(Invalid, admin, "enrolment.end", {**end, "to": "2026-01-06"})
    assert list(error.fields or {}) == ["to"]


async def test_the_figures_of_a_day_follow_who_is_on_roll(core: CoreKit, admin: Actor) -> None:
    await new_student(core, admin, "s1-c1", "p1", first_day="2026-01-05")
    mark = {"class_id": "s1-c1", "date": "2026-03-02", "period": "1", "student_id": "p1", "code": "P"}
    await core.act(admin, "attendance.mark", mark)

    async def on_roll() -> list[int]:
        room = "school:s1"
        tallies = await core.storage.find(query("tally", room=room, class_id="s1-c1", date="2026-03-02"))
        summaries = await core.storage.find(query("summary", room=room, school_id="s1", date="2026-03-02"))
        return [record["on_roll"] for record in (*tallies, *summaries)]

    assert await on_roll() == [1, 1]
    await new_student(core, admin, "s1-c1", "p2", first_day="2026-03-02")
    assert await on_roll() == [2, 2]
    end = {"class_id": "s1-c1", "student_id": "p2"}
    await core.act(admin, "enrolment.end", {**end, "to": "2026-03-02"})
    assert await on_roll() == [2, 2]
    await core.act(admin, "student.create", a_student("p3"))
    earlier = {"class_id": "s1-c1", "student_id": "p3", "from": "2026-02-02"}
    await core.act(admin, "enrolment.create", {**earlier, "to": "2026-03-02"})
    assert await on_roll() == [3, 3]
    await core.act(admin, "enrolment.end", {**end, "student_id": "p3", "to": "2026-03-01"})
    assert await on_roll() == [2, 2]


async def test_only_what_is_enrolled_can_end(core: CoreKit, admin: Actor) -> None:
    await new_student(core, admin, "s1-c1", "p1")
    end = {"class_id": "s1-c2", "student_id": "p1", "to": "2026-03-02"}
    await core.refused(NotFound, admin, "enrolment.end", end)


async def test_if_seq_0_holds_where_there_is_no_enrolment_yet(core: CoreKit, office: Actor) -> None:
    await core.act(office, "student.create", a_student("p1"))
    await core.act(office, "enrolment.create", an_enrolment("2026-01-05", "2026-01-06"), if_seq=0)
    await core.refused(Conflict, office, "enrolment.create", an_enrolment("2026-01-05"), if_seq=0)
