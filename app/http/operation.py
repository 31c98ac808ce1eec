"""Operation: whether the server lives, and whether it can serve."""

from __future__ import annotations

from app.http.call import Call
from app.http.route import Answer, Token, route

TAG = "operation"


@route(
    "GET",
    "/healthz",
    "Whether the server lives",
    returns="`status`: ok.",
    access="anybody",
    tag=TAG,
    token=Token.NONE,
)
async def healthz(call: Call) -> Answer:
    """Answers as long as the process can."""
    return {"status": "ok"}


@route(
    "GET",
    "/readyz",
    "Whether the server can serve",
    returns="`status`: ok, or degraded while a Redis that is configured is away. 503 `unavailable` without"
    " its storage.",
    access="anybody",
    tag=TAG,
    token=Token.NONE,
)
async def readyz(call: Call) -> Answer:
    """Answers once the storage has. A degraded server is ready: it takes actions, and viewers get updates,
    if up to two seconds later.
    """
    await call.core.storage.ping()
    return {"status": "degraded" if call.door.degraded() else "ok"}
