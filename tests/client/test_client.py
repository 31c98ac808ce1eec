"""Both clients against a real server: marking and watching through every fault."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import Journal, Start
from tests.client.programs import LIMIT, Failed, Program
from tests.parts.proxy import Proxy
from tests.parts.serve import Rollcall
from tests.waiting import until

TEACHER = "teacher1@s1.demo.test"
VIEWER = "viewer@s1.demo.test"
ADMIN = "admin@demo.test"
TODAY = str(datetime.now(UTC).date())

Action = tuple[str, dict[str, Any], str]


def mark(student: int, op_id: str, code: str = "P", **more: Any) -> Action:
    """Mark a student of s1-c1 today."""
    payload = {"class_id": "s1-c1", "date": TODAY, "period": "1", "student_id": f"s1-c1-p{student}"}
    return "attendance.mark", {**payload, "code": code, **more}, op_id


def codes(records: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The codes of marks by student."""
    return {r["student_id"]: r["code"] for r in records.values() if r["kind"] == "mark"}


async def equals_the_server(program: Program, topic: str, journal: Journal) -> None:
    """Wait until the program shows what the server has."""

    async def is_equal() -> bool:
        snapshot = await journal.get(f"/api/topics/{topic}")
        position, records = await program.records(topic)
        # The last entries of the room may be of other topics, and move no position here.
        assert position["seq"] <= snapshot["position"]["seq"]
        return records == {record["id"]: record for record in snapshot["records"]}

    await until(is_equal, LIMIT)


async def test_a_mark_is_acked_and_the_dashboard_shows_it(server: Rollcall, programs: Start) -> None:
    teacher = await programs().start(server.url, TEACHER)
    dashboard = await programs().start(server.url, VIEWER)
    dashboard.subscribe("school:s1")
    await dashboard.records("school:s1")
    ack = await teacher.act(mark(1, "op-1"))
    assert (ack["ok"], ack["op_id"], ack["duplicate"]) == (True, "op-1", False)

    def shown() -> list[Any]:
        return [change for _, changes in dashboard.all("changed") for change in changes]

    await until(lambda: ["mark", ack["data"]["id"], ack["data"]] in shown(), LIMIT)
    await until(lambda: "summary" in [kind for kind, _, _ in shown()], LIMIT)
    assert [state for _, state, _ in teacher.all("action")] == ["queued", "sent", "saved"]
    assert [state for state, _ in dashboard.all("status")][-1] == "live"


async def test_a_refusal_reaches_the_caller_and_others_stay_until_they_are_dismissed(
    server: Rollcall, programs: Start, tmp_path: Path
) -> None:
    store = tmp_path / "queue"
    teacher = await programs(store).start(server.url, TEACHER)
    with pytest.raises(Failed) as failed:
        await teacher.act(mark(1, "op-1", code="Q"))
    assert (failed.value.name, failed.value.code) == ("Refused", "invalid")
    assert await teacher.ask("actions") == []
    await teacher.enqueue(mark(1, "op-2", code="Q"))
    await teacher.wait_for("action", ["op-2", "refused", "invalid"])
    await teacher.act(mark(1, "op-3"))
    await teacher.close()

    await teacher.start(server.url, TEACHER)
    await teacher.wait_for("action", ["op-2", "refused", "invalid"])
    assert await teacher.ask("actions") == [["op-2", "refused"]]
    teacher.do("dismiss", op_id="op-2")
    assert await teacher.ask("actions") == []
    await teacher.close()
    await teacher.start(server.url, TEACHER)
    assert await teacher.ask("actions") == []


