"""The API's documents: openapi.json, asyncapi.json, and a page that shows them without anything from
elsewhere.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import orjson
from aiohttp import web

from app.asyncapi import asyncapi
from app.http.answer import compressed, takes
from app.http.body import JSON_TYPE
from app.http.call import Call, has_etag
from app.http.route import ROUTES, Answer, Token, route
from app.openapi import openapi
from handlers.dispatch.registry import ACTIONS
from models.errors import NotFound
from models.record import KINDS, RecordKind

TAG = "operation"

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

ASSETS = {"docs.js": "text/javascript", "docs.css": "text/css", "icon.svg": "image/svg+xml"}


@route(
    "GET",
    "/api/openapi.json",
    "The routes as OpenAPI 3.1",
    returns="The document.",
    access="anybody",
    tag=TAG,
    token=Token.NONE,
)
async def openapi_document(call: Call) -> Answer:
    """openapi.json."""
    return await _file(call, _openapi(call.door.version), JSON_TYPE)


@route(
    "GET",
    "/api/asyncapi.json",
    "The socket's events as AsyncAPI 3.0",
    returns="The document.",
    access="anybody",
    tag=TAG,
    token=Token.NONE,
)
async def asyncapi_document(call: Call) -> Answer:
    """asyncapi.json."""
    return await _file(call, _asyncapi(call.door.version), JSON_TYPE)


@route(
    "GET",
    "/api/docs",
    "This API as a page",
    returns="A page that shows both documents.",
    access="anybody",
    tag=TAG,
    token=Token.NONE,
    media_type="text/html",
)
async def docs_page(call: Call) -> Answer:
    """The page."""
    return await _file(call, _static("index.html"), "text/html")


@route(
    "GET",
    "/api/docs/{asset}",
    "A part of the page",
    returns="Its script or its style sheet.",
    access="anybody",
    tag=TAG,
    token=Token.NONE,
    media_type="text/*",
)
async def docs_asset(call: Call) -> Answer:
    """A file that the page loads."""
    name = call.path["asset"]
    if name not in ASSETS:
        raise NotFound(f"There is no {name} here.")
    return await _file(call, _static(name), ASSETS[name])


@cache
def _openapi(version: str) -> bytes:
    return orjson.dumps(openapi(ROUTES, ACTIONS.public(), _kinds(), version))


@cache
def _asyncapi(version: str) -> bytes:
    return orjson.dumps(asyncapi(ACTIONS.public(), _kinds(), version))


def _kinds() -> list[RecordKind]:
    return [kind for _, kind in sorted(KINDS.items())]


@cache
def _static(name: str) -> bytes:
    return files("app").joinpath("static", "docs", name).read_bytes()


async def _file(call: Call, body: bytes, content_type: str) -> web.Response:
    """Something that is the same for everybody."""
    etag = hashlib.blake2b(body, digest_size=12).hexdigest()
    headers = {
        "ETag": f'W/"{etag}"',
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": PAGE_POLICY,
    }
    if has_etag(call.request, etag):
        raise web.HTTPNotModified(headers=headers)
    if takes(call.request, "gzip"):
        body = await compressed(body)
        headers["Content-Encoding"] = "gzip"
    charset = None if content_type == JSON_TYPE else "utf-8"
    return web.Response(body=body, content_type=content_type, charset=charset, headers=headers)
