"""Any JSON at both doors: never `internal`, and the service goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.core import load_handlers
from handlers.dispatch.registry import ACTIONS
from tests.e2e.conftest import Doors
from tests.realtime.kit import open_door
from tests.school import TODAY, make_school, marking

load_handlers()
TYPES = [spec.type for spec in ACTIONS.public()]
FIELDS = sorted({name for spec in ACTIONS.public() for name in spec.schema.fields})

known_values: st.SearchStrategy[Any] = st.sampled_from(
    [
        "s1",
        "s1-c1",
        "s1-c1-p1",
        "t1",
        TODAY,
        "1",
        "P",
        "L",
        "2026-03-02T08:00:00Z",
        "UTC",
        "simple",
        {"$gt": ""},
        {"$where": "1"},
        "$set",
        "a.b",
        "../..",
        "\x00",
        "\ud7ff",
        "٣",
        "' OR 1=1 --",
        2**63,
        -1,
        1e308,
        "x" * 300,
        [],
        {},
        None,
        True,
    ]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | known_values,
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(FIELDS), children, max_size=4
        )
    ),
    max_leaves=12,
)
payloads = json_values | st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8)
plausible = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "payload": payloads, "op_id": st.sampled_from(["a", "b", "c", "d"])},
    optional={"if_seq": st.integers(-1, 50) | json_values},
)
names = st.sampled_from(["action", "subscribe", "unsubscribe", "presence", "renew", "other", ""])
requests = st.tuples(names, json_values) | st.tuples(st.just("action"), plausible)
DOOR_PATHS = [
    "/api/actions",
    "/api/actions/batch",
    "/api/users/authenticate",
    "/api/users/refresh",
    "/api/users",
]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_json_is_our_fault(tmp_path_factory: Any, data: st.DataObject) -> None:
    """Each example is a list of requests to a fresh node."""
    batch = data.draw(st.lists(requests, min_size=20, max_size=60))
    bodies = data.draw(st.lists(st.tuples(st.sampled_from(DOOR_PATHS), json_values), min_size=5, max_size=20))
    asyncio.run(_send(tmp_path_factory.mktemp("node") / "rollcall.db", batch, bodies))


async def _send(path: Path, batch: list[tuple[str, Any]], bodies: list[tuple[str, Any]]) -> None:
    async with open_door(path) as door, ClientSession(door.url) as http:
        doors = Doors(door, http)
        school = await make_school(door.core)
        socket = await door.client(school.admin)
        for answer in await asyncio.gather(*(socket.call(name, request) for name, request in batch)):
            assert answer["ok"] or answer["error"]["code"] != "internal", answer
        for endpoint, body in bodies:
            status, answer = await doors.post(school.admin, endpoint, body)
            assert status < 500, answer
        envelopes = [request for name, request in batch if name == "action"][:500]
        if envelopes:
            status, answer = await doors.post(school.admin, "/api/actions/batch", {"actions": envelopes})
            assert status == 200
            assert all(one["ok"] or one["error"]["code"] != "internal" for one in answer["results"])
        last = await socket.act("attendance.mark", marking(2), "still-there")
        assert last["ok"] or last["error"]["code"] in ("locked", "invalid", "conflict", "not_found"), last
        await door.core.check()
