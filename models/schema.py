"""The fields that payloads are made of, with their sizes, and errors as people
read them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any
from unicodedata import category
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import RAISE, Schema, ValidationError, fields, missing, validate, validates_schema

from models.clock import rfc3339
from models.errors import Invalid

ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
NAME_LENGTH = 200
NOTE_LENGTH = 1_000
TEXT_LENGTH = 20_000
LIST_LENGTH = 500
LABELS = 50

NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
"""Files beside the time zones that name none: `localtime` is that of the machine."""

RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
"""RFC 3339, section 5.6. Python reads more: weeks, no seconds, no separators."""


_MUST_BE_ASKED = object()
"""Stands for a field that is required, or whose default is made anew each time."""


class Payload(Schema):
    """The base of all schemas: an unknown field is an error."""

    class Meta:
        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._plan = [
            (field.data_key or name, field.attribute or name, field.deserialize, _absent(field))
            for name, field in self.load_fields.items()
        ]
        self._known = frozenset(key for key, *_ in self._plan)
        self._only_fields = not options and not any(self._hooks.values())

    def load(self, data: Any, **options: Any) -> Any:
        """As Schema.load. ValidationError.

        The fields alone decide, as they do there; but where nothing is wrong, which is nearly always, the
        library's bookkeeping for the errors of all fields costs more than the fields.
        """
        if not self._only_fields or options or not isinstance(data, dict) or not data.keys() <= self._known:
            return super().load(data, **options)
        loaded = {}
        try:
            for key, name, deserialize, absent in self._plan:
                if key in data:
                    loaded[name] = deserialize(data[key], key, data)
                elif absent is _MUST_BE_ASKED:
                    value = deserialize(missing, key, data)
                    if value is not missing:
                        loaded[name] = value
                elif absent is not missing:
                    loaded[name] = absent
        except ValidationError:
            return super().load(data)
        return loaded


def _absent(field: fields.Field[Any]) -> Any:
    """The value of a field that is not given; `missing`: none at all."""
    if field.required or callable(field.load_default):
        return _MUST_BE_ASKED
    return field.load_default


class SetPayload(Payload):
    """The `set` of an update: any of its fields, at least one."""

    @validates_schema
    def _check_not_empty(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("must name at least one field to change")


def _one_line(value: str) -> None:
    if any(category(character) in ("Cc", "Zl", "Zp") for character in value):
        raise ValidationError("must be a single line without control characters")


def _text(value: str) -> None:
    if any(ord(character) < 32 and character not in "\n\r\t" for character in value):
        raise ValidationError("must not contain control characters")


def _not_blank(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be empty")


class StrictString(fields.String):
    """A string that can be stored and sent everywhere: JSON strings only, no lone surrogates."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValidationError("must be valid Unicode text") from None
        return value


class Word(StrictString):
    """A string of a form of its own. `form`: whether a text has it; `must`: the error where it has not.

    What has the form needs none of the library's steps, unless validators are given besides.
    """

    must = ""

    @staticmethod
    def form(value: str) -> object:
        """True of a text of this form."""
        raise NotImplementedError

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        if type(value) is str and not self.validators and self.form(value):
            return value
        return super().deserialize(value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not self.form(value):
            raise ValidationError(self.must)
        return value


class Id(Word):
    """1 to 64 of `A-Z a-z 0-9 _ -`."""

    must = "must be an id: 1 to 64 of A-Z a-z 0-9 _ -"

    @staticmethod
    def form(value: str) -> object:
        return ID.match(value)


class Day(Word):
    """A calendar date as `YYYY-MM-DD`, kept as that text."""

    must = "must be a date as YYYY-MM-DD"

    @staticmethod
    def form(value: str) -> bool:
        return is_day(value)


class Moment(fields.Field[str]):
    """A moment as RFC 3339 with an offset, kept in UTC with milliseconds."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            if not isinstance(value, str) or len(value) > 40 or not RFC_3339.match(value):
                raise ValueError
            return rfc3339(datetime.fromisoformat(value.upper()))
        except (ValueError, OverflowError):
            raise ValidationError("must be a time as RFC 3339, such as 2026-03-02T08:15:00Z") from None


class TimeZone(Word):
    """An IANA time zone, such as `Europe/London`."""

    must = "must be a time zone of the IANA database, such as Europe/London"

    @staticmethod
    def form(value: str) -> bool:
        return is_time_zone(value)


@lru_cache(maxsize=4096)
def is_day(value: str) -> bool:
    """Whether the text is a date as YYYY-MM-DD."""
    try:
        return len(value) == 10 and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def is_time_zone(value: str) -> bool:
    """Whether the text names a time zone of the IANA database."""
    if value not in _time_zones():
        return False
    ZoneInfo(value)
    return True


@cache
def _time_zones() -> frozenset[str]:
    """Read once: it opens every file of the database, which takes tenths of a second."""
    return frozenset(available_timezones() - NO_PLACES)


def Name(**kwargs: Any) -> StrictString:  # noqa: N802 - stands where a field class would
    """A name or title: one line, not blank, at most 200 characters."""
    return StrictString(
        validate=[
            validate.Length(max=NAME_LENGTH, error="must have at most {max} characters"),
            _not_blank,
            _one_line,
        ],
        **kwargs,
    )


def Note(**kwargs: Any) -> StrictString:  # noqa: N802
    """A note: at most 1,000 characters."""
    return StrictString(
        validate=[validate.Length(max=NOTE_LENGTH, error="must have at most {max} characters"), _text],
        **kwargs,
    )


def Text(**kwargs: Any) -> StrictString:  # noqa: N802
    """A description or comment: at most 20,000 characters."""
    return StrictString(
        validate=[validate.Length(max=TEXT_LENGTH, error="must have at most {max} characters"), _text],
        **kwargs,
    )


def Ids(limit: int = LIST_LENGTH, minimum: int = 0, **kwargs: Any) -> fields.List[str]:  # noqa: N802
    """A list of ids."""
    return fields.List(
        Id(),
        validate=validate.Length(min=minimum, max=limit, error="must have {min} to {max} items"),
        **kwargs,
    )


def invalid_from(error: ValidationError) -> Invalid:
    """The error of a failed schema, each field by its dotted path."""
    flat: dict[str, list[str]] = {}
    messages = error.messages
    _flatten("", messages if isinstance(messages, Mapping) else {"_schema": messages}, flat)
    first, texts = next(iter(flat.items()))
    return Invalid(f"{first}: {texts[0]}", fields=flat)


def _flatten(path: str, messages: Any, flat: dict[str, list[str]]) -> None:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            name = "" if key == "_schema" else str(key)
            _flatten(".".join(part for part in (path, name) if part), inner, flat)
    else:
        texts = messages if isinstance(messages, list) else [messages]
        flat.setdefault(path or "payload", []).extend(_plain(text) for text in texts)


_PLAIN = {
    "Missing data for required field.": "is required",
    "Unknown field.": "is not a field of this action",
    "Field may not be null.": "must not be null",
    "Not a valid string.": "must be a text",
    "Not a valid integer.": "must be a whole number",
    "Not a valid boolean.": "must be true or false",
    "Not a valid list.": "must be a list",
    "Invalid input type.": "must be an object",
    "Not a valid mapping type.": "must be an object",
}


def _plain(text: Any) -> str:
    return _PLAIN.get(str(text), str(text))
