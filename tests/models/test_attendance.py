"""Marks and registers: ids, records and payloads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from models.attendance import (
    ClearPayload,
    MarkAllPayload,
    MarkPayload,
    SheetPayload,
    code_of,
    mark_record,
    register_record,
    sheet_at,
    summary_id,
)
from models.schema import ID

SHEET = sheet_at("s1", "s1-c1", "2026-03-02", "1")
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
MARK: dict[str, Any] = {
    "class_id": "s1-c1",
    "date": "2026-03-02",
    "period": "1",
    "student_id": "s1-c1-p1",
    "code": "P",
}


def refusal(schema: Any, payload: dict[str, Any]) -> Any:
    with pytest.raises(ValidationError) as caught:
        schema.load(payload)
    return caught.value.messages


@given(ids, ids, ids, ids)
def test_every_id_of_a_sheet_is_an_id_and_names_only_it(
    class_id: str, period: str, student: str, other: str
) -> None:
    sheet = sheet_at("s1", class_id, "2026-03-02", period)
    same = [sheet.register_id, sheet.tally_id, sheet.summary_id, sheet.mark_id(student)]
    assert all(ID.match(one) for one in same)
    assert len(set(same)) == 4
    if other != period:
        elsewhere = sheet_at("s1", class_id, "2026-03-02", other)
        assert elsewhere.register_id != sheet.register_id
        assert elsewhere.mark_id(student) != sheet.mark_id(student)
        assert elsewhere.summary_id == sheet.summary_id
    if other != student:
        assert sheet.mark_id(other) != sheet.mark_id(student)


def test_the_marks_of_one_sheet_are_neighbours() -> None:
    assert {SHEET.mark_id(f"p{n}")[:21] for n in range(30)} == {"m" + SHEET.register_id[1:]}


def test_a_summary_is_named_by_school_and_day() -> None:
    assert SHEET.summary_id == summary_id("s1", "2026-03-02")
    assert summary_id("s1", "2026-03-03") != SHEET.summary_id
    assert summary_id("s2", "2026-03-02") != SHEET.summary_id


def test_a_new_mark_holds_nothing_of_the_one_before() -> None:
    mark = mark_record(
        SHEET,
        "p1",
        code="P",
        source="teacher",
        by="u1",
        by_name="Una",
        at="2026-03-02T09:00:00.000Z",
    )
    assert mark == {
        "kind": "mark",
        "id": SHEET.mark_id("p1"),
        "school_id": "s1",
        "class_id": "s1-c1",
        "date": "2026-03-02",
        "period": "1",
        "student_id": "p1",
        "code": "P",
        "minutes_late": None,
        "note": None,
        "source": "teacher",
        "by": "u1",
        "by_name": "Una",
        "at": "2026-03-02T09:00:00.000Z",
    }


def test_a_register_is_open_until_somebody_takes_it() -> None:
    opened = register_record(SHEET)
    who_and_when = ("taken_by", "taken_by_name", "taken_at", "unmarked")
    assert (opened["state"], *(opened[name] for name in who_and_when)) == ("open", *[None] * 4)
    at = "2026-03-02T09:00:00.000Z"
    taken = register_record(SHEET, taken_by="u1", taken_by_name="Una", taken_at=at, unmarked=2)
    assert (taken["state"], *(taken[name] for name in who_and_when)) == ("taken", "u1", "Una", at, 2)
    assert opened["id"] == taken["id"]


def test_a_cleared_mark_counts_as_no_mark() -> None:
    assert code_of(None) is None
    assert code_of({"code": None}) is None
    assert code_of({"code": "A"}) == "A"


def test_minutes_and_note_of_a_mark_may_be_left_out() -> None:
    assert MarkPayload().load(MARK) == {**MARK, "minutes_late": None, "note": None}


@pytest.mark.parametrize("field", ["class_id", "date", "period", "student_id", "code"])
def test_a_mark_needs_its_place_its_student_and_its_code(field: str) -> None:
    payload = {name: value for name, value in MARK.items() if name != field}
    assert list(refusal(MarkPayload(), payload)) == [field]


@pytest.mark.parametrize("minutes", [0, 600])
def test_minutes_late_go_from_0_to_600(minutes: int) -> None:
    assert MarkPayload().load({**MARK, "code": "L", "minutes_late": minutes})["minutes_late"] == minutes


@pytest.mark.parametrize("minutes", [-1, 601, 5.5, "5", True, 10**30])
def test_other_minutes_late_are_refused(minutes: Any) -> None:
    assert list(refusal(MarkPayload(), {**MARK, "minutes_late": minutes})) == ["minutes_late"]


def test_a_note_has_at_most_1000_characters() -> None:
    assert MarkPayload().load({**MARK, "note": "x" * 1000})["note"] == "x" * 1000
    assert list(refusal(MarkPayload(), {**MARK, "note": "x" * 1001})) == ["note"]


@pytest.mark.parametrize("day", ["2026-02-30", "02.03.2026", "2026-3-2", "20260302", 20260302, None])
def test_a_date_is_a_day_of_the_calendar(day: Any) -> None:
    assert list(refusal(SheetPayload(), {"class_id": "c1", "date": day, "period": "1"})) == ["date"]


@pytest.mark.parametrize("code", ["", None, 1, ["P"], {"$gt": ""}])
def test_a_code_is_a_text(code: Any) -> None:
    assert list(refusal(MarkPayload(), {**MARK, "code": code})) == ["code"]


@pytest.mark.parametrize("schema", [SheetPayload(), ClearPayload(), MarkPayload(), MarkAllPayload()])
def test_an_unknown_field_is_refused(schema: Any) -> None:
    assert "marked_by" in refusal(schema, {**MARK, "marked_by": "u2"})


def test_mark_all_excepts_nobody_and_overwrites_nothing_unless_told() -> None:
    payload = {"class_id": "c1", "date": "2026-03-02", "period": "1", "code": "P"}
    assert MarkAllPayload().load(payload) == {**payload, "except": [], "overwrite": False}


@pytest.mark.parametrize(
    "wrong", [{"overwrite": "yes"}, {"overwrite": 1}, {"except": "p1"}, {"except": ["a b"]}]
)
def test_mark_all_refuses_other_exceptions_and_switches(wrong: dict[str, Any]) -> None:
    payload = {"class_id": "c1", "date": "2026-03-02", "period": "1", "code": "P", **wrong}
    assert list(refusal(MarkAllPayload(), payload)) == list(wrong)
