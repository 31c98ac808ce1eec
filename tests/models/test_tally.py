"""Figures that follow from marks."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.attendance import sheet_at
from models.tally import (
    moved,
    registers_moved,
    students_on_roll,
    summary_record,
    tally_record,
)

SHEET = sheet_at("s1", "s1-c1", "2026-03-02", "1")
codes = st.sampled_from(["P", "L", "A", None])


@given(st.lists(st.tuples(st.integers(0, 5), codes), max_size=40))
def test_moving_marks_one_by_one_is_counting_them_all(sets: list[tuple[int, str | None]]) -> None:
    held: dict[int, str | None] = {}
    counts: dict[str, int] = {}
    for student, code in sets:
        counts = moved(counts, [(held.get(student), code)])
        held[student] = code
    assert counts == Counter(code for code in held.values() if code is not None)


def test_moving_leaves_the_counts_it_was_given_alone() -> None:
    counts = {"P": 1}
    assert moved(counts, [("P", "A")]) == {"A": 1}
    assert counts == {"P": 1}


def test_a_code_that_no_longer_occurs_is_not_counted_at_all() -> None:
    assert moved({"P": 2, "A": 1}, [("A", None)]) == {"P": 2}


def test_registers_are_counted_by_state() -> None:
    assert registers_moved({"open": 0, "taken": 0}, None, "open") == {"open": 1, "taken": 0}
    assert registers_moved({"open": 1, "taken": 0}, "open", "taken") == {"open": 0, "taken": 1}
    assert registers_moved({"open": 0, "taken": 1}, "taken", "open") == {"open": 1, "taken": 0}


def test_new_figures_count_nothing() -> None:
    assert tally_record(SHEET, 25) == {
        "kind": "tally",
        "id": SHEET.tally_id,
        "school_id": "s1",
        "class_id": "s1-c1",
        "date": "2026-03-02",
        "period": "1",
        "counts": {},
        "on_roll": 25,
    }
    assert summary_record("s1", "2026-03-02", 500) == {
        "kind": "summary",
        "id": SHEET.summary_id,
        "school_id": "s1",
        "date": "2026-03-02",
        "counts": {},
        "on_roll": 500,
        "registers": {"open": 0, "taken": 0},
    }


def test_a_student_is_on_roll_once_however_many_enrolments_cover_the_day() -> None:
    enrolments: list[dict[str, Any]] = [
        {"student_id": "p1", "from": "2025-09-01", "to": None},
        {"student_id": "p1", "from": "2026-01-01", "to": "2026-03-02"},
        {"student_id": "p2", "from": "2026-03-03", "to": None},
        {"student_id": "p3", "from": "2025-09-01", "to": "2026-03-01"},
        {"student_id": "p4", "from": "2026-03-02", "to": "2026-03-02"},
    ]
    assert students_on_roll(enrolments, "2026-03-02") == {"p1", "p4"}
