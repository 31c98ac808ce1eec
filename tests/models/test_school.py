from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from models.record import topics_of
from models.schema import invalid_from
from models.school import (
    MARK_DAYS_BACK,
    ClassCreatePayload,
    SchoolCreatePayload,
    SchoolUpdatePayload,
    changed_school,
    class_record,
    school_record,
)

FIRST = {"id": "1", "name": "First", "start": "09:00", "end": "09:50"}
SECOND = {"id": "2", "name": "Second", "start": "10:00", "end": "10:50"}


def a_school(**changes: Any) -> dict[str, Any]:
    fields = {
        "name": "North",
        "time_zone": "Europe/London",
        "code_set": "simple",
        "periods": [SECOND, FIRST],
    }
    return {**fields, **changes}


def wrong_fields(
    schema: type[SchoolCreatePayload] | type[SchoolUpdatePayload], payload: Any
) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        schema().load(payload)
    return dict(invalid_from(caught.value).fields or {})


def test_a_new_school_keeps_its_periods_in_the_order_of_the_day() -> None:
    school = school_record("s1", **SchoolCreatePayload().load(a_school()))
    assert school == {
        "kind": "school",
        "id": "s1",
        "name": "North",
        "time_zone": "Europe/London",
        "code_set": "simple",
        "periods": [FIRST, SECOND],
        "mark_days_back": MARK_DAYS_BACK,
        "days": [1, 2, 3, 4, 5],
        "archived": False,
    }


def test_a_changed_school_is_a_new_record_with_its_periods_in_order() -> None:
    school = school_record("s1", **a_school())
    before = dict(school)
    changed = changed_school(school, {"name": "South", "periods": [SECOND, FIRST]})
    assert (changed["name"], changed["periods"]) == ("South", [FIRST, SECOND])
    assert school == before


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 1}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "two\u2028lines"}, "name"),
        ({"name": "next\x85line"}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": "Factory"}, "time_zone"),
        ({"time_zone": "../UTC"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"code_set": "french"}, "code_set"),
        ({"periods": []}, "periods"),
        ({"periods": [{**FIRST, "id": f"p{n}"} for n in range(21)]}, "periods"),
        ({"periods": [FIRST, {**SECOND, "id": "1"}]}, "periods"),
        ({"periods": [{**FIRST, "id": "a b"}]}, "periods.0.id"),
        ({"periods": [FIRST, {**SECOND, "start": "24:00"}]}, "periods.1.start"),
        ({"periods": [{**FIRST, "end": "9:50"}]}, "periods.0.end"),
        ({"periods": [{**FIRST, "end": "09:50\n"}]}, "periods.0.end"),
        ({"periods": [{**FIRST, "end": "09:00"}]}, "periods.0.end"),
        ({"periods": [{**FIRST, "colour": "red"}]}, "periods.0.colour"),
        ({"mark_days_back": -1}, "mark_days_back"),
        ({"mark_days_back": 61}, "mark_days_back"),
        ({"mark_days_back": True}, "mark_days_back"),
        ({"mark_days_back": 7.5}, "mark_days_back"),
        ({"days": []}, "days"),
        ({"days": [0]}, "days.0"),
        ({"days": [1, 8]}, "days.1"),
        ({"days": [True]}, "days.0"),
        ({"days": [1, 2, 1]}, "days"),
        ({"school_id": "s 1"}, "school_id"),
        ({"archived": True}, "archived"),
    ],
)
def test_a_wrong_field_of_a_school_is_named(change: dict[str, Any], path: str) -> None:
    assert list(wrong_fields(SchoolCreatePayload, a_school(**change))) == [path]


@pytest.mark.parametrize("name", ["name", "time_zone", "code_set", "periods"])
def test_a_school_needs_name_time_zone_codes_and_periods(name: str) -> None:
    payload = a_school()
    del payload[name]
    assert wrong_fields(SchoolCreatePayload, payload) == {name: ["is required"]}


@pytest.mark.parametrize("days", [0, 60])
def test_marking_back_is_allowed_from_0_to_60_days(days: int) -> None:
    assert SchoolCreatePayload().load(a_school(mark_days_back=days))["mark_days_back"] == days


def test_an_update_names_at_least_one_field() -> None:
    assert list(wrong_fields(SchoolUpdatePayload, {"school_id": "s1", "set": {}})) == ["set"]


def test_an_unknown_field_of_an_update_is_named_by_its_path() -> None:
    wrong = wrong_fields(SchoolUpdatePayload, {"school_id": "s1", "set": {"xyz": 1, "name": "North"}})
    assert wrong == {"set.xyz": ["is not a field of this action"]}


def test_an_update_takes_any_of_the_fields() -> None:
    payload = {"school_id": "s1", "set": {"mark_days_back": 3}}
    assert SchoolUpdatePayload().load(payload) == payload


def test_a_class_belongs_to_its_own_topic_beside_the_room() -> None:
    record = class_record("s1-c1", "s1", "1A")
    assert record == {"kind": "class", "id": "s1-c1", "school_id": "s1", "name": "1A", "archived": False}
    assert topics_of("school:s1", record) == ("school:s1", "class:s1-c1")


def test_the_id_of_a_new_class_may_be_left_out() -> None:
    assert ClassCreatePayload().load({"school_id": "s1", "name": "1A"}) == {"school_id": "s1", "name": "1A"}
