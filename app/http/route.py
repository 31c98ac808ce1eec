"""The table of routes: one declaration says how a request is read, who answers it, and what openapi.json
tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from aiohttp import web
from marshmallow import fields

from app.http.query import NoQuery, PageQuery
from models.schema import Day, Id, Payload, StrictString

if TYPE_CHECKING:
    from app.http.call import Call

Answer = Mapping[str, Any] | web.StreamResponse
"""What a route gives: the object to send as JSON, or a response that is ready."""

Shape = Mapping[str, Any]
"""A JSON schema of an answer. It may refer to the named schemas of openapi.json."""

OBJECT: Shape = {"type": "object"}

Handler = Callable[["Call"], Awaitable[Answer]]


class Token(Enum):
    """Whether a request carries an access token, in a header or in the cookie of a page of ours. `PAGE`: it
    comes from such a page, and sees to its cookies itself.
    """

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"
    PAGE = "page"


class PathParts(Payload):
    """Everything that may vary in an address, by its name there."""

    school_id = Id()
    class_id = Id()
    student_id = Id()
    team_id = Id()
    task_id = Id()
    date = Day()
    period = Id()
    asset = StrictString()
    topic = StrictString()
    room = StrictString()


@dataclass(frozen=True, slots=True)
class Route:
    """One method and address.

    `summary` says what it is for, `returns` what its answer holds, `shape` what that looks like, `access` who
    may use it. `body` is the schema of the JSON object that it takes, None where it takes none.
    `takes_op_id`: it is short for an action, whose op_id may come in a header. `status` is that of success.
    """

    method: str
    path: str
    summary: str
    returns: str
    access: str
    handler: Handler
    tag: str
    token: Token
    query: Payload
    body: Payload | None
    status: int
    shape: Shape
    media_type: str
    takes_op_id: bool
    body_required: bool

    def parts(self) -> dict[str, fields.Field[Any]]:
        """The variable parts of the address, in their order."""
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        return {name: PATH_PARTS.fields[name] for name in names}


def named(name: str) -> Shape:
    """The named schema of openapi.json."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: Shape) -> Shape:
    """The answer of a list."""
    return {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": item},
            "next_cursor": {"type": ["string", "null"], "description": "Of the next page; null on the last."},
        },
        "required": ["items", "next_cursor"],
    }


PATH_PARTS = PathParts()
ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    summary: str,
    *,
    returns: str,
    access: str = "anybody who is signed in",
    tag: str,
    token: Token = Token.REQUIRED,
    query: type[Payload] = NoQuery,
    body: type[Payload] | None = None,
    status: int = 200,
    shape: Shape | None = None,
    media_type: str = "application/json",
    takes_op_id: bool = False,
    body_required: bool = True,
) -> Callable[[Handler], Handler]:
    """Declare a route; see `Route`."""

    def declare(handler: Handler) -> Handler:
        ROUTES.append(
            Route(
                method=method,
                path=path,
                summary=summary,
                returns=returns,
                access=access,
                handler=handler,
                tag=tag,
                token=token,
                query=query(),
                body=None if body is None else body(),
                status=status,
                shape=shape or (list_of(OBJECT) if issubclass(query, PageQuery) else OBJECT),
                media_type=media_type,
                takes_op_id=takes_op_id,
                body_required=body_required,
            )
        )
        return handler

    return declare
