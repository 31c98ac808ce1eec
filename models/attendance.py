"""Marks and registers: what is kept of them, and what clients may say about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from marshmallow import fields, validate

from models.journal import Record
from models.query import Query, query
from models.record import digest, record_kind
from models.schema import Day, Id, Ids, Note, Payload, Word

MOST_MINUTES_LATE = 600
MOST_CODE = 10
"""Characters of a code."""

OPEN = "open"
TAKEN = "taken"
"""The states of a register. It is there from its first mark on; before that it is missing."""

DIGESTS_KEPT = 32_768
SHEETS_KEPT = 8_192


def _topics(record: Record) -> tuple[str, ...]:
    return (f"class:{record['class_id']}",)


record_kind(
    "mark",
    indexes=(
        ("student_id", "date", "period", "code"),
        ("school_id", "date", "class_id", "period"),
    ),
    fixed=("student_id", "school_id", "date", "class_id", "period"),
    topics=_topics,
)
record_kind(
    "register",
    indexes=(("school_id", "date"), ("class_id", "date")),
    fixed=("school_id", "class_id", "date"),
    topics=_topics,
)

_digest = lru_cache(maxsize=DIGESTS_KEPT)(digest)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One register's place: a class in one period of one day. `date` is the school's own, `YYYY-MM-DD`.

    Its records are named by it, so that all of them are found without a search and a class has one register
    for a lesson, whoever is first.
    """

    school_id: str
    class_id: str
    date: str
    period: str
    register_id: str
    tally_id: str
    summary_id: str
    marks: Query

    def mark_id(self, student_id: str) -> str:
        """The mark of one student; the marks of one sheet are neighbours in an index by id."""
        return f"m{self.register_id[1:]}-{_digest(student_id, size=6)}"


@lru_cache(maxsize=SHEETS_KEPT)
def sheet_at(school_id: str, class_id: str, date: str, period: str) -> Sheet:
    """The sheet; kept, for a sheet is asked for by every mark on it."""
    name = _digest(class_id, date, period)
    marks = query(
        "mark",
        room=f"school:{school_id}",
        school_id=school_id,
        date=date,
        class_id=class_id,
        period=period,
    )
    return Sheet(
        school_id, class_id, date, period, f"r{name}", f"t{name}", summary_id(school_id, date), marks
    )


def summary_id(school_id: str, day: str) -> str:
    """The id of a school's figures of one day (`YYYY-MM-DD`)."""
    return "d" + _digest(school_id, day)


def mark_record(
    sheet: Sheet,
    student_id: str,
    *,
    code: str | None,
    minutes_late: int | None = None,
    note: str | None = None,
    source: str,
    by: str,
    by_name: str,
    at: str,
) -> Record:
    """A mark as a whole: a new one replaces every field of the one before. `code` None: cleared, which counts
    as no mark. `by_name`: what the user `by` is called at that moment.
    """
    return {
        "kind": "mark",
        "id": sheet.mark_id(student_id),
        "school_id": sheet.school_id,
        "class_id": sheet.class_id,
        "date": sheet.date,
        "period": sheet.period,
        "student_id": student_id,
        "code": code,
        "minutes_late": minutes_late,
        "note": note,
        "source": source,
        "by": by,
        "by_name": by_name,
        "at": at,
    }


def register_record(
    sheet: Sheet,
    *,
    taken_by: str | None = None,
    taken_by_name: str | None = None,
    taken_at: str | None = None,
    unmarked: int | None = None,
) -> Record:
    """A register: open, or taken by somebody, with the name they have at that moment. `unmarked`: how many on
    roll had no mark when it was taken.
    """
    return {
        "kind": "register",
        "id": sheet.register_id,
        "school_id": sheet.school_id,
        "class_id": sheet.class_id,
        "date": sheet.date,
        "period": sheet.period,
        "state": OPEN if taken_by is None else TAKEN,
        "taken_by": taken_by,
        "taken_by_name": taken_by_name,
        "taken_at": taken_at,
        "unmarked": unmarked,
    }


def code_of(mark: Record | None) -> str | None:
    """The code that the mark counts with; None where there is no mark or a cleared one."""
    return None if mark is None else mark["code"]


class SheetPayload(Payload):
    """An action on one sheet: `attendance.take`, `attendance.reopen`."""

    class_id = Id(required=True)
    date = Day(required=True)
    period = Id(required=True)


class Code(Word):
    """The text of a code; whether the school has it, its code set tells."""

    must = "must be a code"

    @staticmethod
    def form(value: str) -> bool:
        return 0 < len(value) <= MOST_CODE and value.isprintable()


class MarkPayload(SheetPayload):
    """`attendance.mark`."""

    student_id = Id(required=True)
    code = Code(required=True)
    minutes_late = fields.Integer(
        strict=True,
        allow_none=True,
        load_default=None,
        validate=validate.Range(min=0, max=MOST_MINUTES_LATE, error="must be {min} to {max} minutes"),
    )
    note = Note(allow_none=True, load_default=None)


class Switch(fields.Boolean):
    """JSON's true or false, and nothing that only looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class MarkAllPayload(SheetPayload):
    """`attendance.mark_all`: `except` names students who are left as they are."""

    class Meta(Payload.Meta):
        include = {"except": Ids(load_default=list)}  # noqa: RUF012 - marshmallow reads a plain dict

    code = Code(required=True)
    overwrite = Switch(load_default=False)


class ClearPayload(SheetPayload):
    """`attendance.clear`."""

    student_id = Id(required=True)
