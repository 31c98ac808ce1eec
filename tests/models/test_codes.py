"""Attendance codes."""

from itertools import combinations

import pytest

from models.codes import CODE_SETS, EVERY_MARKER, OFFICE_ROLES, Code, CodeSet, code_set

CATEGORIES_OF_ENGLAND = {
    "present": {"/", "\\", "L"},
    "approved_activity": {"K", "V", "P", "W", "B"},
    "authorised": {"C", "C1", "C2", "M", "T", "R", "I", "J1", "S", "E"},
    "unauthorised": {"G", "N", "O", "U"},
    "not_possible": {"D", "Q", "X", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#"},
}

every_set = pytest.mark.parametrize("codes", list(CODE_SETS.values()), ids=lambda codes: codes.name)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def distance(one: str, other: str) -> int:
    """How far apart two colours are, as the largest difference of a channel from 0 to 255."""
    return max(abs(int(one[i : i + 2], 16) - int(other[i : i + 2], 16)) for i in (1, 3, 5))


def test_the_simple_set_has_the_five_codes_of_the_design() -> None:
    assert [(code.code, code.label) for code in code_set("simple").codes.values()] == [
        ("P", "Present"),
        ("L", "Late"),
        ("A", "Absent"),
        ("E", "Excused"),
        ("O", "Off-site activity"),
    ]


def test_the_simple_codes_count_as_their_names_say() -> None:
    assert {code.code: code.category for code in code_set("simple").codes.values()} == {
        "P": "present",
        "L": "present",
        "A": "unauthorised",
        "E": "authorised",
        "O": "approved_activity",
    }


def test_england_has_every_code_in_force_since_august_2024_in_its_category() -> None:
    codes = code_set("england").codes.values()
    by_category = {
        name: {code.code for code in codes if code.category == name} for name in CATEGORIES_OF_ENGLAND
    }
    assert by_category == CATEGORIES_OF_ENGLAND


def test_england_does_not_offer_the_retired_codes() -> None:
    assert not {"H", "Y", "J"} & code_set("england").codes.keys()


@pytest.mark.parametrize(("name", "late"), [("simple", {"L"}), ("england", {"L", "U"})])
def test_only_codes_for_being_late_carry_minutes(name: str, late: set[str]) -> None:
    assert {code.code for code in code_set(name).codes.values() if code.late} == late


@pytest.mark.parametrize(("name", "on_site"), [("simple", {"P", "L"}), ("england", {"/", "\\", "L", "U"})])
def test_the_direction_says_who_is_on_site(name: str, on_site: set[str]) -> None:
    assert {code.code for code in code_set(name).codes.values() if code.direction == "in"} == on_site


def test_england_has_a_code_for_who_is_present_in_each_half_of_the_day() -> None:
    halves = {code.code: code.half for code in code_set("england").codes.values() if code.half}
    assert halves == {"/": "morning", "\\": "afternoon"}
    assert all(code.half is None for code in code_set("simple").codes.values())


def test_a_teacher_in_england_records_what_they_see_and_the_office_decides_the_rest() -> None:
    england = code_set("england")
    assert england.allowed({"teacher"}) == ["/", "\\", "L", "N", "U"]
    for role in OFFICE_ROLES:
        assert england.allowed({role}) == list(england.codes)


def test_a_teacher_may_use_every_simple_code() -> None:
    assert code_set("simple").allowed({"teacher"}) == ["P", "L", "A", "E", "O"]


def test_who_only_reads_may_use_no_code() -> None:
    assert code_set("simple").allowed({"viewer"}) == []


@every_set
def test_only_markers_stand_in_the_roles_of_a_code(codes: CodeSet) -> None:
    assert all(code.roles <= EVERY_MARKER for code in codes.codes.values())


@every_set
def test_every_colour_is_readable_on_white_and_under_white(codes: CodeSet) -> None:
    for code in codes.codes.values():
        assert 1.05 / (luminance(code.colour) + 0.05) >= 4.5, code


@every_set
def test_the_colours_of_a_set_are_told_apart(codes: CodeSet) -> None:
    for one, other in combinations(codes.codes.values(), 2):
        assert distance(one.colour, other.colour) >= 16, (one, other)


def test_an_unknown_set_is_no_set() -> None:
    with pytest.raises(KeyError):
        code_set("mars")


def test_an_unknown_code_is_none_and_letters_are_case_sensitive() -> None:
    assert code_set("simple").get("X") is None
    assert code_set("simple").get("p") is None


def test_clients_see_all_of_a_code() -> None:
    code = Code("L", "Late", "in", "present", "#5c300b", late=True, roles=frozenset({"teacher", "admin"}))
    assert code.to_wire() == {
        "code": "L",
        "label": "Late",
        "direction": "in",
        "category": "present",
        "late": True,
        "half": None,
        "roles": ["admin", "teacher"],
        "colour": "#5c300b",
    }
