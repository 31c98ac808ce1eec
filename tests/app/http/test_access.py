"""Who may read what: every route against every role, deny by default."""

from __future__ import annotations

from tests.app.client import Door
from tests.app.world import World

EVERYBODY = (
    "admin",
    "head",
    "office",
    "viewer",
    "teacher",
    "colleague",
    "stranger",
    "other_head",
    "other_teacher",
    "lead",
    "member",
    "outsider",
)
SCHOOL = {"admin", "head", "office", "viewer"}
TEACHERS = {"teacher", "colleague"}
TEAM = {"admin", "lead", "member"}

READERS: dict[str, tuple[set[str], int]] = {
    "/api/users/me": (set(EVERYBODY), 0),
    "/api/users": ({"admin", "head", "other_head"}, 403),
    "/api/schools": (set(EVERYBODY), 0),
    "/api/schools/s1": (SCHOOL | TEACHERS, 403),
    "/api/schools/s1/classes": (SCHOOL, 403),
    "/api/schools/s1/registers": (SCHOOL, 403),
    "/api/schools/s1/absences": (SCHOOL, 403),
    "/api/schools/s1/summary": (SCHOOL, 403),
    "/api/summary": (set(EVERYBODY), 0),
    "/api/classes/c1": (SCHOOL | {"teacher"}, 403),
    "/api/classes/c1/students": (SCHOOL | {"teacher"}, 403),
    "/api/classes/c1/registers/2026-03-02/1": (SCHOOL | {"teacher"}, 403),
    "/api/students/p1": (SCHOOL | {"teacher"}, 404),
    "/api/teams": (set(EVERYBODY), 0),
    "/api/teams/t1/tasks": (TEAM, 403),
    "/api/tasks": (set(EVERYBODY), 0),
    "/api/tasks/task-1": (TEAM, 404),
    "/api/tasks/task-1/comments": (TEAM, 404),
    "/api/tasks/stats": (set(EVERYBODY), 0),
    "/api/tasks/stats?team_id=t1": (TEAM, 403),
    "/api/topics": (set(EVERYBODY), 0),
    "/api/topics/org": ({"admin"}, 403),
    "/api/topics/school:s1": (SCHOOL, 403),
    "/api/topics/summary:s1": (SCHOOL, 403),
    "/api/topics/class:c1": (SCHOOL | {"teacher"}, 403),
    "/api/topics/team:t1": (TEAM, 403),
    "/api/topics/user:member": ({"member"}, 403),
    "/api/journal/org": ({"admin"}, 403),
    "/api/journal/school:s1": ({"admin", "head", "office"}, 403),
    "/api/journal/team:t1": (TEAM, 403),
    "/api/journal/user:member": ({"member"}, 403),
}
"""Who gets 200, and what all others get."""


async def test_each_route_answers_those_whose_role_reaches_it_and_nobody_else(
    door: Door, world: World
) -> None:
    for path, (readers, refused) in READERS.items():
        for name in EVERYBODY:
            reply = await door.get(path, getattr(world, name))
            expected = 200 if name in readers else refused
            assert reply.status == expected, f"{path} by {name}: {reply.body.decode()[:200]}"
            if expected != 200:
                assert reply.error["code"] == {403: "forbidden", 404: "not_found"}[expected]


async def test_what_is_not_there_looks_to_outsiders_like_what_is_out_of_reach(
    door: Door, world: World
) -> None:
    for there, gone in (
        ("/api/schools/s1", "/api/schools/s9"),
        ("/api/schools/s1/summary", "/api/schools/s9/summary"),
        ("/api/teams/t1/tasks", "/api/teams/t9/tasks"),
        ("/api/students/p1", "/api/students/p9"),
        ("/api/tasks/task-1", "/api/tasks/task-9"),
        ("/api/topics/school:s1", "/api/topics/school:s9"),
        ("/api/classes/c1", "/api/classes/c9"),
    ):
        for by in (world.stranger, world.outsider):
            first, second = await door.get(there, by), await door.get(gone, by)
            assert first.code == second.code
            names = {"s1": "s9", "t1": "t9", "p1": "p9", "task-1": "task-9", "c1": "c9"}
            message = first.error["message"]
            for old, new in names.items():
                message = message.replace(old, new)
            assert second.error["message"] == message


async def test_what_is_not_there_is_not_found_within_reach(door: Door, world: World) -> None:
    for path in (
        "/api/schools/s9",
        "/api/schools/s9/classes",
        "/api/classes/c9",
        "/api/classes/c9/students",
        "/api/classes/c9/registers/2026-03-02/1",
        "/api/teams/t9/tasks",
        "/api/topics/class:c9",
        "/api/topics/team:t9",
        "/api/journal/school:s9",
        "/api/journal/class:c1",
    ):
        assert (await door.get(path, world.admin)).code == (404, "not_found"), path
    for by in (world.head, world.viewer):
        assert (await door.get("/api/classes/c9", by)).code == (404, "not_found")


async def test_a_role_that_is_taken_away_reaches_nothing_any_more(door: Door, world: World) -> None:
    assert (await door.get("/api/schools/s1/summary", world.viewer)).status == 200
    await door.core.act(world.admin, "user.set_roles", {"user_id": "viewer", "roles": []})
    assert (await door.get("/api/schools/s1/summary", world.viewer)).code == (403, "forbidden")
    stale = await door.get("/api/schools/s1/summary", world.admin)
    tag = {"If-None-Match": stale.headers["ETag"]}
    assert (await door.get("/api/schools/s1/summary", world.viewer, headers=tag)).status == 403
