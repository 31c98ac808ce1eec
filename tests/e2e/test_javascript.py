"""The official JavaScript client, by WebSocket, by polling, and from polling to WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from models.actor import Actor
from models.journal import Record
from tests.e2e.javascript import JavaScriptClient, Node, open_node
from tests.realtime.kit import DoorKit, open_door
from tests.school import School, make_school, marking
from tests.waiting import until

TRANSPORTS = {
    "websocket": ["websocket"],
    "polling": ["polling"],
    "upgrade": ["polling", "websocket"],
}

Client = JavaScriptClient


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[DoorKit]:
    async with open_door(tmp_path / "rollcall.db") as door:
        yield door


@pytest.fixture
async def school(door: DoorKit) -> School:
    return await make_school(door.core)


@pytest.fixture
async def clients(node: Path) -> AsyncIterator[Node]:
    async with open_node(node) as running:
        yield running


@pytest.fixture(params=TRANSPORTS)
def transports(request: pytest.FixtureRequest) -> list[str]:
    return TRANSPORTS[request.param]


async def connected(
    clients: Node, door: DoorKit, actor: Actor, transports: list[str], session_id: str | None = None
) -> Client:
    """A client that has been greeted, and has upgraded if it is to."""
    client = clients.client(door.url, await door.token(actor, session_id), transports)
    await client.wait_for("ready")
    if len(transports) > 1:
        assert await client.wait_for("upgrade") == ["websocket"]
    return client


def follows_the_rules(updates: list[Record], seq: int) -> bool:
    """Whether a client at `seq` of a topic would apply each update: none is old, and none leaves a hole."""
    for update in updates:
        if update["seq"] <= seq or update["prev"] > seq:
            return False
        seq = update["seq"]
    return True


async def test_a_client_connects_and_is_greeted(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    client = await connected(clients, door, school.teacher, transports)
    assert client.all("open") == [transports[0]]
    (ready,) = client.all("ready")
    assert ready["user"]["id"] == school.teacher.id
    assert {"topic": "class:s1-c1", "name": "1A"} in ready["topics"]


async def test_a_refused_client_is_told_the_code(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    client = clients.client(door.url, "garbage", transports)
    assert await client.wait_for("connect_error") == ["unauthenticated"]
    client.do("token", token=await door.token(school.teacher))
    client.do("reconnect")
    await client.wait_for("ready")


async def test_an_action_is_acked_and_watchers_see_it(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    teacher = await connected(clients, door, school.teacher, transports)
    dashboard = await connected(clients, door, school.viewer, transports)
    reply = await dashboard.subscribe("school:s1")
    assert reply["mode"] == "snapshot"
    assert [record["kind"] for record in reply["records"]] == ["school", "class"]

    ack = await teacher.act("attendance.mark", marking(), "op-1")
    assert (ack["ok"], ack["op_id"], ack["duplicate"]) == (True, "op-1", False)
    updates = await dashboard.wait_for("update", 4)
    assert updates[0]["data"] == ack["data"]
    assert [update["data"]["kind"] for update in updates] == ["mark", "register", "tally", "summary"]
    assert follows_the_rules(updates, reply["position"]["seq"])

    refused = await teacher.act("attendance.mark", marking(code="Q"), "op-2")
    assert (refused["ok"], refused["op_id"], refused["error"]["code"]) == (False, "op-2", "invalid")
    assert (await teacher.call("dance", {}))["error"]["code"] == "invalid"


async def test_100_actions_sent_at_once_are_decided_in_the_order_sent(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    teacher = await connected(clients, door, school.teacher, transports)
    dashboard = await connected(clients, door, school.viewer, transports)
    seq = (await dashboard.subscribe("school:s1"))["position"]["seq"]
    acks = await asyncio.gather(
        *(teacher.act("attendance.mark", marking(note=str(n)), f"op-{n}") for n in range(100))
    )
    assert [ack["data"]["note"] for ack in acks] == [str(n) for n in range(100)]
    assert [ack["seq"] for ack in acks] == sorted(ack["seq"] for ack in acks)
    await until(lambda: acks[-1]["seq"] in [update["seq"] for update in dashboard.all("update")], 20)
    updates = dashboard.all("update")
    assert [update["op_id"] for update in updates if update["op_id"]] == [f"op-{n}" for n in range(100)]
    assert follows_the_rules(updates, seq)


async def test_nothing_is_lost_or_doubled_while_a_client_upgrades(
    door: DoorKit, school: School, clients: Node
) -> None:
    teacher = await connected(clients, door, school.teacher, ["websocket"])
    token = await door.token(school.viewer)
    dashboard = clients.client(door.url, token, TRANSPORTS["upgrade"], hold_upgrade=True)
    seq = (await dashboard.subscribe("school:s1"))["position"]["seq"]
    acks: list[Record] = []

    async def mark() -> None:
        acks.append(await teacher.act("attendance.mark", marking(note=f"{len(acks)}"), f"op-{len(acks)}"))

    await mark()
    await dashboard.wait_for("update")
    assert dashboard.all("upgrade") == []
    dashboard.do("upgrade")
    while not dashboard.all("upgrade"):
        await mark()
    await mark()
    await until(lambda: acks[-1]["seq"] in [update["seq"] for update in dashboard.all("update")], 20)
    updates = dashboard.all("update")
    assert follows_the_rules(updates, seq)
    assert [update["data"] for update in updates if update["op_id"]] == [ack["data"] for ack in acks]


async def test_who_was_away_gets_what_came_meanwhile(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    teacher = await connected(clients, door, school.teacher, ["websocket"])
    dashboard = await connected(clients, door, school.viewer, transports)
    since = (await dashboard.subscribe("school:s1"))["position"]
    (connection,) = door.gateway.connections_of(school.viewer.id)
    await door.server.eio.disconnect(door.server.manager.eio_sid_from_sid(connection.sid, "/"))
    await dashboard.wait_for("disconnect")
    ack = await teacher.act("attendance.mark", marking(), "op-1")

    await dashboard.wait_for("ready", 2)
    reply = await dashboard.subscribe("school:s1", since=since)
    assert reply["mode"] == "tail"
    assert reply["entries"][0]["data"] == ack["data"]
    assert len(reply["entries"]) == 4
    assert follows_the_rules(reply["entries"], since["seq"])
    last = reply["position"]["seq"]
    again = await teacher.act("attendance.mark", marking(code="L"), "op-2")
    updates = await dashboard.wait_for("update", 3)
    assert updates[0]["seq"] == again["seq"]
    assert follows_the_rules(updates, last)


async def test_a_renewed_token_keeps_the_connection(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    client = await connected(clients, door, school.teacher, transports, "sid-1")
    door.core.clock.move(minutes=14)
    token = door.tokens.issue(school.teacher.id, "sid-1").text
    answer = await client.call("renew", {"token": token})
    assert answer == {"ok": True, "expires_at": int(door.core.clock.now().timestamp()) + 15 * 60}
    assert (await client.call("renew", {"token": "garbage"}))["error"]["code"] == "unauthenticated"
    assert (await client.act("attendance.mark", marking(), "op-1"))["ok"]


async def test_the_server_says_why_it_ends_a_connection_and_the_client_stays_away(
    door: DoorKit, school: School, clients: Node, transports: list[str]
) -> None:
    client = await connected(clients, door, school.teacher, transports)
    await door.core.act(school.admin, "user.set_roles", {"user_id": school.teacher.id, "roles": []})
    assert await client.wait_for("disconnect") == ["io server disconnect"]
    assert client.all("closing") == [{"code": "roles_changed"}]
    client.do("reconnect")
    ready = (await client.wait_for("ready", 2))[1]
    assert ready["topics"] == [{"topic": f"user:{school.teacher.id}", "name": "Teacher"}]


async def test_presence_is_told(door: DoorKit, school: School, clients: Node, transports: list[str]) -> None:
    office = await connected(clients, door, school.office, transports)
    await office.subscribe("school:s1")
    viewer = await connected(clients, door, school.viewer, transports)
    await viewer.subscribe("school:s1")
    there = await office.call("presence", {"topic": "school:s1"})
    assert [user["id"] for user in there["users"]] == [school.office.id, school.viewer.id]

    def told(change: str) -> list[Any]:
        return [data[change]["id"] for data in office.all("presence") if change in data]

    await until(lambda: told("joined") == [school.office.id, school.viewer.id], 20)
    viewer.do("disconnect")
    await until(lambda: told("left") == [school.viewer.id], 20)


async def test_a_page_connects_by_its_cookie(
    clients: Node, door: DoorKit, school: School, transports: list[str]
) -> None:
    cookie = {"Cookie": f"rollcall_access={await door.token(school.teacher)}"}
    stranger = clients.client(door.url, "cookie", transports, headers=cookie)
    assert await stranger.wait_for("connect_error") == ["forbidden"]
    stranger.do("disconnect")
    page = clients.client(door.url, "cookie", transports, headers={**cookie, "Origin": door.url})
    (ready,) = await page.wait_for("ready")
    assert ready["user"]["id"] == school.teacher.id
