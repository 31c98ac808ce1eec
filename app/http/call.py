"""One request as the routes see it: who asks, and what they ask for, already read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from app.http.body import read_object
from app.http.query import load, read_path, read_query
from app.http.route import PATH_PARTS, Route, Token
from handlers.core import Core
from models.actor import Actor
from models.errors import Forbidden, Unauthenticated
from models.ports import SignedIn
from realtime.own_pages import ACCESS_COOKIE, check_origin

if TYPE_CHECKING:
    from app.http.door import HttpDoor


PAGE_HEADER = "X-Rollcall-Web"
"""The header of every request that counts on a cookie: no page from elsewhere can send it, since the server
answers no preflight (Fetch standard, section 3.2).
"""

REQUEST_ID = web.RequestKey("request_id", str)
"""The id that a request's answer and log lines carry."""


@dataclass(slots=True)
class Call:
    """A request to a route. `sent` is the JSON object as it came, `body` the same by the route's schema."""

    door: HttpDoor
    request: web.Request
    who: SignedIn | None
    path: dict[str, Any]
    query: dict[str, Any]
    sent: dict[str, Any]
    body: dict[str, Any]
    etag: str | None = None
    tag_body: bool = False

    @property
    def core(self) -> Core:
        return self.door.core

    @property
    def signed_in(self) -> SignedIn:
        if self.who is None:
            raise Unauthenticated
        return self.who

    @property
    def actor(self) -> Actor:
        return self.signed_in.actor

    @property
    def request_id(self) -> str:
        return self.request[REQUEST_ID]

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.request.remote or ""

    async def revalidate(self, rooms: Sequence[str], *also: str) -> None:
        """Answer 304 at once if the client has what these rooms add up to; otherwise give the answer their
        ETag.

        The heads are read before the answer is built, so the answer may be newer than its ETag and is never
        older. `also`: what else the answer depends on, such as the day it is about.
        """
        heads = await self.core.storage.heads(rooms)
        self.etag = etag_of(self.core.storage.epoch, *(heads[room] for room in rooms), *also)
        if has_etag(self.request, self.etag):
            raise web.HTTPNotModified(headers=cached_as(self.etag))

    def revalidate_body(self) -> None:
        """Give the answer an ETag made of its text, and answer 304 if the client has it: where no head tells
        whether it is the same.
        """
        self.tag_body = True


def etag_of(*parts: object) -> str:
    """The ETag of what these parts determine; none of them may hold a quote."""
    return "-".join(str(part) for part in parts)


async def call_of(door: HttpDoor, route: Route, request: web.Request) -> Call:
    """Read a request: token first, then address, parameters and body. Raises the RollcallError of what is
    wrong.
    """
    who = await _who(door, route, request)
    path = read_path(PATH_PARTS, request)
    query = read_query(route.query, request.query)
    sent = {} if route.body is None else await read_object(request)
    body = {} if route.body is None else load(route.body, sent)
    return Call(door, request, who, path, query, sent, body)


async def _who(door: HttpDoor, route: Route, request: web.Request) -> SignedIn | None:
    if route.token is Token.NONE:
        return None
    if route.token is Token.PAGE:
        check_page(request)
        return None
    header = request.headers.get("Authorization")
    if header is None:
        cookie = request.cookies.get(ACCESS_COOKIE)
        if cookie is not None:
            check_page(request)
            return await door.tokens.verify(cookie)
        if route.token is Token.OPTIONAL:
            return None
    scheme, _, token = (header or "").partition(" ")
    return await door.tokens.verify(token.strip() if scheme.lower() == "bearer" else None)


def check_page(request: web.Request) -> None:
    """Forbidden for a request that a page from elsewhere may have caused."""
    if request.headers.get(PAGE_HEADER) != "1":
        raise Forbidden(f"A request that counts on a cookie must carry the header {PAGE_HEADER}: 1.")
    for origin in request.headers.getall(hdrs.ORIGIN, ()):
        check_origin(origin, request.headers)


def has_etag(request: web.Request, etag: str) -> bool:
    """Whether the client has the answer with this ETag (RFC 9110, section 13.1.2: weak comparison)."""
    known = request.if_none_match or ()
    return any(tag.value in (etag, "*") for tag in known)


def cached_as(etag: str) -> dict[str, str]:
    """The headers of an answer that the client may keep, and must ask about before it uses it again."""
    return {
        "ETag": f'W/"{etag}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie, Accept-Encoding",
    }
