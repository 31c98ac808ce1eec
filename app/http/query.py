"""Parameters in the address of a request: read strictly, each once, none that the route does not know."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web
from marshmallow import ValidationError, fields, validate
from multidict import MultiMapping

from models.errors import Invalid
from models.query import Scalar
from models.schema import Payload, StrictString, invalid_from

PAGE = 100
"""Items of a page unless the client wants another number."""

MOST_ITEMS = 500
"""Design: section 7, lists take `limit` up to this."""

LAST_SEQ = 2**53 - 1
"""The largest whole number that JSON carries exactly to every client (RFC 8259, section 6)."""

After = tuple[Scalar, ...]
"""What a cursor stands for: the place in its list's order behind which the page begins."""

LONGEST_CURSOR = 4_096
MOST_CURSOR_VALUES = 8
DIGITS = re.compile(r"[0-9]{1,16}\Z")
CURSOR = re.compile(r"[A-Za-z0-9_-]+\Z")


class WholeNumber(fields.Integer):
    """A whole number in decimal digits and nothing else."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not DIGITS.match(value):
            raise ValidationError("must be a whole number, 0 or more")
        return int(value)


class Switch(fields.Boolean):
    """`true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("must be true or false")
        return bool(value == "true")


class Cursor(StrictString):
    """Where a page begins: the `next_cursor` of the page before. Loaded as the values it stands for."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        values = decoded_cursor(text)
        if values is None:
            raise ValidationError("is not one that a list has given out")
        return values


class NoQuery(Payload):
    """A route without parameters."""


SIZE = validate.Range(min=1, max=MOST_ITEMS, error="must be {min} to {max}")
"""How many items a page may have."""


class PageQuery(Payload):
    """The part of a list that is wanted."""

    limit = WholeNumber(load_default=PAGE, validate=SIZE, metadata={"description": "How many items at most."})
    cursor = Cursor(
        load_default=None,
        metadata={"description": "The `next_cursor` of the page before; none for the first page."},
    )


def read_query(schema: Payload, given: MultiMapping[str]) -> dict[str, Any]:
    """The parameters by the route's schema. Invalid, naming each that is wrong, unknown, or given twice."""
    wrong: dict[str, list[str]] = {}
    for name in given:
        if name not in schema.fields:
            known = ", ".join(schema.fields) or "none"
            wrong[name] = [f"is not a parameter of this route; it has: {known}"]
        elif len(given.getall(name)) > 1:
            wrong[name] = ["is given more than once"]
    if wrong:
        name, texts = next(iter(wrong.items()))
        raise Invalid(f"{name}: {texts[0]}", fields=wrong)
    return load(schema, dict(given))


def read_path(schema: Payload, request: web.Request) -> dict[str, Any]:
    """The variable parts of the address. Invalid for what can be no id or date."""
    return load(schema, dict(request.match_info))


def load(schema: Payload, given: dict[str, Any]) -> dict[str, Any]:
    """What was given, by the schema. Invalid."""
    try:
        loaded: dict[str, Any] = schema.load(given)
    except ValidationError as error:
        raise invalid_from(error) from None
    return loaded


def page(items: Sequence[Any], after: Sequence[Scalar] | None) -> dict[str, Any]:
    """The body of a list; `after` is where the next page begins, None on the last."""
    return {"items": items, "next_cursor": None if after is None else encoded_cursor(after)}


def encoded_cursor(values: Sequence[Scalar]) -> str:
    """The values as a text that can stand in an address."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).rstrip(b"=").decode()


def decoded_cursor(text: str) -> tuple[Scalar, ...] | None:
    """The values of a cursor, or None for what is none."""
    if len(text) > LONGEST_CURSOR or not CURSOR.match(text):
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_CURSOR_VALUES:
        return None
    return tuple(values) if all(_is_scalar(value) for value in values) else None


def check_cursor(cursor: After | None, *types: type[Scalar]) -> After | None:
    """The cursor, if its values have the types that the list orders by. Invalid for the cursor of another
    list.
    """
    if cursor is not None and tuple(type(value) for value in cursor) != types:
        raise Invalid.field("cursor", "is not one that this list has given out")
    return cursor


def _is_scalar(value: Any) -> bool:
    """Storages hold texts and integers of 64 bits."""
    return value is None or isinstance(value, str) or (type(value) is int and abs(value) <= LAST_SEQ)
