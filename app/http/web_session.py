"""Signing in and out in our own pages: the tokens are in cookies that no script can read, and in no body."""

from __future__ import annotations

import orjson
from aiohttp import hdrs, web

from app.auth import Grant
from app.http.accounts import TAG, SignInBody
from app.http.answer import error_answer, json_response
from app.http.call import Call
from app.http.route import Answer, Token, named, route
from handlers.dispatch.answers import failure
from models.errors import Unauthenticated
from realtime.own_pages import ACCESS_COOKIE

REFRESH_COOKIE = "rollcall_refresh"
"""Holds a refresh token, and goes to the routes of this file alone."""

PATHS = {ACCESS_COOKIE: "/", REFRESH_COOKIE: "/api/web"}


@route(
    "POST",
    "/api/web/sign-in",
    "Sign in from a page",
    returns="The account, and for how many seconds the access token in the cookie is good.",
    access="as for `POST /api/users/authenticate`",
    tag=TAG,
    token=Token.PAGE,
    body=SignInBody,
    shape=named("PageGrant"),
)
async def sign_in_page(call: Call) -> Answer:
    """Begin a session in cookies. It takes the place of the one that they hold, which ends."""
    body, cookies = call.body, call.request.cookies
    grant = await call.door.auth.authenticate(body["email"], body["password"], call.address)
    await call.door.auth.leave(cookies.get(ACCESS_COOKIE), cookies.get(REFRESH_COOKIE))
    return _granted(call, grant)


@route(
    "POST",
    "/api/web/refresh",
    "Stay signed in from a page",
    returns="The same as a sign-in; both cookies are new.",
    access="who has the refresh token in a cookie; a second use of one ends its session",
    tag=TAG,
    token=Token.PAGE,
    shape=named("PageGrant"),
)
async def refresh_page(call: Call) -> Answer:
    """Exchange the refresh token in the cookie; take both cookies away if it is not good any more."""
    try:
        token = call.request.cookies.get(REFRESH_COOKIE)
        if not token:
            raise Unauthenticated(f"There is no cookie {REFRESH_COOKIE}: sign in first.")
        return _granted(call, await call.door.auth.refresh(token))
    except Unauthenticated as error:
        return _cleared(call, error_answer(*failure(error, call.request_id)))


@route(
    "POST",
    "/api/web/sign-out",
    "Sign out from a page",
    returns="`ok`; the cookies are gone, and open sockets of the session are closed.",
    access="anybody, also with cookies that are not good any more",
    tag=TAG,
    token=Token.PAGE,
)
async def sign_out_page(call: Call) -> Answer:
    """End the session in the cookies, and take them away."""
    cookies = call.request.cookies
    await call.door.auth.leave(cookies.get(ACCESS_COOKIE), cookies.get(REFRESH_COOKIE))
    return _cleared(call, json_response(orjson.dumps({"ok": True}), {}))


def _granted(call: Call, grant: Grant) -> web.Response:
    response = json_response(orjson.dumps({"user": grant.user, "expires_in": grant.expires_in}), {})
    _set_cookie(call, response, ACCESS_COOKIE, grant.access_token, grant.expires_in)
    _set_cookie(call, response, REFRESH_COOKIE, grant.refresh_token, grant.refresh_expires_in)
    return response


def _cleared(call: Call, response: web.Response) -> web.Response:
    for name in PATHS:
        _set_cookie(call, response, name, "", 0)
    return response


def _set_cookie(call: Call, response: web.Response, name: str, value: str, max_age: int) -> None:
    # Behind a proxy that takes TLS off, the page's origin alone tells that it has come by https.
    secure = call.request.secure or call.request.headers.get(hdrs.ORIGIN, "").startswith("https://")
    response.set_cookie(
        name, value, max_age=max_age, path=PATHS[name], httponly=True, samesite="Strict", secure=secure
    )
