"""The Socket.IO door, through the official Python client."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import socketio
from aiohttp import ClientSession

from handlers.access import Access
from models.actor import Actor
from models.errors import Unauthenticated
from models.journal import Commit, Entry
from models.ports import SignedIn, StorageLost
from models.query import query
from models.topic import Topic
from realtime import connections
from tests.realtime.kit import Client, DoorKit
from tests.school import TODAY, School, marking
from tests.waiting import until

# -- connecting


async def test_a_client_is_greeted_with_who_it_is_and_its_topics(door: DoorKit, school: School) -> None:
    client = await door.client(school.teacher)
    (ready,) = client.all("ready")
    assert ready["user"] == {
        "id": school.teacher.id,
        "name": "Teacher",
        "roles": [{"role": "teacher", "scope": "class:s1-c1"}],
    }
    assert ready["topics"] == [
        {"topic": f"user:{school.teacher.id}", "name": "Teacher"},
        {"topic": "class:s1-c1", "name": "1A"},
    ]
    assert ready["server"] == {"node": "n1", "version": "0"}
    assert ready["time"] == "2026-03-02T08:30:00.000Z"


async def test_the_office_is_offered_school_and_summary_but_not_org(door: DoorKit, school: School) -> None:
    office = await door.client(school.office)
    names = [topic["topic"] for topic in office.all("ready")[0]["topics"]]
    assert names == [f"user:{school.office.id}", "school:s1", "summary:s1"]
    admin = await door.client(school.admin)
    names = [topic["topic"] for topic in admin.all("ready")[0]["topics"]]
    assert names == [f"user:{school.admin.id}", "school:s1", "summary:s1", "org"]


@pytest.mark.parametrize(
    "auth", [None, {}, {"token": None}, {"token": 7}, {"token": "garbage"}, "text", ["x"]]
)
async def test_without_a_good_token_the_connection_is_refused(door: DoorKit, auth: Any) -> None:
    await refused(door, auth)


async def refused(door: DoorKit, auth: Any, code: str = "unauthenticated") -> None:
    """Assert that the connection is refused, by default as not signed in."""
    client = Client(door.url)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.socket.connect(door.url, auth=auth, transports=["websocket"], wait_timeout=5)
    [refusal] = client.all("connect_error")
    assert (refusal["message"], refusal["data"]["code"]) == (code, code)
    assert client.all("ready") == []
    await client.close()


async def test_a_session_that_has_ended_cannot_connect(door: DoorKit, school: School) -> None:
    token = await door.token(school.teacher, "sid-1")
    payload = {"user_id": school.teacher.id, "session_id": "sid-1", "reason": "signed_out", "before": None}
    await door.core.core.dispatcher.run_internal("user.logout", payload, school.teacher)
    await refused(door, {"token": token})


async def test_a_session_that_ends_while_its_client_is_let_in_does_not_connect(
    door: DoorKit, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await door.token(school.teacher, "sid-1")
    verify = door.tokens.verify
    verified: list[SignedIn] = []

    async def end_meanwhile(token: object, *, anew: bool = False) -> SignedIn:
        verified.append(await verify(token, anew=anew))
        payload = {
            "user_id": school.teacher.id,
            "session_id": "sid-1",
            "reason": "signed_out",
            "before": None,
        }
        await door.core.core.dispatcher.run_internal("user.logout", payload, school.teacher)
        return verified[-1]

    monkeypatch.setattr(door.tokens, "verify", end_meanwhile)
    await refused(door, {"token": token})
    assert len(verified) == 1


def hold_up_verification(
    door: DoorKit, monkeypatch: pytest.MonkeyPatch
) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold up every verification of a token: the events are that one is asked for, and that it may go on."""
    asked, answer = asyncio.Event(), asyncio.Event()
    verify = door.tokens.verify

    async def slow(token: object, *, anew: bool = False) -> SignedIn:
        asked.set()
        await answer.wait()
        return await verify(token, anew=anew)

    monkeypatch.setattr(door.tokens, "verify", slow)
    return asked, answer


