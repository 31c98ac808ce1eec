"""Requests of our own pages in a browser: who is signed in by a cookie, and not sent by a page of somebody
else.

A browser adds cookies to a request whoever has caused it. `Origin` says who that was, and no page can change
it. It is compared with `Host`, which a proxy must pass on; what a client may choose counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from models.actor import Actor
from models.errors import Forbidden, Unauthenticated
from models.ports import SignedIn

ACCESS_COOKIE = "rollcall_access"
"""Holds an access token."""

BY_COOKIE = "cookie"
"""Stands in the place of a token on the socket: take the one in the cookie, which no script can read."""

DEFAULT_PORTS = {"http": 80, "https": 443}


class Renewals(Protocol):
    """Sessions, for connections that cannot see the newest token of theirs."""

    async def newest(self, actor: Actor, *, anew: bool = False) -> SignedIn:
        """The user of the actor's session as they are now, and until when the newest access token of the
        session is good. Unauthenticated where the session has ended, or the user is disabled or gone.
        StorageLost. `anew`: as `Tokens.verify`.
        """
        ...


def is_own(origin: str, headers: Mapping[str, str]) -> bool:
    """Whether the pages of this origin come from the address that the request with these headers was sent
    to.
    """
    scheme, _, place = origin.partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    asked = _place(scheme, headers.get(hdrs.HOST, ""))
    # What a proxy says of the connection to it may make it less, and never more.
    by_https = headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
    return asked is not None and asked == _place(scheme, place) and not (by_https and scheme != "https")


def check_origin(origin: str, headers: Mapping[str, str]) -> None:
    """Forbidden for a page from elsewhere."""
    if not is_own(origin, headers):
        raise Forbidden(
            f"This comes from a page of {origin[:100]!r}, and the cookie counts only for pages of the address"
            f" that was asked, {headers.get(hdrs.HOST, '')[:100]!r}. A proxy must pass on the Host as it was."
        )


def token_of_page(request: web.Request | None) -> str:
    """The access token in the cookie of a request that a page of ours has caused. Forbidden where that is not
    certain, Unauthenticated without a cookie.
    """
    if request is None:
        raise Unauthenticated("Nothing is known of a cookie here: open a new connection.")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        raise Forbidden("A connection by cookie must say by the header Origin which page has opened it.")
    check_origin(origin, request.headers)
    token = request.cookies.get(ACCESS_COOKIE)
    if not token:
        raise Unauthenticated(f"There is no cookie {ACCESS_COOKIE}: sign in first.")
    return token


def _place(scheme: str, text: str) -> tuple[str, int] | None:
    """Host and port; None for what is none."""
    try:
        parts = urlsplit(f"//{text}")
        port = DEFAULT_PORTS[scheme] if parts.port is None else parts.port
    except ValueError:
        return None
    if parts.hostname is None or parts.netloc != text or parts.username is not None:
        return None
    return parts.hostname, port
