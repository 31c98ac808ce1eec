"""Answers: JSON, compressed where that is worth it, and the headers that every answer carries."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import math
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from app.http.body import JSON_TYPE
from app.http.call import Call, cached_as, has_etag

SMALLEST_COMPRESSED = 1_024
LARGEST_ON_LOOP = 16_384
"""Bytes that are compressed in well under a millisecond; more goes to a thread."""

LEVEL = 6

API_POLICY = "default-src 'none'; frame-ancestors 'none'"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def json_answer(call: Call, value: Any, status: int) -> web.Response:
    """The value as JSON; 304 without it where the call asks for that and the client has it."""
    body = orjson.dumps(value)
    etag = call.etag
    if call.tag_body:
        etag = hashlib.blake2b(body, digest_size=12).hexdigest()
        if has_etag(call.request, etag):
            raise web.HTTPNotModified(headers=cached_as(etag))
    headers = cached_as(etag) if etag else {}
    # Answers to writes hold tokens, which are not to be compressed beside what a client has sent.
    if call.request.method != "POST" and len(body) >= SMALLEST_COMPRESSED and takes(call.request, "gzip"):
        body = await compressed(body)
        headers["Content-Encoding"] = "gzip"
    return json_response(body, headers, status)


def json_response(body: bytes, headers: Mapping[str, str], status: int = 200) -> web.Response:
    """A response of this JSON."""
    return web.Response(body=body, status=status, content_type=JSON_TYPE, headers=headers)


async def compressed(body: bytes) -> bytes:
    """The bytes by gzip, always the same for the same ones."""
    if len(body) <= LARGEST_ON_LOOP:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)


def takes(request: web.Request, encoding: str) -> bool:
    """Whether the client takes what is encoded so (RFC 9110, section 12.5.3)."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name == encoding:
            return weight.strip("0.") != "" or not weight
    return False


def error_answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> web.Response:
    """An error's answer; what clients do by themselves on a 401, 429 or 503 stands in its headers too."""
    headers = dict(headers or {})
    retry_after = body["error"].get("retry_after")
    if retry_after is not None:
        headers["Retry-After"] = str(math.ceil(retry_after))
    if status == web.HTTPUnauthorized.status_code:
        headers["WWW-Authenticate"] = "Bearer"
    return json_response(orjson.dumps(body), headers, status)


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Complete an answer's headers, whatever has made it; what it has set itself stays, but for what must
    hold everywhere.
    """
    response.headers.update(HEADERS)
    response.headers.setdefault("Content-Security-Policy", API_POLICY)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "Rollcall"
