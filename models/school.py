"""Schools and their classes: what is kept of them, and what clients may say about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.codes import CODE_SETS
from models.journal import Record
from models.record import record_kind
from models.schema import Id, Name, Payload, SetPayload, StrictString, TimeZone

MARK_DAYS_BACK = 7
"""How many days back teachers may mark, unless the school says otherwise."""

MOST_DAYS_BACK = 60

DAYS = (1, 2, 3, 4, 5)
"""The ISO weekdays (1 Monday to 7 Sunday) on which there is school, unless the school says otherwise."""

MOST_PERIODS = 20
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")

record_kind("school", indexes=(("room", "name"),))
record_kind("class", indexes=(("room", "name"),), topics=lambda record: (f"class:{record['id']}",))


def school_record(
    id: str,
    *,
    name: str,
    time_zone: str,
    code_set: str,
    periods: Sequence[dict[str, str]],
    mark_days_back: int = MARK_DAYS_BACK,
    days: Sequence[int] = DAYS,
) -> Record:
    """A new school. `time_zone` is an IANA name; `periods` are `{id, name, start, end}`, kept by start;
    `days` are ISO weekdays, kept in their order.
    """
    return {
        "kind": "school",
        "id": id,
        "name": name,
        "time_zone": time_zone,
        "code_set": code_set,
        "periods": in_order_of_start(periods),
        "mark_days_back": mark_days_back,
        "days": sorted(days),
        "archived": False,
    }


def days_of(school: Record) -> list[int]:
    """The ISO weekdays on which there is school; a record may be older than the field."""
    return list(school.get("days", DAYS))


def changed_school(school: Record, changes: dict[str, Any]) -> Record:
    """The school with some of its fields changed, as `school.update` sends them."""
    changed = {**school, **changes}
    return {**changed, "periods": in_order_of_start(changed["periods"]), "days": sorted(days_of(changed))}


def class_record(id: str, school_id: str, name: str) -> Record:
    """A new class. It stays in its school for ever."""
    return {"kind": "class", "id": id, "school_id": school_id, "name": name, "archived": False}


def in_order_of_start(periods: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The periods in the order of the day; what starts together stays as it was given."""
    return sorted(periods, key=lambda period: period["start"])


def _time_of_day(value: str) -> None:
    if not TIME.match(value):
        raise ValidationError("must be a time of day as HH:MM, from 00:00 to 23:59")


class PeriodPayload(Payload):
    """A period of the school's day, in the school's own time."""

    id = Id(required=True)
    name = Name(required=True)
    start = StrictString(required=True, validate=_time_of_day)
    end = StrictString(required=True, validate=_time_of_day)

    @validates_schema
    def _check_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["start"] >= data["end"]:
            raise ValidationError("must be after the start", "end")


def _unique_ids(periods: list[dict[str, str]]) -> None:
    seen: set[str] = set()
    for period in periods:
        if period["id"] in seen:
            raise ValidationError(f"must have different ids, but {period['id']} stands twice")
        seen.add(period["id"])


def _Periods(**kwargs: Any) -> fields.List[Any]:  # noqa: N802 - stands where a field class would
    size = validate.Length(min=1, max=MOST_PERIODS, error="must have {min} to {max} periods")
    return fields.List(fields.Nested(PeriodPayload), validate=[size, _unique_ids], **kwargs)


def _CodeSet(**kwargs: Any) -> StrictString:  # noqa: N802
    choices = validate.OneOf(tuple(CODE_SETS), error="must be one of: {choices}")
    return StrictString(validate=choices, **kwargs)


def _DaysBack(**kwargs: Any) -> fields.Integer:  # noqa: N802
    days = validate.Range(min=0, max=MOST_DAYS_BACK, error="must be {min} to {max} days")
    return fields.Integer(strict=True, validate=days, **kwargs)


def _different(days: list[int]) -> None:
    if len(set(days)) < len(days):
        raise ValidationError("must not name a day twice")


def _Days(**kwargs: Any) -> fields.List[Any]:  # noqa: N802
    weekday = validate.Range(min=1, max=7, error="must be {min} (Monday) to {max} (Sunday)")
    size = validate.Length(min=1, error="must have at least one day")
    return fields.List(fields.Integer(strict=True, validate=weekday), validate=[size, _different], **kwargs)


class SchoolCreatePayload(Payload):
    """`school.create`."""

    school_id = Id()
    name = Name(required=True)
    time_zone = TimeZone(required=True)
    code_set = _CodeSet(required=True)
    periods = _Periods(required=True)
    mark_days_back = _DaysBack(load_default=MARK_DAYS_BACK)
    days = _Days(load_default=DAYS)


class SchoolChanges(SetPayload):
    """The fields of a school that may change."""

    name = Name()
    time_zone = TimeZone()
    code_set = _CodeSet()
    periods = _Periods()
    mark_days_back = _DaysBack()
    days = _Days()


class SchoolUpdatePayload(Payload):
    """`school.update`."""

    school_id = Id(required=True)
    set = fields.Nested(SchoolChanges, required=True)


class SchoolPayload(Payload):
    """An action on a school as a whole."""

    school_id = Id(required=True)


class ClassCreatePayload(Payload):
    """`class.create`."""

    school_id = Id(required=True)
    class_id = Id()
    name = Name(required=True)


class ClassChanges(SetPayload):
    """The fields of a class that may change."""

    name = Name()


class ClassUpdatePayload(Payload):
    """`class.update`."""

    class_id = Id(required=True)
    set = fields.Nested(ClassChanges, required=True)


class ClassPayload(Payload):
    """An action on a class as a whole."""

    class_id = Id(required=True)
