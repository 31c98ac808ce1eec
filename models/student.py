"""Students and their enrolments in classes: what is kept of them, and what clients may say about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from models.journal import Record
from models.record import digest, record_kind
from models.schema import Day, Id, Name, Payload, SetPayload

record_kind(
    "student",
    indexes=(("room", "family_name", "given_name"),),
    lists=("class_ids",),
    topics=lambda record: tuple(f"class:{class_id}" for class_id in record["class_ids"]),
)
record_kind(
    "enrolment",
    indexes=(("class_id", "student_id"), ("room", "student_id"), ("room", "to", "from", "student_id")),
    topics=lambda record: (f"class:{record['class_id']}",),
)


def student_record(
    id: str,
    school_id: str,
    *,
    given_name: str,
    family_name: str,
    preferred_name: str | None = None,
    external_id: str | None = None,
) -> Record:
    """A new student, in no class yet. `external_id` is what the school's own system calls them."""
    return {
        "kind": "student",
        "id": id,
        "school_id": school_id,
        "given_name": given_name,
        "family_name": family_name,
        "preferred_name": preferred_name,
        "external_id": external_id,
        "class_ids": [],
        "archived": False,
    }


def student_in_class(student: Record, class_id: str) -> Record:
    """The student with this class among their classes, where every class they were ever enrolled in stays."""
    if class_id in student["class_ids"]:
        return student
    return {**student, "class_ids": [*student["class_ids"], class_id]}


def enrolment_id(class_id: str, student_id: str, first_day: str) -> str:
    """The id of the enrolment that starts on this day (`YYYY-MM-DD`)."""
    return f"e{digest(class_id, student_id)}-{first_day.replace('-', '')}"


def enrolment_record(
    school_id: str, class_id: str, student_id: str, first_day: str, last_day: str | None
) -> Record:
    """A new enrolment; both days belong to it, and `last_day` None leaves it open."""
    return {
        "kind": "enrolment",
        "id": enrolment_id(class_id, student_id, first_day),
        "school_id": school_id,
        "class_id": class_id,
        "student_id": student_id,
        "from": first_day,
        "to": last_day,
    }


def is_on_roll(enrolment: Record, day: str) -> bool:
    """Whether the enrolment covers the day (`YYYY-MM-DD`); its first and last day count."""
    last_day: str | None = enrolment["to"]
    return bool(enrolment["from"] <= day) and (last_day is None or day <= last_day)


def by_student(enrolments: Iterable[Record]) -> dict[str, list[Record]]:
    """The enrolments of each student."""
    found: dict[str, list[Record]] = {}
    for enrolment in enrolments:
        found.setdefault(enrolment["student_id"], []).append(enrolment)
    return found


def overlapping(enrolments: Iterable[Record], first_day: str, last_day: str | None) -> Record | None:
    """One of the enrolments that has a day from `first_day` to `last_day` (None: open) in it, or None."""
    for enrolment in enrolments:
        starts_in_time = last_day is None or enrolment["from"] <= last_day
        if starts_in_time and (enrolment["to"] is None or first_day <= enrolment["to"]):
            return enrolment
    return None


def enrolment_to_end(enrolments: Iterable[Record], last_day: str) -> Record | None:
    """Of a student's enrolments in a class the first that is not over before `last_day`; None if all are."""
    for enrolment in sorted(enrolments, key=lambda enrolment: str(enrolment["from"])):
        if enrolment["to"] is None or last_day <= enrolment["to"]:
            return enrolment
    return None


def day_after(day: str) -> str:
    """The next day, both as `YYYY-MM-DD`; the last day there is stays."""
    known = date.fromisoformat(day)
    return day if known == date.max else str(known + timedelta(days=1))


class StudentCreatePayload(Payload):
    """`student.create`."""

    school_id = Id(required=True)
    student_id = Id()
    given_name = Name(required=True)
    family_name = Name(required=True)
    preferred_name = Name(load_default=None)
    external_id = Name(load_default=None)


class StudentChanges(SetPayload):
    """The fields of a student that may change."""

    given_name = Name()
    family_name = Name()
    preferred_name = Name(allow_none=True)
    external_id = Name(allow_none=True)


class StudentUpdatePayload(Payload):
    """`student.update`."""

    student_id = Id(required=True)
    set = fields.Nested(StudentChanges, required=True)


class StudentPayload(Payload):
    """An action on a student as a whole."""

    student_id = Id(required=True)


class EnrolmentCreatePayload(Payload):
    """`enrolment.create`: the days from `from` to `to`, both included; without `to` it stays open."""

    class Meta(Payload.Meta):
        include = {"from": Day(required=True)}  # noqa: RUF012 - marshmallow reads a plain dict

    class_id = Id(required=True)
    student_id = Id(required=True)
    to = Day(load_default=None, allow_none=True)

    @validates_schema
    def _check_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["to"] is not None and data["to"] < data["from"]:
            raise ValidationError("must not be before the first day", "to")


class EnrolmentEndPayload(Payload):
    """`enrolment.end`: `to` becomes the last day."""

    class_id = Id(required=True)
    student_id = Id(required=True)
    to = Day(required=True)
