"""Bodies of requests: JSON objects of bounded size, depth and waiting, that every reader reads alike."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from models.errors import Invalid, TooLarge

LARGEST = 256 * 1024
"""Design: section 7, `too_large`."""

DEEPEST = 20
"""Design: section 7, sizes; the object itself is the first level."""

ARRIVAL = 30.0
"""Seconds that a body may take to arrive."""

JSON_TYPE = "application/json"
TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body; an absent body is an empty object.

    Invalid with status 400 for what cannot be read, 415 for another type, 408 for what does not arrive, 422
    for what is not an object or is too deep. TooLarge after reading no more than the limit, also of a body
    that is compressed.
    """
    if not request.body_exists:
        return {}
    _check_type(request)
    if request.content_length is not None and request.content_length > LARGEST:
        raise _too_large()
    return parse_object(await _read(request))


def parse_object(text: bytes) -> dict[str, Any]:
    """The JSON object of a body. Invalid as for `read_object`. A name that stands twice in an object is
    unreadable.
    """
    if not text:
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error}.", status=400) from None
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.")
    if _members(value, 1) != TEXT.sub(b"", text).count(b":"):
        raise Invalid(
            "The body is not JSON that everybody reads alike: a name stands twice in an object.", status=400
        )
    return value


def _check_type(request: web.Request) -> None:
    charset = request.charset or "utf-8"
    if request.content_type != JSON_TYPE or charset.lower() not in ("utf-8", "utf8"):
        raise Invalid(f"The body must be {JSON_TYPE} in UTF-8.", status=415)


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(ARRIVAL):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > LARGEST:
                    raise _too_large()
    except TimeoutError:
        raise Invalid(f"The body did not arrive within {ARRIVAL:g} seconds.", status=408) from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise Invalid("The body is not encoded as its headers say.", status=400) from None
    return bytes(body)


def _members(value: dict[str, Any] | list[Any], depth: int) -> int:
    """How many members the objects within have. Invalid if they are nested too deep."""
    if depth > DEEPEST:
        raise Invalid(f"The body must not be nested deeper than {DEEPEST} levels.")
    count = len(value) if isinstance(value, dict) else 0
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            count += _members(inner, depth + 1)
    return count


def _too_large() -> TooLarge:
    return TooLarge(f"The body must have at most {LARGEST // 1024} KiB.")