async def test_what_was_never_sent_can_be_withdrawn(
    proxy: Proxy, programs: Start, journal: Journal, tmp_path: Path
) -> None:
    teacher = await programs(tmp_path / "queue").start(proxy.url, TEACHER)
    assert (await teacher.act(mark(1, "op-1")))["ok"]
    proxy.refuse()
    await teacher.wait_for("status", ["offline", None])
    answer = teacher.act(mark(2, "op-2"))
    await teacher.enqueue(mark(3, "op-3"))
    assert [await teacher.ask("withdraw", op_id=id) for id in ("op-1", "op-2", "op-2")] == [
        False,
        True,
        False,
    ]
    with pytest.raises(Failed) as failed:
        await answer
    assert failed.value.name == "Withdrawn"
    assert await teacher.ask("actions") == [["op-3", "queued"]]
    await teacher.close()

    proxy.accept()
    await teacher.start(proxy.url, TEACHER)
    await until(lambda: ["op-3", "saved"] in [step[:2] for step in teacher.all("action")], LIMIT)
    assert await journal.op_ids() == ["op-1", "op-3"]


async def test_who_was_cut_off_catches_up_by_itself(
    server: Rollcall, proxy: Proxy, programs: Start, journal: Journal
) -> None:
    teacher = await programs().start(server.url, TEACHER)
    dashboard = await programs().start(proxy.url, VIEWER)
    dashboard.subscribe("school:s1")
    dashboard.subscribe("class:s1-c1")
    await dashboard.records("school:s1")
    proxy.refuse()
    await dashboard.wait_for("status", ["offline", None])
    await asyncio.gather(*(teacher.act(mark(n, f"op-{n}")) for n in range(1, 31)))
    proxy.accept()
    for topic in ("school:s1", "class:s1-c1"):
        await equals_the_server(dashboard, topic, journal)
    states = [state for state, _ in dashboard.all("status")]
    assert states[states.index("offline") :] == ["offline", "catching_up", "live"]


async def test_a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing(
    proxy: Proxy, programs: Start, journal: Journal
) -> None:
    teacher = await programs().start(proxy.url, TEACHER)
    teacher.subscribe("class:s1-c1")
    acks = []
    for turn in range(4):
        answers = [teacher.act(mark(n, f"op-{turn}-{n}", code="PLAE"[turn])) for n in range(1, 31)]
        await answers[3]
        proxy.cut()
        acks += [await answer for answer in answers]
    expected = [f"op-{turn}-{n}" for turn in range(4) for n in range(1, 31)]
    op_ids = await journal.op_ids()
    assert sorted(op_ids) == sorted(expected)
    assert [ack["op_id"] for ack in acks] == expected
    await equals_the_server(teacher, "class:s1-c1", journal)


