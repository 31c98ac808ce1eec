"""Actions by HTTP: one, and many."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.limits_memory import LimiterMemory
from handlers.dispatch.dispatcher import BUDGET
from models.ports import StorageLost
from tests.app.client import Door
from tests.app.world import DAY, World


def mark(student: str = "p1", code: str = "P", op_id: str = "op-mark", **more: Any) -> dict[str, Any]:
    payload = {"class_id": "c1", "date": DAY, "period": "1", "student_id": student, "code": code}
    return {"type": "attendance.mark", "payload": payload, "op_id": op_id, **more}


class TestOne:
    async def test_is_answered_with_its_ack(self, door: Door, world: World) -> None:
        reply = await door.post("/api/actions", mark(), world.teacher)
        assert reply.status == 200
        ack = reply.json
        assert ack.keys() == {"ok", "op_id", "room", "seq", "data", "duplicate"}
        assert (ack["ok"], ack["op_id"], ack["room"], ack["duplicate"]) == (
            True,
            "op-mark",
            "school:s1",
            False,
        )
        assert ack["data"]["kind"] == "mark"
        assert (ack["data"]["code"], ack["data"]["seq"], ack["data"]["by"]) == ("P", ack["seq"], "teacher")

    async def test_the_same_again_is_answered_the_same_and_acts_once(self, door: Door, world: World) -> None:
        first = (await door.post("/api/actions", mark(), world.teacher)).json
        again = (await door.post("/api/actions", mark(), world.teacher)).json
        assert again == {**first, "duplicate": True}
        assert len([e for e in door.core.entries("school:s1") if e.type == "attendance.mark"]) == 1

    @pytest.mark.parametrize(
        ("body", "status", "code", "field"),
        [
            ({}, 422, "invalid", "type"),
            ({"type": "nope.nope", "payload": {}, "op_id": "x"}, 422, "invalid", "type"),
            ({"type": {"$gt": ""}, "payload": {}, "op_id": "x"}, 422, "invalid", "type"),
            ({"type": "user.login", "payload": {}, "op_id": "x"}, 422, "invalid", "type"),
            ({"type": "kit.put", "payload": {}, "op_id": "x"}, 422, "invalid", "type"),
            (mark(extra=1), 422, "invalid", "extra"),
            (mark(**{"$where": "1"}), 422, "invalid", "$where"),
            ({**mark(), "payload": [1]}, 422, "invalid", "payload"),
            ({**mark(), "payload": None}, 422, "invalid", "payload"),
            (mark(op_id="a b"), 422, "invalid", "op_id"),
            ({**mark(), "op_id": None}, 422, "invalid", "op_id"),
            ({**mark(), "op_id": {"$ne": 1}}, 422, "invalid", "op_id"),
            (mark(if_seq="1"), 422, "invalid", "if_seq"),
            (mark(if_seq=-1), 422, "invalid", "if_seq"),
            (mark(if_seq=2**64 - 1), 409, "conflict", None),
            (mark(if_seq=1e30), 422, "invalid", "if_seq"),
            (mark(if_seq=7), 409, "conflict", None),
            (mark(student="$gt"), 422, "invalid", "student_id"),
            (mark(code="Q"), 422, "invalid", "code"),
        ],
    )
    async def test_a_refusal_has_the_status_of_its_code_and_names_the_field(
        self, door: Door, world: World, body: dict[str, Any], status: int, code: str, field: str | None
    ) -> None:
        before = len(door.core.commits)
        reply = await door.post("/api/actions", body, world.teacher)
        assert reply.code == (status, code)
        if field is not None:
            assert field in reply.error["fields"]
            assert field in reply.error["message"]
        sent = body.get("op_id")
        well_formed = isinstance(sent, str) and " " not in sent
        assert reply.json["op_id"] == (sent if well_formed else None)
        assert len([c for c in door.core.commits[before:] if c.room == "school:s1"]) == 0

    async def test_operators_in_a_payload_are_values_of_the_wrong_type(
        self, door: Door, world: World
    ) -> None:
        for name in ("class_id", "date", "period", "student_id", "code"):
            for value in ({"$gt": ""}, ["P"], 5, None, True, "a\0b", "$where", "a.b"):
                body = mark()
                body["payload"][name] = value
                reply = await door.post("/api/actions", body, world.admin)
                assert reply.code == (422, "invalid"), (name, value)
                assert name in reply.error["fields"], (name, value)

    async def test_another_schools_ids_reach_nothing(self, door: Door, world: World) -> None:
        body = mark()
        for by in (world.other_head, world.other_teacher, world.colleague, world.viewer, world.stranger):
            assert (await door.post("/api/actions", body, by)).code == (403, "forbidden")
        body["payload"]["student_id"] = "q1"
        assert (await door.post("/api/actions", body, world.teacher)).code == (422, "invalid")
        body["payload"] = {**mark()["payload"], "class_id": "d1", "student_id": "q1"}
        assert (await door.post("/api/actions", body, world.teacher)).code == (403, "forbidden")

    async def test_a_clash_brings_what_is_there(self, door: Door, world: World) -> None:
        first = (await door.post("/api/actions", mark(), world.teacher)).json
        reply = await door.post("/api/actions", mark(op_id="op-2", if_seq=0), world.teacher)
        assert reply.code == (409, "conflict")
        assert reply.error["current"] == first["data"]

    async def test_a_closed_register_is_locked(self, door: Door, world: World) -> None:
        take = {"type": "attendance.take", "op_id": "op-take"}
        take["payload"] = {"class_id": "c1", "date": DAY, "period": "1"}  # type: ignore[assignment]
        assert (await door.post("/api/actions", take, world.teacher)).status == 200
        assert (await door.post("/api/actions", mark(), world.teacher)).code == (423, "locked")
        assert (await door.post("/api/actions", mark(op_id="op-2"), world.office)).status == 200

    async def test_too_many_are_limited_and_told_for_how_long(
        self, door: Door, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limiter = LimiterMemory({BUDGET: "1/10 seconds"})
        monkeypatch.setattr(door.core.core.dispatcher, "_limiter", limiter)
        assert (await door.post("/api/actions", mark(), world.teacher)).status == 200
        reply = await door.post("/api/actions", mark(op_id="op-2"), world.teacher)
        assert reply.code == (429, "rate_limited")
        assert 1 <= reply.error["retry_after"] <= 10
        assert reply.headers["Retry-After"] == str(reply.error["retry_after"])

    async def test_what_nobody_foresaw_names_the_request_and_the_op(
        self, door: Door, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any) -> Any:
            raise ZeroDivisionError

        await door.token(world.teacher)
        monkeypatch.setattr(door.core.core.dispatcher, "submit", broken)
        reply = await door.post("/api/actions", mark(), world.teacher, headers={"X-Request-Id": "abc"})
        assert reply.code == (500, "internal")
        assert reply.json["op_id"] == "op-mark"
        assert "abc" in reply.error["message"]

    async def test_a_lost_storage_may_be_tried_again_with_the_same_op_id(
        self, door: Door, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def lost(*args: Any, **kwargs: Any) -> Any:
            raise StorageLost("gone")

        await door.token(world.teacher)
        with monkeypatch.context() as patch:
            patch.setattr(door.core.storage, "append", lost)
            reply = await door.post("/api/actions", mark(), world.teacher)
            assert reply.code == (503, "unavailable")
            assert reply.json["op_id"] == "op-mark"
        assert (await door.post("/api/actions", mark(), world.teacher)).json["duplicate"] is False


class TestMany:
    async def batch(self, door: Door, by: Any, *actions: Any) -> list[dict[str, Any]]:
        reply = await door.post("/api/actions/batch", {"actions": list(actions)}, by)
        assert reply.status == 200, reply.body
        assert reply.json.keys() == {"results"}
        results: list[dict[str, Any]] = reply.json["results"]
        assert len(results) == len(actions)
        return results

    async def test_are_answered_in_order_each_as_if_alone(self, door: Door, world: World) -> None:
        results = await self.batch(
            door,
            world.teacher,
            mark("p1", op_id="op-1"),
            mark("p2", "Q", op_id="op-2"),
            "no action",
            mark("p3", op_id="op-3", if_seq=99),
            mark("p1", op_id="op-1"),
            None,
            {"type": "nope", "op_id": "a b"},
            mark("p2", "A", op_id="op-6"),
        )
        assert [result["ok"] for result in results] == [True, False, False, False, True, False, False, True]
        assert [result["op_id"] for result in results] == [
            "op-1",
            "op-2",
            None,
            "op-3",
            "op-1",
            None,
            None,
            "op-6",
        ]
        assert results[4] == {**results[0], "duplicate": True}
        assert [result["error"]["code"] for result in results if not result["ok"]] == [
            "invalid",
            "invalid",
            "conflict",
            "invalid",
            "invalid",
        ]
        marks = [e.data["student_id"] for e in door.core.entries("school:s1") if e.type == "attendance.mark"]
        assert marks == ["p1", "p2"]

    async def test_share_commits_where_they_share_a_room(self, door: Door, world: World) -> None:
        before = len(door.core.commits)
        actions = [mark(f"p{1 + i % 3}", "PLA"[i % 3], op_id=f"op-{i}") for i in range(300)]
        results = await self.batch(door, world.teacher, *actions)
        assert all(result["ok"] for result in results)
        assert [result["seq"] for result in results] == sorted(result["seq"] for result in results)
        assert len(door.core.commits) - before <= 5

    async def test_may_name_what_one_before_them_makes(self, door: Door, world: World) -> None:
        def action(type: str, number: int, **payload: Any) -> dict[str, Any]:
            return {"type": type, "op_id": f"new-{number}", "payload": payload}

        student = {"student_id": "new", "given_name": "New", "family_name": "One"}
        results = await self.batch(
            door,
            world.admin,
            action("class.create", 1, school_id="s1", class_id="c9", name="Nine"),
            action("student.create", 2, school_id="s1", **student),
            action("enrolment.create", 3, class_id="c9", student_id="new", **{"from": DAY}),
            action("team.create", 4, team_id="t9", name="Nine"),
            action("task.create", 5, team_id="t9", title="First"),
        )
        assert [result["ok"] for result in results] == [True] * 5, results

    async def test_may_be_none_and_500_but_not_more(self, door: Door, world: World) -> None:
        assert await self.batch(door, world.teacher) == []
        assert len(await self.batch(door, world.teacher, *[{"type": "nope"}] * 500)) == 500
        reply = await door.post("/api/actions/batch", {"actions": [{}] * 501}, world.teacher)
        assert reply.code == (422, "invalid")
        assert reply.error["fields"].keys() == {"actions"}

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "actions"),
            ({"actions": {}}, "actions"),
            ({"actions": None}, "actions"),
            ({"actions": [], "more": 1}, "more"),
        ],
    )
    async def test_come_as_a_list(self, door: Door, world: World, body: Any, field: str) -> None:
        reply = await door.post("/api/actions/batch", body, world.teacher)
        assert reply.code == (422, "invalid")
        assert field in reply.error["fields"]

    async def test_can_each_be_the_one_that_is_internal(
        self, door: Door, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit = door.core.core.dispatcher.submit

        def broken(prepared: Any) -> Any:
            if prepared.op_id == "op-bad":
                raise ZeroDivisionError
            return submit(prepared)

        monkeypatch.setattr(door.core.core.dispatcher, "submit", broken)
        first, second, third = await self.batch(
            door, world.teacher, mark(op_id="op-1"), mark(op_id="op-bad"), mark("p2", op_id="op-3")
        )
        assert (first["ok"], third["ok"]) == (True, True)
        assert second["error"]["code"] == "internal"
        assert orjson.dumps(second)