async def test_who_is_let_in_while_the_server_stops_is_told_so(
    door: DoorKit, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = hold_up_verification(door, monkeypatch)
    connecting = asyncio.create_task(
        refused(door, {"token": await door.token(school.teacher)}, "unavailable")
    )
    await asked.wait()
    await door.gateway.close()
    answer.set()
    await connecting
    assert door.gateway.connections_of(school.teacher.id) == []
    assert door.followers.followed() == ["org"]


# -- actions


async def test_an_action_is_acked_and_pushed_to_those_who_watch(door: DoorKit, school: School) -> None:
    teacher, dashboard = await asyncio.gather(door.client(school.teacher), door.client(school.viewer))
    reply = await dashboard.subscribe("school:s1")
    assert reply["mode"] == "snapshot"
    seq = reply["position"]["seq"]
    ack = await teacher.act("attendance.mark", marking(), "op-1")
    assert ack["ok"]
    assert (ack["op_id"], ack["room"], ack["duplicate"]) == ("op-1", "school:s1", False)
    updates = await dashboard.wait_for("update", 4)
    assert updates[0]["type"] == "attendance.mark"
    assert [update["seq"] for update in updates] == [seq + 1, seq + 2, seq + 3, seq + 4]
    assert [update["prev"] for update in updates] == [seq, seq + 1, seq + 2, seq + 3]
    mark = updates[0]
    assert mark["data"] == ack["data"]
    assert (mark["topic"], mark["by"], mark["op_id"]) == ("school:s1", school.teacher.id, "op-1")
    assert {update["data"]["kind"] for update in updates[1:]} == {"register", "tally", "summary"}
    assert all(update["by"] is None and update["op_id"] is None for update in updates[1:])


async def test_a_refused_action_is_acked_with_the_error(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    ack = await teacher.act("attendance.mark", marking(code="Q"), "op-1")
    assert not ack["ok"]
    assert ack["op_id"] == "op-1"
    assert ack["error"]["code"] == "invalid"
    assert "code" in ack["error"]["fields"]


async def test_the_same_op_id_again_gets_the_same_answer(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    first = await teacher.act("attendance.mark", marking(), "op-1")
    again = await teacher.act("attendance.mark", marking(code="A"), "op-1")
    assert again == {**first, "duplicate": True}


@pytest.mark.parametrize(
    "request_",
    [
        None,
        "text",
        7,
        [],
        {},
        {"type": "attendance.mark"},
        {"type": "x.y", "payload": {}, "op_id": "a"},
        {"type": "user.login", "payload": {}, "op_id": "a"},
        {"type": "attendance.mark", "payload": {}, "op_id": "a b"},
        {"type": {"$gt": ""}, "payload": {}, "op_id": "a"},
        {"type": "attendance.mark", "payload": [], "op_id": "a"},
        {"type": "attendance.mark", "payload": {}, "op_id": "a", "surprise": 1},
        {"type": "attendance.mark", "payload": {"$where": "1"}, "op_id": "a"},
    ],
)
async def test_a_malformed_action_is_invalid_and_the_connection_goes_on(
    door: DoorKit, school: School, request_: Any
) -> None:
    teacher = await door.client(school.teacher)
    ack = await teacher.call("action", request_)
    assert (ack["ok"], ack["error"]["code"]) == (False, "invalid")
    assert (await teacher.act("attendance.mark", marking(), "good"))["ok"]


async def test_an_unknown_event_is_invalid(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    ack = await teacher.call("message", {"a": 1})
    assert (ack["ok"], ack["error"]["code"]) == (False, "invalid")


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_actions_of_one_client_are_decided_in_the_order_sent(
    door: DoorKit, school: School, transports: list[str]
) -> None:
    teacher = await door.client(school.teacher, transports=transports)
    codes = [("P", "A")[i % 2] for i in range(99)] + ["E"]
    acks = await asyncio.gather(
        *(teacher.act("attendance.mark", marking(code=code), f"op-{i}") for i, code in enumerate(codes))
    )
    assert all(ack["ok"] for ack in acks)
    seqs = [ack["seq"] for ack in acks]
    assert seqs == sorted(seqs)
    own = [e.data["code"] for e in door.core.entries("school:s1") if e.type == "attendance.mark"]
    assert own == codes


async def test_an_action_for_another_room_waits_for_those_before_it(door: DoorKit, school: School) -> None:
    admin = await door.client(school.admin)
    acks = await asyncio.gather(
        admin.act("class.create", {"school_id": "s1", "class_id": "s1-c2", "name": "2A"}, "a"),
        admin.act(
            "user.create",
            {"email": "t2@example.test", "name": "T", "roles": [{"role": "teacher", "scope": "class:s1-c2"}]},
            "b",
        ),
    )
    assert [ack["ok"] for ack in acks] == [True, True], acks


# -- subscribing


async def test_a_snapshot_holds_what_the_topic_has_and_a_tail_what_came_since(
    door: DoorKit, school: School
) -> None:
    teacher = await door.client(school.teacher)
    await teacher.act("attendance.mark", marking(), "1")
    reply = await teacher.subscribe("class:s1-c1")
    kinds = sorted(record["kind"] for record in reply["records"])
    assert kinds == [
        "class",
        "enrolment",
        "enrolment",
        "enrolment",
        "mark",
        "register",
        "student",
        "student",
        "student",
        "tally",
    ]
    other = await door.client(school.viewer)
    await teacher.act("attendance.mark", marking(2, "A"), "2")
    tail = await other.subscribe("class:s1-c1", since=reply["position"])
    assert tail["mode"] == "tail"
    since = reply["position"]["seq"]
    assert tail["entries"][0]["type"] == "attendance.mark"
    assert [entry["prev"] for entry in tail["entries"]] == [since, *(e["seq"] for e in tail["entries"][:-1])]
    assert tail["position"]["seq"] > since


async def test_a_tail_needs_the_current_epoch_and_a_position_within_the_journal(
    door: DoorKit, school: School
) -> None:
    client = await door.client(school.viewer)
    position = (await client.subscribe("school:s1"))["position"]
    for since in ({"epoch": "other", "seq": 0}, {**position, "seq": position["seq"] + 1}):
        assert (await client.subscribe("school:s1", since=since))["mode"] == "snapshot"
    assert (await client.subscribe("school:s1", since={**position, "seq": 0}))["mode"] == "tail"


async def test_a_summary_is_always_a_snapshot(door: DoorKit, school: School) -> None:
    client = await door.client(school.viewer)
    position = (await client.subscribe("summary:s1"))["position"]
    assert (await client.subscribe("summary:s1", since=position))["mode"] == "snapshot"


async def test_the_date_chooses_the_day_of_a_snapshot(door: DoorKit, school: School) -> None:
    client = await door.client(school.office)
    await client.act("attendance.mark", marking(), "1")
    today = await client.subscribe("school:s1", date=TODAY)
    other = await client.subscribe("school:s1", date="2026-02-27")
    assert "mark" in {record["kind"] for record in today["records"]}
    assert {record["kind"] for record in other["records"]} == {"school", "class"}


@pytest.mark.parametrize(
    ("who", "topic", "code"),
    [
        ("teacher", "school:s1", "forbidden"),
        ("teacher", "summary:s1", "forbidden"),
        ("teacher", "class:s1-c9", "forbidden"),
        ("teacher", "org", "forbidden"),
        ("teacher", "user:u-s1-admin", "forbidden"),
        ("teacher", "team:t1", "forbidden"),
        ("stranger", "class:s1-c1", "forbidden"),
        ("viewer", "class:s1-c9", "not_found"),
        ("admin", "school:s9", "not_found"),
        ("admin", "user:u-s1-teacher", "forbidden"),
        ("admin", "nonsense", "invalid"),
        ("admin", "class:", "invalid"),
        ("admin", "class:a b", "invalid"),
        ("admin", None, "invalid"),
    ],
)
async def test_a_topic_out_of_reach_is_refused_alone(
    door: DoorKit, school: School, who: str, topic: Any, code: str
) -> None:
    actor: Actor = getattr(school, who)
    client = await door.client(actor)
    own = f"user:{actor.id}"
    answer = await client.call("subscribe", {"topics": [{"topic": topic}, {"topic": own}]})
    assert answer["ok"]
    assert answer["topics"][0]["error"]["code"] == code
    assert answer["topics"][1]["mode"] == "snapshot"


@pytest.mark.parametrize(
    "request_",
    [None, {}, {"topics": "school:s1"}, {"topics": [{"topic": "org"}] * 201}, {"topics": [], "more": 1}],
)
async def test_a_malformed_subscribe_is_invalid(door: DoorKit, school: School, request_: Any) -> None:
    client = await door.client(school.viewer)
    answer = await client.call("subscribe", request_)
    assert (answer["ok"], answer["error"]["code"]) == (False, "invalid")


async def test_a_client_that_has_gone_joins_nothing_any_more(
    door: DoorKit, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = asyncio.Event()
    room_of = Access.topic

    async def slow(access: Access, actor: Actor, topic: Topic) -> str:
        asked.append(topic.name)
        await answer.wait()
        return await room_of(access, actor, topic)

    monkeypatch.setattr(Access, "topic", slow)
    client = await door.client(school.office)
    (connection,) = door.gateway.connections_of(school.office.id)
    topics = ("school:s1", "class:s1-c1", "summary:s1")
    await client.socket.emit("subscribe", {"topics": [{"topic": topic} for topic in topics]})
    await until(lambda: asked)
    await client.close()
    await until(lambda: connection.socket.gone)
    answer.set()
    await until(lambda: not door.gateway.connections_of(school.office.id))
    assert asked == ["school:s1"]
    assert door.push.topics_of(connection) == {}
    assert door.followers.followed() == ["org"]


async def test_no_update_overtakes_the_reply_and_none_is_missing(door: DoorKit, school: School) -> None:
    """Subscribing again and again while marks pour in: reply and updates always add up to every seq."""
    writer, watcher = await asyncio.gather(door.client(school.office), door.client(school.viewer))
    stop = asyncio.Event()

    async def write() -> None:
        count = 0
        while not stop.is_set():
            count += 1
            await writer.act("attendance.mark", marking(code=("P", "A")[count % 2]), f"w{count}")

    writing = asyncio.create_task(write())
    for _ in range(20):
        watcher.received.clear()
        position = (await watcher.subscribe("school:s1"))["position"]["seq"]
        await watcher.wait_for("update", 6)
        fresh = [u for u in watcher.all("update") if u["seq"] > position]
        assert all(update["prev"] <= max(position, update["seq"] - 1) for update in fresh)
        await until(lambda: any(u["seq"] > position for u in watcher.all("update")))  # noqa: B023
        fresh = [u["seq"] for u in watcher.all("update") if u["seq"] > position]
        assert fresh == list(range(position + 1, position + 1 + len(fresh)))
        await watcher.call("unsubscribe", {"topics": ["school:s1"]})
    stop.set()
    await writing


async def test_after_unsubscribing_nothing_comes_any_more(door: DoorKit, school: School) -> None:
    client = await door.client(school.office)
    await client.subscribe("school:s1")
    await client.subscribe("class:s1-c1")
    assert await client.call("unsubscribe", {"topics": ["school:s1", "school:s9"]}) == {"ok": True}
    await client.act("attendance.mark", marking(), "1")
    await client.wait_for("update")
    assert {update["topic"] for update in client.all("update")} == {"class:s1-c1"}


async def test_a_summary_is_pushed_at_most_once_a_second_and_ends_with_the_newest(
    door: DoorKit, school: School
) -> None:
    office, watcher = await asyncio.gather(door.client(school.office), door.client(school.viewer))
    position = (await watcher.subscribe("summary:s1"))["position"]["seq"]
    for i in range(20):
        last = await office.act("attendance.mark", marking(1 + i % 3, "PA"[i % 2]), f"op{i}")
    stored = await door.core.storage.find(query("summary", school_id="s1", date=TODAY))
    await until(lambda: bool(watcher.all("update")) and watcher.all("update")[-1]["data"] == stored[0])
    updates = watcher.all("update")
    assert len(updates) < 6
    assert updates[-1]["seq"] > last["seq"]
    assert updates[0]["prev"] == position
    assert [u["prev"] for u in updates[1:]] == [u["seq"] for u in updates[:-1]]


async def test_a_bulk_commit_is_one_resync(door: DoorKit, school: School) -> None:
    client = await door.client(school.viewer)
    position = (await client.subscribe("school:s1"))["position"]
    first = position["seq"] + 1
    entries = tuple(
        Entry(
            "school:s1",
            first + i,
            "import",
            {
                "kind": "class",
                "id": f"b{i}",
                "school_id": "s1",
                "name": "B",
                "archived": False,
                "seq": first + i,
            },
            None,
            "2026-03-02T08:30:00.000Z",
            None,
            ("school:s1",),
        )
        for i in range(400)
    )
    commit = Commit("school:s1", door.core.storage.epoch, entries, bulk=True)
    await door.core.storage.append(commit)
    door.followers.receive(commit)
    (resync,) = await client.wait_for("resync")
    assert resync["topic"] == "school:s1"
    assert client.all("update") == []
    reply = await client.subscribe("school:s1")
    assert len([r for r in reply["records"] if r["kind"] == "class"]) == 401
    office = await door.client(school.office)
    await office.act("attendance.mark", marking(), "1")
    updates = await client.wait_for("update")
    assert updates[0]["prev"] <= reply["position"]["seq"]


# -- presence


async def test_presence_says_who_is_there_and_pushes_who_comes_and_goes(
    door: DoorKit, school: School
) -> None:
    office = await door.client(school.office)
    await office.subscribe("school:s1")
    viewer = await door.client(school.viewer)
    await viewer.subscribe("school:s1")
    answer = await office.call("presence", {"topic": "school:s1"})
    assert [user["id"] for user in answer["users"]] == [school.office.id, school.viewer.id]
    assert set(answer["users"][0]) == {"id", "name", "since"}
    await until(
        lambda: any(p.get("joined", {}).get("id") == school.viewer.id for p in office.all("presence"))
    )
    await viewer.close()
    await until(lambda: any(p.get("left", {}).get("id") == school.viewer.id for p in office.all("presence")))
    stranger = await door.client(school.stranger)
    assert (await stranger.call("presence", {"topic": "school:s1"}))["error"]["code"] == "forbidden"


# -- the end of a connection


async def test_a_role_change_ends_the_connection(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    await door.core.act(school.admin, "user.set_roles", {"user_id": school.teacher.id, "roles": []})
    await teacher.gone()
    assert teacher.all("closing") == [{"code": "roles_changed"}]


async def test_disabling_a_user_ends_the_connection(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    await door.core.act(school.admin, "user.disable", {"user_id": school.teacher.id})
    await teacher.gone()
    assert teacher.all("closing") == [{"code": "disabled"}]


async def test_signing_out_ends_the_connections_of_that_session_only(door: DoorKit, school: School) -> None:
    one = await door.client(school.teacher, token=await door.token(school.teacher, "sid-1"))
    two = await door.client(school.teacher, token=await door.token(school.teacher, "sid-2"))
    payload = {"user_id": school.teacher.id, "session_id": "sid-1", "reason": "signed_out", "before": None}
    await door.core.core.dispatcher.run_internal("user.logout", payload, school.teacher)
    await one.gone()
    assert one.all("closing") == [{"code": "signed_out"}]
    assert (await two.act("attendance.mark", marking(), "1"))["ok"]


@pytest.mark.parametrize("room", ["org", "user:u-s1-teacher"])
async def test_who_may_not_stay_is_found_once_a_lost_storage_is_back(
    door: DoorKit, school: School, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    one, two = await asyncio.gather(door.client(school.teacher), door.client(school.teacher))
    outcomes: list[Exception] = [
        StorageLost("away"),
        StorageLost("away"),
        Unauthenticated(),
        Unauthenticated(),
    ]

    async def verify(token: object, *, anew: bool = False) -> SignedIn:
        raise outcomes.pop(0)

    monkeypatch.setattr(door.tokens, "verify", verify)
    monkeypatch.setattr(connections, "VERIFY_AGAIN_AFTER", 0.01)
    door.gateway.skipped(room, 1, "behind")
    await asyncio.gather(one.gone(), two.gone())
    assert one.all("closing") == two.all("closing") == [{"code": "signed_out"}]
    assert outcomes == []


async def test_a_lost_storage_does_not_keep_a_server_from_stopping(
    door: DoorKit, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = await door.client(school.teacher)
    asked = asyncio.Event()

    async def lost(token: object, *, anew: bool = False) -> SignedIn:
        asked.set()
        raise StorageLost("away")

    monkeypatch.setattr(door.tokens, "verify", lost)
    door.gateway.skipped("org", 1, "behind")
    await asked.wait()
    async with asyncio.timeout(5):
        await door.gateway.close()
    assert teacher.all("closing") == [{"code": "restarting"}]


async def test_a_connection_ends_with_its_token_unless_it_is_renewed(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher, token=await door.token(school.teacher, "sid-1"))
    (connection,) = door.gateway.connections_of(school.teacher.id)
    door.core.clock.move(minutes=14, seconds=59)
    fresh = door.tokens.issue(school.teacher.id, "sid-1").text
    answer = await teacher.call("renew", {"token": fresh})
    assert answer["ok"]
    assert answer["expires_at"] == connection.expires_at
    assert connection.expires_at == int(door.core.clock.now().timestamp()) + 15 * 60
    door.core.clock.move(minutes=15)
    soon = door.tokens.issue(school.teacher.id, "sid-1").text
    door.core.clock.move(minutes=14, seconds=59, milliseconds=900)
    assert (await teacher.call("renew", {"token": soon}))["ok"]
    await teacher.gone()
    assert teacher.all("closing") == [{"code": "expired"}]


async def test_a_refused_renewal_leaves_the_connection_as_it_was(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    others = await door.token(school.office)
    assert (await teacher.call("renew", {"token": others}))["error"]["code"] == "forbidden"
    assert (await teacher.call("renew", {"token": "garbage"}))["error"]["code"] == "unauthenticated"
    assert (await teacher.call("renew", None))["error"]["code"] == "unauthenticated"
    assert (await teacher.act("attendance.mark", marking(), "1"))["ok"]


async def test_ending_a_connection_that_has_gone_ends_no_other(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    await door.server.close_connection("gone", for_good=False)
    assert (await teacher.act("attendance.mark", marking(), "1"))["ok"]


async def test_a_stopping_server_says_so(door: DoorKit, school: School) -> None:
    teacher = await door.client(school.teacher)
    await door.gateway.close()
    await teacher.gone()
    assert teacher.all("closing") == [{"code": "restarting"}]


async def test_a_client_that_is_gone_leaves_nothing_behind(door: DoorKit, school: School) -> None:
    client = await door.client(school.office)
    await client.subscribe("school:s1")
    await client.subscribe("class:s1-c1")
    await client.close()
    await until(lambda: not door.gateway.connections_of(school.office.id))
    await until(lambda: door.push.members("school:s1") == [])
    assert door.followers.followed() == ["org"]
    assert door.server.environ == {}
    await until(lambda: door.server.eio.sockets == {})


async def test_a_client_that_goes_while_it_is_let_in_leaves_nothing_behind(
    door: DoorKit, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = hold_up_verification(door, monkeypatch)
    token = orjson.dumps({"token": await door.token(school.office)}).decode()
    polling = f"{door.url}/socket.io/?EIO=4&transport=polling"
    async with ClientSession() as http:
        sid = orjson.loads((await (await http.get(polling)).text())[1:])["sid"]
        letting_in = asyncio.create_task(http.post(f"{polling}&sid={sid}", data="40" + token))
        await asked.wait()
        await http.post(f"{polling}&sid={sid}", data="1")
        answer.set()
        await letting_in
    assert door.gateway.connections_of(school.office.id) == []
    assert door.followers.followed() == ["org"]
