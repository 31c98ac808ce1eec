"""Every action through both doors gets the same body, accepted or refused."""

from __future__ import annotations

import pytest

from models.errors import RollcallError
from tests.e2e.conftest import Doors
from tests.handlers.test_role_table import TABLE, World

STATUS = {error.code: error.status for error in RollcallError.__subclasses__()}


@pytest.fixture
async def world(doors: Doors) -> World:
    made = World(doors.door.core)
    await made.open()
    return made


@pytest.mark.parametrize("type", sorted(TABLE))
async def test_an_action_gets_the_same_answer_at_both_doors(doors: Doors, world: World, type: str) -> None:
    admin = world.actors["admin"]
    build = TABLE[type][1]
    socket = await doors.door.client(admin, token=await doors.token(admin))

    payload = await build(world)
    status, by_http = await doors.post(
        admin, "/api/actions", {"type": type, "payload": payload, "op_id": "a"}
    )
    assert (status, by_http["ok"], by_http["duplicate"]) == (200, True, False), by_http
    assert await socket.act(type, payload, "a") == {**by_http, "duplicate": True}

    payload = await build(world)
    by_socket = await socket.act(type, payload, "b")
    assert (by_socket["ok"], by_socket["duplicate"]) == (True, False), by_socket
    again = await doors.post(admin, "/api/actions", {"type": type, "payload": payload, "op_id": "b"})
    assert again == (200, {**by_socket, "duplicate": True})
    assert by_socket.keys() == by_http.keys() == {"ok", "op_id", "room", "seq", "data", "duplicate"}

    refusals = [
        (admin, {"surprise": 1}),
        (admin, {**payload, "surprise": {"$gt": ""}}),
        (admin, []),
        (world.actors["nobody"], payload),
    ]
    for n, (actor, wrong) in enumerate(refusals):
        client = socket if actor is admin else await doors.door.client(actor, token=await doors.token(actor))
        refused = await client.call("action", {"type": type, "payload": wrong, "op_id": f"r{n}"})
        assert not refused["ok"]
        answer = await doors.post(actor, "/api/actions", {"type": type, "payload": wrong, "op_id": f"r{n}"})
        assert answer == (STATUS[refused["error"]["code"]], refused)
