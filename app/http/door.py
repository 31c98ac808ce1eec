"""The HTTP door: its routes on an application, and the one place where what went wrong becomes an answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Middleware

from app.auth import Auth
from app.http import (
    accounts,
    actions,
    attendance,
    directory,
    documents,
    operation,
    tasks,
    topics,
    web_session,
)
from app.http.answer import add_headers, error_answer, json_answer
from app.http.call import REQUEST_ID, call_of
from app.http.route import ROUTES, Route
from app.http.snapshot_texts import SnapshotTexts
from handlers.core import Core
from handlers.dispatch.answers import failure
from models.errors import Invalid, NotFound, TooLarge
from models.ports import Clock, Ids, Tokens

REQUEST_ID_HEADER = "X-Request-Id"
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")

MODULES = (accounts, actions, attendance, directory, documents, operation, tasks, topics, web_session)
"""The files whose routes make up the table."""

RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """What the routes stand on. `sign_up`: whether anybody may make an account; `version`: that of the
    server; `degraded`: whether something is away without which the server still serves.
    """

    core: Core
    auth: Auth
    tokens: Tokens
    clock: Clock
    ids: Ids
    sign_up: bool
    version: str
    degraded: Callable[[], bool] = lambda: False
    snapshot_texts: SnapshotTexts = field(default_factory=SnapshotTexts)


def add_routes(app: web.Application, door: HttpDoor) -> None:
    """Add every route of the table to an application that is not running yet, and its errors, request ids and
    headers.
    """
    for route in ROUTES:
        for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            app.router.add_route(method, route.path, _answering(door, route), expect_handler=_let_send)
    app.middlewares.append(_errors(door))
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(_name_request)


def _answering(door: HttpDoor, route: Route) -> RequestHandler:
    async def answer(request: web.Request) -> web.StreamResponse:
        call = await call_of(door, route, request)
        value = await route.handler(call)
        return (
            value if isinstance(value, web.StreamResponse) else await json_answer(call, value, route.status)
        )

    return answer


def _errors(door: HttpDoor) -> Middleware:
    @web.middleware
    async def errors(request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        request_id = request[REQUEST_ID] = given if SANE_REQUEST_ID.match(given) else door.ids.new("q")
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return error_answer(*failure(_in_our_words(error), request_id), allow)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - a door answers every error
            answer = error_answer(*failure(error, request_id))
            if isinstance(error, TooLarge):
                answer.force_close()
            return answer

    return errors


def _in_our_words(error: web.HTTPException) -> Exception:
    """What the framework refuses by itself, as an error of ours."""
    match error.status:
        case 404:
            return NotFound("There is no such address; /api/docs lists those that there are.")
        case 405:
            allowed = error.headers.get("Allow", "")
            return Invalid(f"This address does not take the method; it takes {allowed}.", status=405)
        case 413:
            return TooLarge()
    if error.status >= 500:
        return error
    return Invalid(f"The request cannot be read: {error.reason}.", status=error.status)


async def _let_send(request: web.Request) -> None:
    """Ask for a body that the client holds back until then; other expectations count for nothing (RFC 9110,
    section 10.1.1).
    """
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was written so far is no part of the answer.
        request.writer.output_size = 0


async def _name_request(request: web.BaseRequest, response: web.StreamResponse) -> None:
    if REQUEST_ID in request:
        response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
