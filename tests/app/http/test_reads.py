"""What the reading routes answer: the directory, attendance, tasks, topics and journals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.client import Door
from tests.app.world import DAY, PERIODS, World

SHEET = f"/api/classes/c1/registers/{DAY}/1"


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


async def mark(world: World, student: str, code: str, class_id: str = "c1", period: str = "1") -> Any:
    payload = {"class_id": class_id, "date": DAY, "period": period, "student_id": student, "code": code}
    return (await world.core.act(world.office, "attendance.mark", payload)).data


async def pages(door: Door, path: str, by: Any, limit: int) -> list[dict[str, Any]]:
    """All items of a list, read page by page."""
    items: list[dict[str, Any]] = []
    params = {"limit": str(limit)}
    while True:
        reply = await door.request("GET", path, by=by, params=params)
        assert len(reply.items) <= limit
        items += reply.items
        cursor = reply.json["next_cursor"]
        if cursor is None:
            return items
        assert len(reply.items) == limit
        params["cursor"] = cursor


class TestDirectory:
    async def test_schools_are_those_of_the_actor(self, door: Door, world: World) -> None:
        assert ids((await door.get("/api/schools", world.admin)).items) == ["s1", "s2"]
        for by in (world.head, world.viewer, world.teacher):
            assert ids((await door.get("/api/schools", by)).items) == ["s1"]
        assert (await door.get("/api/schools", world.member)).items == []

    async def test_a_school_comes_with_periods_and_codes(self, door: Door, world: World) -> None:
        school = (await door.get("/api/schools/s1", world.teacher)).json
        assert (school["kind"], school["id"], school["periods"]) == ("school", "s1", PERIODS)
        assert [code["code"] for code in school["codes"]] == ["P", "L", "A", "E", "O"]
        assert school["days"] == [1, 2, 3, 4, 5]

    async def test_classes_and_their_students_are_listed_by_name(self, door: Door, world: World) -> None:
        assert ids((await door.get("/api/schools/s1/classes", world.viewer)).items) == ["c1", "c2"]
        assert (await door.get("/api/classes/c1", world.teacher)).json["name"] == "Class c1"
        assert ids((await door.get("/api/classes/c1/students", world.teacher)).items) == ["p1", "p2", "p3"]

    async def test_students_are_those_on_roll_on_the_day(self, door: Door, world: World) -> None:
        end = {"class_id": "c1", "student_id": "p2", "to": "2026-02-27"}
        await world.core.act(world.admin, "enrolment.end", end)
        assert ids((await door.get("/api/classes/c1/students", world.teacher)).items) == ["p1", "p3"]
        path = "/api/classes/c1/students?date=2026-02-27"
        assert ids((await door.get(path, world.teacher)).items) == ["p1", "p2", "p3"]
        assert (await door.get("/api/classes/c1/students?date=2026-01-04", world.teacher)).items == []

    async def test_a_student_comes_with_classes_marks_and_totals(self, door: Door, world: World) -> None:
        await mark(world, "p1", "A")
        await mark(world, "p1", "P", period="2")
        page = (await door.get("/api/students/p1", world.office)).json
        assert page["student"]["id"] == "p1"
        assert ids(page["classes"]) == ["c1"]
        assert [one["code"] for one in page["marks"]] == ["P", "A"]
        assert page["totals"] == {"A": 1, "P": 1}

    async def test_a_teacher_sees_of_a_student_what_belongs_to_their_own_classes(
        self, door: Door, world: World
    ) -> None:
        join = {"class_id": "c2", "student_id": "p1", "from": "2026-02-02"}
        await world.core.act(world.admin, "enrolment.create", join)
        await mark(world, "p1", "A")
        await mark(world, "p1", "P", class_id="c2", period="2")
        for by, classes, totals in (
            (world.teacher, ["c1"], {"A": 1}),
            (world.colleague, ["c2"], {"P": 1}),
            (world.viewer, ["c1", "c2"], {"A": 1, "P": 1}),
        ):
            page = (await door.get("/api/students/p1", by)).json
            assert ids(page["classes"]) == classes
            assert sorted(one["class_id"] for one in page["enrolments"]) == classes
            assert sorted(one["class_id"] for one in page["marks"]) == classes
            assert page["totals"] == totals

    async def test_teams_are_those_of_the_actor(self, door: Door, world: World) -> None:
        assert ids((await door.get("/api/teams", world.admin)).items) == ["t1", "t2"]
        assert ids((await door.get("/api/teams", world.member)).items) == ["t1"]
        assert (await door.get("/api/teams", world.teacher)).items == []

    async def test_lists_come_in_pages_that_add_up_to_the_whole(self, door: Door, world: World) -> None:
        for path, by, whole in (
            ("/api/schools", world.admin, ["s1", "s2"]),
            ("/api/schools/s1/classes", world.admin, ["c1", "c2"]),
            ("/api/classes/c1/students", world.teacher, ["p1", "p2", "p3"]),
            ("/api/teams", world.admin, ["t1", "t2"]),
        ):
            assert ids(await pages(door, path, by, 1)) == whole
            assert ids(await pages(door, path, by, len(whole))) == whole


class TestAttendance:
    async def test_a_sheet_has_every_student_with_mark_or_null(self, door: Door, world: World) -> None:
        made = await mark(world, "p2", "A")
        sheet = (await door.get(SHEET, world.teacher)).json
        assert (sheet["class_id"], sheet["date"], sheet["period"], sheet["state"]) == ("c1", DAY, "1", "open")
        assert [(row["student"]["id"], row["mark"]) for row in sheet["students"]] == [
            ("p1", None),
            ("p2", made),
            ("p3", None),
        ]

    async def test_a_sheet_is_of_a_day_and_a_period_of_the_school(self, door: Door, world: World) -> None:
        for path, field in (
            (f"/api/classes/c1/registers/{DAY}/9", "period"),
            ("/api/classes/c1/registers/2026-02-30/1", "date"),
        ):
            reply = await door.get(path, world.teacher)
            assert reply.code == (422, "invalid")
            assert field in reply.error["fields"]

    async def test_registers_say_where_they_stand(self, door: Door, world: World) -> None:
        await mark(world, "p1", "P")
        take = {"class_id": "c2", "date": DAY, "period": "2"}
        await world.core.act(world.office, "attendance.take", take)
        items = await pages(door, "/api/schools/s1/registers", world.viewer, 1)
        assert [(item["class_id"], item["period"], item["state"]) for item in items] == [
            ("c1", "1", "open"),
            ("c1", "2", "missing"),
            ("c2", "1", "missing"),
            ("c2", "2", "taken"),
        ]
        for state, count in (("missing", 2), ("open", 1), ("taken", 1)):
            reply = await door.get(f"/api/schools/s1/registers?state={state}&date={DAY}", world.viewer)
            assert len(reply.items) == count
        reply = await door.get("/api/schools/s1/registers?state=lost", world.viewer)
        assert reply.error["fields"].keys() == {"state"}

    async def test_a_summary_counts_by_code(self, door: Door, world: World) -> None:
        await mark(world, "p1", "P")
        await mark(world, "p4", "A", class_id="c2")
        summary = (await door.get("/api/schools/s1/summary", world.viewer)).json
        assert (summary["counts"], summary["on_roll"]) == ({"A": 1, "P": 1}, 4)
        other = (await door.get("/api/schools/s1/summary?date=2026-02-27", world.viewer)).json
        assert (other["date"], other["counts"]) == ("2026-02-27", {})

    async def test_all_summaries_are_those_of_the_actors_schools(self, door: Door, world: World) -> None:
        await mark(world, "p1", "P")
        assert [one["school_id"] for one in await pages(door, "/api/summary", world.admin, 1)] == ["s1", "s2"]
        assert [one["counts"] for one in (await door.get("/api/summary", world.viewer)).items] == [{"P": 1}]
        assert (await door.get("/api/summary", world.teacher)).items == []

    async def test_planned_absences_are_those_with_a_day_in_the_range(self, door: Door, world: World) -> None:
        for student_id, first, last in (
            ("p1", DAY, "2026-03-13"),
            ("p2", "2026-03-04", "2026-03-05"),
            ("p1", "2026-03-20", "2026-03-20"),
            ("p3", "2026-02-27", "2026-02-27"),
        ):
            plan = {"student_ids": [student_id], "from": first, "to": last, "reason": "Trip"}
            await world.core.act(world.office, "attendance.plan", plan)
        path = "/api/schools/s1/absences"

        async def whose(parameters: str) -> list[tuple[str, str]]:
            items = (await door.get(f"{path}?{parameters}", world.viewer)).items
            return [(item["student_id"], item["to"]) for item in items]

        short, long, later = ("p2", "2026-03-05"), ("p1", "2026-03-13"), ("p1", "2026-03-20")
        assert await whose("") == [short, long, later]
        assert await whose("to=2026-03-03") == [long]
        assert await whose("from=2026-03-06&to=2026-03-31") == [long, later]
        assert await whose("from=2026-02-01&to=2026-03-01") == [("p3", "2026-02-27")]
        assert await whose("student_id=p1") == [long, later]
        assert await whose("student_id=p1&to=2026-03-19") == [long]
        assert await whose("student_id=q1") == []
        assert len(await pages(door, path, world.viewer, 1)) == 3
        assert (await door.get(f"{path}?from=today", world.viewer)).error["fields"].keys() == {"from"}

    async def test_a_students_page_leaves_out_what_is_planned_for_later(
        self, door: Door, world: World
    ) -> None:
        plan = {"student_ids": ["p1"], "from": DAY, "to": "2026-03-31", "reason": "Trip"}
        await world.core.act(world.office, "attendance.plan", plan)
        page = (await door.get("/api/students/p1", world.office)).json
        assert {mark["date"] for mark in page["marks"]} == {DAY}
        assert page["totals"] == {"E": 2}


class TestTasks:
    async def test_a_teams_tasks_can_be_narrowed_and_sorted(self, door: Door, world: World) -> None:
        first, second, third = ids(world.tasks)
        for query, found in (
            ("", [first, second, third]),
            ("?priority=high", [first]),
            ("?assignee=member", [first]),
            ("?label=shop", [second]),
            ("?status=done", []),
            ("?q=CHALK", [second]),
            ("?due_before=2026-03-02T00:00:00Z", [third]),
            ("?due_after=2026-03-02T00:00:00Z", []),
            ("?sort=-created_at", [third, second, first]),
            ("?sort=priority", [first, second, third]),
            ("?status=open&priority=normal&q=plumb", [third]),
            ("?q=%25", []),
            ("?label=%24gt", []),
        ):
            reply = await door.get(f"/api/teams/t1/tasks{query}", world.member)
            assert ids(reply.items) == found, query
        assert ids(await pages(door, "/api/teams/t1/tasks", world.lead, 2)) == [first, second, third]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("status=nope", "status"),
            ("priority=1", "priority"),
            ("assignee=$gt", "assignee"),
            ("due_before=tomorrow", "due_before"),
            ("sort=title", "sort"),
            ("q=", "q"),
            ("status[$ne]=done", "status[$ne]"),
            ("$where=1", "$where"),
        ],
    )
    async def test_a_wrong_filter_is_named(self, door: Door, world: World, query: str, field: str) -> None:
        for path in ("/api/teams/t1/tasks", "/api/tasks"):
            reply = await door.get(f"{path}?{query}", world.member)
            assert reply.code == (422, "invalid")
            assert reply.error["fields"].keys() == {field}

    async def test_own_tasks_are_those_one_is_an_assignee_of(self, door: Door, world: World) -> None:
        assert ids((await door.get("/api/tasks", world.member)).items) == ids(world.tasks)[:1]
        assert (await door.get("/api/tasks", world.lead)).items == []

    async def test_a_task_comes_with_its_comments(self, door: Door, world: World) -> None:
        id = world.tasks[0]["id"]
        for text in ("One", "Two", "Three"):
            await world.core.act(world.member, "task.comment", {"task_id": id, "text": text})
        assert (await door.get(f"/api/tasks/{id}", world.member)).json == world.tasks[0]
        comments = await pages(door, f"/api/tasks/{id}/comments", world.lead, 2)
        assert [comment["text"] for comment in comments] == ["One", "Two", "Three"]

    async def test_a_deleted_task_is_not_found(self, door: Door, world: World) -> None:
        id = world.tasks[0]["id"]
        await world.core.act(world.lead, "task.delete", {"task_id": id})
        assert (await door.get(f"/api/tasks/{id}", world.lead)).code == (404, "not_found")

    async def test_stats_count_a_teams_tasks_or_ones_own(self, door: Door, world: World) -> None:
        team = (await door.get("/api/tasks/stats?team_id=t1", world.member)).json
        assert (team["by_status"]["open"], team["overdue"], team["by_assignee"]) == (3, 1, {"member": 1})
        own = (await door.get("/api/tasks/stats", world.member)).json
        assert (own["by_status"]["open"], own["overdue"]) == (1, 0)


class TestTopics:
    async def test_are_those_the_actor_may_subscribe_to(self, door: Door, world: World) -> None:
        items = (await door.get("/api/topics", world.teacher)).items
        assert items == [
            {"topic": "user:teacher", "name": "Teacher"},
            {"topic": "class:c1", "name": "Class c1"},
        ]
        whole = (await door.get("/api/topics", world.admin)).items
        assert await pages(door, "/api/topics", world.admin, 2) == whole
        assert len(whole) == 1 + 2 * 2 + 2 + 1

    async def test_each_of_them_has_a_snapshot(self, door: Door, world: World) -> None:
        for by in (world.admin, world.teacher, world.lead):
            for item in (await door.get("/api/topics", by)).items:
                snapshot = (await door.get(f"/api/topics/{item['topic']}", by)).json
                assert snapshot.keys() == {"topic", "position", "records"}
                assert snapshot["topic"] == item["topic"]

    async def test_a_snapshot_is_what_the_journal_adds_up_to(self, door: Door, world: World) -> None:
        made = await mark(world, "p1", "A")
        snapshot = (await door.get(f"/api/topics/school:s1?date={DAY}", world.viewer)).json
        head = (await world.core.storage.heads(["school:s1"]))["school:s1"]
        assert snapshot["position"] == {"epoch": world.core.storage.epoch, "seq": head}
        assert made in snapshot["records"]
        assert {record["kind"] for record in snapshot["records"]} == {
            "school",
            "class",
            "register",
            "tally",
            "mark",
            "summary",
        }
        other = (await door.get("/api/topics/school:s1?date=2026-02-27", world.viewer)).json
        assert {record["kind"] for record in other["records"]} == {"school", "class"}

    async def test_the_same_snapshot_is_written_once_for_everybody(self, door: Door, world: World) -> None:
        first = await door.get("/api/topics/school:s1", world.viewer)
        assert (await door.get("/api/topics/school:s1", world.head)).body == first.body
        await mark(world, "p1", "A")
        assert (await door.get("/api/topics/school:s1", world.head)).body != first.body

    @pytest.mark.parametrize(
        "topic", ["nope", "nope:x", "school", "school:", "school:a.b", "org:x", ":", "$"]
    )
    async def test_what_is_no_topic_is_invalid(self, door: Door, world: World, topic: str) -> None:
        assert (await door.get(f"/api/topics/{topic}", world.admin)).code == (422, "invalid")


class TestJournal:
    async def test_is_the_audit_trail_in_order(self, door: Door, world: World) -> None:
        await mark(world, "p1", "A")
        entries = await pages(door, "/api/journal/school:s1", world.office, 4)
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        assert entries == [entry.to_wire() for entry in world.core.entries("school:s1")]
        assert entries[0].keys() == {"room", "seq", "type", "data", "by", "at", "op_id"}
        [entry] = [entry for entry in entries if entry["type"] == "attendance.mark"]
        assert (entry["by"], entry["data"]["code"]) == ("office", "A")

    async def test_starts_behind_a_seq(self, door: Door, world: World) -> None:
        reply = await door.get("/api/journal/school:s1?after=3&limit=2", world.head)
        assert [entry["seq"] for entry in reply.items] == [4, 5]
        assert (await door.get("/api/journal/school:s1?after=99999", world.head)).items == []
        assert (await door.get(f"/api/journal/school:s1?after={2**53 - 1}", world.head)).items == []
        for wrong in ("after=-1", "after=x", f"after={2**53}", "after=1&cursor=WzFd"):
            reply = await door.get(f"/api/journal/school:s1?{wrong}", world.head)
            assert reply.error["fields"].keys() == {"after"}

    async def test_of_one_record_is_its_history(self, door: Door, world: World) -> None:
        made = await mark(world, "p1", "A")
        await mark(world, "p2", "P")
        await mark(world, "p1", "P")
        for by in (world.office, world.teacher):
            reply = await door.get(f"/api/journal/school:s1?record={made['id']}", by)
            assert [entry["data"]["code"] for entry in reply.items] == ["A", "P"]

    async def test_of_a_mark_is_open_to_the_teacher_of_the_class_alone(
        self, door: Door, world: World
    ) -> None:
        made = await mark(world, "p1", "A")
        for by in (world.colleague, world.viewer, world.other_teacher, world.stranger):
            reply = await door.get(f"/api/journal/school:s1?record={made['id']}", by)
            assert reply.code == (403, "forbidden")
        assert (await door.get("/api/journal/school:s1?record=p1", world.teacher)).code == (403, "forbidden")

    async def test_of_ones_own_room_tells_of_sign_ins(self, door: Door, world: World) -> None:
        entries = (await door.get("/api/journal/user:stranger", world.stranger)).items
        assert [(entry["type"], entry["by"]) for entry in entries] == [("user.login", "stranger")]


class TestConditionalReads:
    async def test_a_client_that_has_it_is_told_so_until_it_changes(self, door: Door, world: World) -> None:
        for path in (
            "/api/schools",
            "/api/schools/s1",
            "/api/schools/s1/classes",
            "/api/schools/s1/registers",
            "/api/schools/s1/summary",
            "/api/summary",
            "/api/classes/c1",
            "/api/classes/c1/students",
            SHEET,
            "/api/teams",
            "/api/teams/t1/tasks",
            "/api/tasks",
            f"/api/tasks/{world.tasks[0]['id']}",
            "/api/topics",
            "/api/topics/school:s1",
            "/api/topics/class:c1",
            "/api/topics/team:t1",
            "/api/topics/org",
        ):
            first = await door.get(path, world.admin)
            etag = first.headers["ETag"]
            assert etag.startswith('W/"'), path
            for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
                reply = await door.get(path, world.admin, headers={"If-None-Match": known})
                assert (reply.status, reply.body) == (304, b""), (path, known)
                assert reply.headers["ETag"] == etag
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
            for unknown in ('"other"', "garbage", ""):
                reply = await door.get(path, world.admin, headers={"If-None-Match": unknown})
                assert (reply.status, reply.body) == (200, first.body), (path, unknown)

    async def test_every_change_shows(self, door: Door, world: World) -> None:
        async def known(path: str) -> dict[str, str]:
            return {"If-None-Match": (await door.get(path, world.admin)).headers["ETag"]}

        attendance = (SHEET, "/api/schools/s1/registers", "/api/schools/s1/summary", "/api/summary")
        before = {path: await known(path) for path in (*attendance, "/api/topics/summary:s1")}
        await mark(world, "p1", "A")
        for path, headers in before.items():
            assert (await door.get(path, world.admin, headers=headers)).status == 200, path
        before = {path: await known(path) for path in ("/api/schools", "/api/schools/s1", "/api/topics/org")}
        rename = {"school_id": "s1", "set": {"name": "Another name"}}
        await world.core.act(world.admin, "school.update", rename)
        for path, headers in before.items():
            reply = await door.get(path, world.admin, headers=headers)
            assert reply.status == 200, path
            assert b"Another name" in reply.body

    async def test_the_day_is_part_of_it(self, door: Door, world: World) -> None:
        for path in ("/api/schools/s1/summary", "/api/topics/school:s1", "/api/classes/c1/students"):
            etag = (await door.get(path, world.head)).headers["ETag"]
            assert (await door.get(f"{path}?date={DAY}", world.head)).headers["ETag"] == etag
            other = await door.get(f"{path}?date=2026-02-27", world.head, headers={"If-None-Match": etag})
            assert other.status == 200

    async def test_a_new_day_is_a_new_answer(self, door: Door, world: World) -> None:
        path = "/api/schools/s1/summary"
        etag = (await door.get(path, world.head)).headers["ETag"]
        world.core.clock.move(minutes=14)
        assert (await door.get(path, world.head, headers={"If-None-Match": etag})).status == 304
        world.core.clock.move(days=1)
        door._tokens.clear()
        reply = await door.get(path, world.head, headers={"If-None-Match": etag})
        assert (reply.status, reply.json["date"]) == (200, "2026-03-03")
