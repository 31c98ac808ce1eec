"""Whatever is sent, the door answers with one of its errors, never with `internal`, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.http.door import HttpDoor, add_routes
from app.http.route import ROUTES
from handlers.dispatch.registry import ACTIONS
from tests.app.client import Door, Reply
from tests.app.identity import Identity
from tests.app.world import DAY, World, make_world
from tests.kit import open_kit

PLAUSIBLE = st.sampled_from(
    ["s1", "c1", "p1", "t1", "member", "task-1", DAY, "1", "P", "2026-03-02T08:00:00Z", "school:s1", "org"]
)
HOSTILE = st.sampled_from(["$gt", "a.b", "\0", "'; --", "../x", "%", "_", "\u2028", "😀", " ", "x" * 300])
TEXTS = st.text(max_size=20) | PLAUSIBLE | HOSTILE
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.just("$ne"), inner, max_size=4),
    max_leaves=12,
)
ENVELOPES = st.fixed_dictionaries(
    {}, optional={"type": JSON, "payload": JSON, "op_id": JSON, "if_seq": JSON, "more": JSON}
)
# Whoever is signed out at random takes the actor with them.
POSTS = [
    (route.method, route.path)
    for route in ROUTES
    if route.method in ("POST", "PATCH") and "logout" not in route.path
]


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    """An action whose payload has the right names and any values."""
    spec = draw(
        st.sampled_from([spec for spec in ACTIONS.public() if "tests" not in spec.handler.__module__])
    )
    fields = st.fixed_dictionaries({}, optional=dict.fromkeys(spec.schema.fields, PLAUSIBLE | JSON))
    envelope: dict[str, Any] = {
        "type": spec.type,
        "payload": draw(fields),
        "op_id": draw(st.from_regex(r"\A[a-z]{8}\Z")),
    }
    if draw(st.booleans()):
        envelope["if_seq"] = draw(st.integers(0, 2**64 - 1))
    return envelope


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """The address of a read with any parts and parameters."""
    route = draw(st.sampled_from([route for route in ROUTES if route.method == "GET"]))
    parts = {name: quote(draw(TEXTS), safe="") or "-" for name in route.parts()}
    names = st.sampled_from([*route.query.fields, "nope"])
    query = draw(st.lists(st.tuples(names, TEXTS), max_size=3))
    return route.path.format(**parts) + "?" + "&".join(f"{name}={quote(value)}" for name, value in query)


class Running:
    """A door with a loop of its own, so that examples can be sent to it one after the other."""

    def __init__(self, runner: asyncio.Runner, door: Door, world: World) -> None:
        self._runner = runner
        self._door = door
        self._world = world

    def send(self, method: str, path: str, json: Any = None) -> Reply:
        """The reply to an administrator's request, which must not be an accident."""
        reply = self._runner.run(self._door.request(method, path, by=self._world.admin, json=json))
        assert reply.status < 500, reply.body
        if reply.status >= 400:
            assert reply.error["code"] != "internal"
        return reply


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Door, World]]:
    """A door over a core of its own."""
    async with open_kit(folder / "rollcall.db") as kit:
        identity = Identity(kit)
        app = web.Application()
        add_routes(
            app,
            HttpDoor(
                core=kit.core,
                auth=identity.auth,
                tokens=identity.tokens,
                clock=kit.clock,
                ids=identity.ids,
                sign_up=True,
                version="0",
            ),
        )
        async with TestClient(TestServer(app)) as client:
            yield Door(identity, client), await make_world(identity)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A running door."""
    with asyncio.Runner() as runner:
        context = opened(tmp_path)
        door, world = runner.run(context.__aenter__())
        try:
            yield Running(runner, door, world)
        finally:
            runner.run(context.__aexit__(None, None, None))


many = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(target=st.sampled_from(POSTS), body=JSON | ENVELOPES | st.fixed_dictionaries({"actions": JSON}))
def test_any_json_at_any_writing_route(running: Running, target: tuple[str, str], body: Any) -> None:
    running.send(*target, body)
    assert running.send("GET", "/healthz").status == 200


@many
@given(envelope=actions())
def test_any_values_in_the_payload_of_any_action(running: Running, envelope: dict[str, Any]) -> None:
    running.send("POST", "/api/actions", envelope)


@many
@given(envelopes=st.lists(actions() | ENVELOPES | JSON, max_size=6))
def test_any_batch(running: Running, envelopes: list[Any]) -> None:
    reply = running.send("POST", "/api/actions/batch", {"actions": envelopes})
    if reply.status == 200:
        results = reply.json["results"]
        assert len(results) == len(envelopes)
        assert all(result["ok"] or result["error"]["code"] != "internal" for result in results)


@many
@given(address=addresses())
def test_any_address_and_parameters(running: Running, address: str) -> None:
    running.send("GET", address)