async def test_what_is_queued_offline_goes_out_in_order_and_once(
    proxy: Proxy, programs: Start, journal: Journal
) -> None:
    teacher = await programs().start(proxy.url, TEACHER)
    teacher.subscribe("class:s1-c1")
    await teacher.records("class:s1-c1")
    proxy.refuse()
    await teacher.wait_for("status", ["offline", None])
    queued = [mark(1 + n % 10, f"op-{n}", code="PLA"[n // 10]) for n in range(30)]
    await asyncio.gather(*(teacher.enqueue(action) for action in queued))
    assert await teacher.ask("actions") == [[f"op-{n}", "queued"] for n in range(30)]
    proxy.accept()
    await until(lambda: len([1 for _, state, _ in teacher.all("action") if state == "saved"]) == 30, LIMIT)
    assert await journal.op_ids() == [f"op-{n}" for n in range(30)]
    assert await teacher.ask("actions") == []
    await equals_the_server(teacher, "class:s1-c1", journal)
    _, records = await teacher.records("class:s1-c1")
    assert codes(records) == {f"s1-c1-p{n}": "A" for n in range(1, 11)}


async def test_a_program_that_is_killed_offline_sends_its_queue_when_it_is_back(
    server: Rollcall, proxy: Proxy, programs: Start, journal: Journal, tmp_path: Path
) -> None:
    teacher = await programs(tmp_path / "queue").start(proxy.url, TEACHER)
    await until(lambda: teacher.all("ready"), LIMIT)
    proxy.refuse()
    await teacher.wait_for("status", ["offline", None])
    await asyncio.gather(*(teacher.enqueue(mark(n, f"op-{n}")) for n in range(1, 31)))
    teacher.kill()
    await teacher.close()
    assert await journal.op_ids() == []

    proxy.accept()
    await teacher.start(proxy.url, TEACHER)
    await until(lambda: len([1 for _, state, _ in teacher.all("action") if state == "saved"]) == 30, LIMIT)
    assert await journal.op_ids() == [f"op-{n}" for n in range(1, 31)]
    assert await teacher.ask("actions") == []
    await teacher.close()
    await teacher.start(server.url, TEACHER)
    assert await teacher.ask("actions") == []


async def test_programs_killed_at_any_moment_lose_and_double_nothing(
    server: Rollcall, programs: Start, journal: Journal, tmp_path: Path
) -> None:
    teacher = programs(tmp_path / "queue")
    kept = []
    for turn in range(4):
        await teacher.start(server.url, TEACHER)
        keeping = [teacher.enqueue(mark(n, f"op-{turn}-{n}")) for n in range(1, 31)]
        # Each turn a little later: while they are being kept, sent, answered.
        await keeping[7 * turn]
        kept += [f"op-{turn}-{n}" for n, done in enumerate(keeping, start=1) if done.done()]
        teacher.kill()
        await teacher.close()
    await teacher.start(server.url, TEACHER)

    async def is_empty() -> bool:
        return bool(await teacher.ask("actions") == [])

    await until(is_empty, LIMIT)
    op_ids = await journal.op_ids()
    assert len(op_ids) == len(set(op_ids))
    assert set(kept) <= set(op_ids)
    assert op_ids == sorted(op_ids, key=lambda op_id: [int(part) for part in op_id.split("-")[1:]])


async def test_a_server_that_is_killed_costs_nothing_but_time(
    server: Rollcall, programs: Start, journal: Journal
) -> None:
    teacher = await programs().start(server.url, TEACHER)
    dashboard = await programs().start(server.url, VIEWER)
    dashboard.subscribe("school:s1", fetch=True)
    await until(lambda: dashboard.all("ready"), LIMIT)
    answers = [teacher.act(mark(1 + n % 30, f"op-{n}", note=str(n))) for n in range(120)]
    await answers[20]
    server.kill()
    await dashboard.wait_for("status", ["offline", None])
    await server.start()
    acks = [await answer for answer in answers]
    assert [ack["op_id"] for ack in acks] == [f"op-{n}" for n in range(120)]
    op_ids = await journal.op_ids()
    assert sorted(op_ids) == sorted(f"op-{n}" for n in range(120))
    await equals_the_server(dashboard, "school:s1", journal)
    _, records = await dashboard.records("school:s1")
    notes = sorted(int(r["note"]) for r in records.values() if r["kind"] == "mark")
    assert notes == list(range(90, 120))


async def test_a_server_that_stops_says_so_and_the_client_comes_back(
    server: Rollcall, programs: Start
) -> None:
    teacher = await programs().start(server.url, TEACHER)
    await until(lambda: teacher.all("ready"), LIMIT)
    assert await server.terminate(LIMIT) == 0
    await teacher.wait_for("closing", "restarting")
    answer = teacher.act(mark(1, "op-1"))
    await server.start()
    assert (await answer)["ok"]


async def test_a_token_is_renewed_on_the_same_connection(server: Rollcall, programs: Start) -> None:
    teacher = await programs().start(server.url, TEACHER, expires_in=1)
    await until(lambda: teacher.all("asked").count("renew") >= 3, LIMIT)
    assert (await teacher.act(mark(1, "op-1")))["ok"]
    assert len(teacher.all("ready")) == 1


async def test_who_gets_other_roles_connects_again_and_sees_what_they_may(
    server: Rollcall, programs: Start
) -> None:
    teacher = await programs().start(server.url, TEACHER)
    admin = await programs().start(server.url, ADMIN)
    teacher.subscribe("class:s1-c1")
    teacher.subscribe("user:u-s1-teacher1")
    await teacher.records("class:s1-c1")
    payload: dict[str, Any] = {"user_id": "u-s1-teacher1", "roles": []}
    await admin.act(("user.set_roles", payload, "roles-1"))
    await teacher.wait_for("closing", "roles_changed")
    await teacher.wait_for("asked", "roles_changed")
    await teacher.wait_for("topic_status", ["class:s1-c1", "refused"])
    with pytest.raises(Failed) as failed:
        await teacher.records("class:s1-c1")
    assert failed.value.code == "forbidden"
    await teacher.records("user:u-s1-teacher1")

    payload["roles"] = [{"role": "teacher", "scope": "class:s1-c1"}]
    await admin.act(("user.set_roles", payload, "roles-2"))

    def states() -> list[str]:
        return [state for topic, state in teacher.all("topic_status") if topic == "class:s1-c1"]

    await until(lambda: states()[-3:] == ["offline", "catching_up", "live"], LIMIT)
    await teacher.records("class:s1-c1")


async def test_a_client_without_a_token_stops_and_keeps_its_queue(
    server: Rollcall, programs: Start, journal: Journal, tmp_path: Path
) -> None:
    teacher = await programs(tmp_path / "queue").start(server.url, TEACHER)
    admin = await programs().start(server.url, ADMIN)
    await until(lambda: teacher.all("ready"), LIMIT)
    teacher.do("tokens", expires_in=None)
    await admin.act(("user.disable", {"user_id": "u-s1-teacher1"}, "disable-1"))
    await teacher.wait_for("closing", "disabled")
    waiting = teacher.act(mark(1, "op-1"))
    await teacher.wait_for("status", ["stopped", "disabled"])
    with pytest.raises(Failed) as failed:
        await waiting
    assert failed.value.name == "Stopped"
    await admin.act(("user.enable", {"user_id": "u-s1-teacher1"}, "enable-1"))
    await teacher.close()
    await teacher.start(server.url, TEACHER)
    await until(
        lambda: [state for _, state, _ in teacher.all("action")] == ["queued", "sent", "saved"], LIMIT
    )
    assert await journal.op_ids() == ["op-1"]


async def test_the_home_room_is_in_the_address_of_the_connection(proxy: Proxy, programs: Start) -> None:
    teacher = await programs().start(proxy.url, TEACHER, affinity="school:s1")
    await until(lambda: teacher.all("ready"), LIMIT)
    (request,) = [line for line in proxy.requests if "/socket.io/" in line]
    assert re.search(r"[?&]affinity=s1(&|$)", request)


async def test_large_topics_come_by_http(proxy: Proxy, programs: Start, journal: Journal) -> None:
    dashboard = await programs().start(proxy.url, VIEWER)
    dashboard.subscribe("school:s1", fetch=True, date=TODAY)
    await equals_the_server(dashboard, "school:s1", journal)
    fetched = [line for line in proxy.requests if "/api/topics/" in line]
    assert len(fetched) == 1
    assert f"school:s1?date={TODAY}" in fetched[0].replace("%3A", ":")


async def test_presence_is_asked_for_and_told(server: Rollcall, programs: Start) -> None:
    dashboard = await programs().start(server.url, VIEWER)
    dashboard.subscribe("class:s1-c1")
    await dashboard.records("class:s1-c1")
    teacher = await programs().start(server.url, TEACHER)
    teacher.subscribe("class:s1-c1")
    await until(lambda: "u-s1-teacher1" in str(dashboard.all("presence")), LIMIT)
    there = await dashboard.ask("call", event="presence", data={"topic": "class:s1-c1"})
    assert [user["id"] for user in there["users"]] == ["u-s1-viewer", "u-s1-teacher1"]
    with pytest.raises(Failed) as failed:
        await dashboard.ask("call", event="presence", data={"topic": "user:u-s1-teacher1"})
    assert (failed.value.name, failed.value.code) == ("Refused", "forbidden")
