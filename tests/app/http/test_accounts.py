"""Accounts by HTTP: signing in and out, the own profile, the list of users."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from models.actor import Actor
from tests.app.client import Door, Reply
from tests.app.identity import PASSWORD
from tests.app.world import World

PROFILE = {"id", "email", "name", "roles", "disabled", "preferences"}
TWO_TEXTS = "WyJhIiwiYiJd"  # ["a","b"]


async def sign_in(door: Door, email: str = "admin@example.test", password: str = PASSWORD) -> Reply:
    return await door.post("/api/users/authenticate", {"email": email, "password": password})


def bearer(grant: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {grant['access_token']}"}


class TestSigningIn:
    async def test_gives_what_the_other_routes_take(self, door: Door, admin: Actor) -> None:
        reply = await sign_in(door, "Admin@Example.Test")
        assert reply.status == 200
        grant = reply.json
        assert grant.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "user"}
        assert (grant["token_type"], grant["expires_in"]) == ("Bearer", 900)
        assert grant["user"].keys() == PROFILE
        assert (await door.get("/api/users/me", headers=bearer(grant))).json == grant["user"]
        assert reply.headers["Cache-Control"] == "no-store"

    async def test_is_refused_alike_for_a_wrong_password_and_an_unknown_address(
        self, door: Door, admin: Actor
    ) -> None:
        first = await sign_in(door, password="wrong")
        second = await sign_in(door, "nobody@example.test")
        assert first.code == second.code == (401, "unauthenticated")
        assert first.body == second.body

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({}, {"email", "password"}),
            ({"email": "a@b.test", "password": None}, {"password"}),
            ({"email": {"$gt": ""}, "password": {"$gt": ""}}, {"email", "password"}),
            ({"email": ["a@b.test"], "password": 5}, {"email", "password"}),
            ({"email": "a" * 255, "password": "p" * 1_001}, {"email", "password"}),
            ({"email": "a@b.test", "password": "p", "more": 1}, {"more"}),
        ],
    )
    async def test_names_what_is_wrong_with_the_request(
        self, door: Door, body: dict[str, Any], fields: set[str]
    ) -> None:
        reply = await door.post("/api/users/authenticate", body)
        assert reply.code == (422, "invalid")
        assert reply.error["fields"].keys() == fields

    async def test_leaves_no_secret_in_logs_or_refusals(
        self, door: Door, admin: Actor, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        grant = (await sign_in(door)).json
        refused = await sign_in(door, password="a secret of mine")
        renewed = (await door.post("/api/users/refresh", {"refresh_token": grant["refresh_token"]})).json
        again = await door.post("/api/users/refresh", {"refresh_token": grant["refresh_token"]})
        assert again.code == (401, "unauthenticated")
        for secret in (PASSWORD, "a secret of mine", *grant.values(), renewed["refresh_token"]):
            if isinstance(secret, str) and secret != "Bearer":
                assert secret not in caplog.text
                assert secret.encode() not in refused.body + again.body


class TestRefreshing:
    async def test_exchanges_a_token_once(self, door: Door, admin: Actor) -> None:
        first = (await sign_in(door)).json
        door.core.clock.move(minutes=16)
        assert (await door.get("/api/users/me", headers=bearer(first))).status == 401
        reply = await door.post("/api/users/refresh", {"refresh_token": first["refresh_token"]})
        assert reply.status == 200
        assert reply.json.keys() == first.keys()
        assert (await door.get("/api/users/me", headers=bearer(reply.json))).status == 200
        again = await door.post("/api/users/refresh", {"refresh_token": first["refresh_token"]})
        assert again.code == (401, "unauthenticated")
        assert (await door.get("/api/users/me", headers=bearer(reply.json))).status == 401

    @pytest.mark.parametrize(
        "body", [{}, {"refresh_token": None}, {"refresh_token": {"$gt": ""}}, {"refresh_token": "x" * 201}]
    )
    async def test_takes_a_text(self, door: Door, body: dict[str, Any]) -> None:
        reply = await door.post("/api/users/refresh", body)
        assert reply.code == (422, "invalid")
        assert reply.error["fields"].keys() == {"refresh_token"}


class TestSigningOut:
    async def test_ends_this_session(self, door: Door, admin: Actor) -> None:
        stays, ends = (await sign_in(door)).json, (await sign_in(door)).json
        reply = await door.post("/api/users/logout", headers=bearer(ends))
        assert (reply.status, reply.json) == (200, {"ok": True})
        assert (await door.get("/api/users/me", headers=bearer(ends))).status == 401
        assert (await door.get("/api/users/me", headers=bearer(stays))).status == 200
        assert (await door.post("/api/users/logout", headers=bearer(ends))).status == 401

    async def test_ends_all_sessions_where_that_is_asked_for(self, door: Door, admin: Actor) -> None:
        one, two = (await sign_in(door)).json, (await sign_in(door)).json
        assert (await door.post("/api/users/logout?all=true", headers=bearer(one))).status == 200
        for grant in (one, two):
            assert (await door.get("/api/users/me", headers=bearer(grant))).status == 401
            refresh = {"refresh_token": grant["refresh_token"]}
            assert (await door.post("/api/users/refresh", refresh)).status == 401

    async def test_ends_the_session_of_a_refresh_token_too(self, door: Door, admin: Actor) -> None:
        one, two = (await sign_in(door)).json, (await sign_in(door)).json
        body = {"refresh_token": two["refresh_token"]}
        assert (await door.post("/api/users/logout?all=false", body, headers=bearer(one))).status == 200
        assert (await door.get("/api/users/me", headers=bearer(two))).status == 401

    @pytest.mark.parametrize("value", ["1", "yes", "", "TRUE"])
    async def test_asks_for_true_or_false(self, door: Door, admin: Actor, value: str) -> None:
        reply = await door.post(f"/api/users/logout?all={value}", by=admin)
        assert reply.code == (422, "invalid")
        assert reply.error["fields"].keys() == {"all"}


NEW = {"email": "New@Example.test", "name": "New Person", "password": "a fine password"}


class TestNewAccounts:
    async def test_are_made_by_an_administrator(self, door: Door, admin: Actor) -> None:
        reply = await door.post("/api/users", {**NEW, "roles": [{"role": "admin", "scope": "org"}]}, admin)
        assert reply.status == 201
        ack = reply.json
        assert ack["data"]["email"] == "new@example.test"
        assert (ack["ok"], ack["room"], ack["duplicate"]) == (True, "org", False)
        assert b"fine password" not in reply.body
        assert b"$2b$" not in reply.body

    async def test_are_made_once_for_one_idempotency_key(self, door: Door, admin: Actor) -> None:
        headers = {"Idempotency-Key": "key-1"}
        first = (await door.post("/api/users", NEW, admin, headers=headers)).json
        again = (await door.post("/api/users", NEW, admin, headers=headers)).json
        assert again == {**first, "duplicate": True, "op_id": "key-1"}
        bad = await door.post("/api/users", NEW, admin, headers={"Idempotency-Key": "a b"})
        assert bad.error["fields"].keys() == {"op_id"}

    async def test_are_not_made_by_others(self, door: Door, world: World) -> None:
        for by in (world.teacher, world.office, world.stranger, world.lead):
            assert (await door.post("/api/users", NEW, by)).code == (403, "forbidden")

    async def test_are_not_made_by_nobody_unless_sign_up_is_on(self, door: Door, admin: Actor) -> None:
        before = len(door.core.commits)
        assert (await door.post("/api/users", NEW)).code == (401, "unauthenticated")
        assert door.core.commits[before:] == []

    async def test_need_a_good_password_and_an_address_of_their_own(self, door: Door, admin: Actor) -> None:
        for change, code, field in (
            ({"password": "short"}, (422, "invalid"), "password"),
            ({"email": "admin@example.test"}, (409, "conflict"), "email"),
            ({"email": {"$gt": ""}}, (422, "invalid"), "email"),
            ({"admin": True}, (422, "invalid"), "admin"),
        ):
            reply = await door.post("/api/users", {**NEW, **change}, admin)
            assert reply.code == code
            assert field in reply.error["fields"]


@pytest.mark.parametrize("sign_up", [True])
class TestSignUp:
    async def test_makes_an_account_without_roles(self, door: Door, admin: Actor) -> None:
        reply = await door.post("/api/users", NEW)
        assert reply.status == 201
        assert reply.json["data"]["roles"] == []
        grant = await sign_in(door, "new@example.test", "a fine password")
        assert (await door.get("/api/topics", headers=bearer(grant.json))).items == [
            {"topic": f"user:{reply.json['data']['id']}", "name": "New Person"}
        ]

    async def test_gives_nobody_a_role(self, door: Door, admin: Actor) -> None:
        roles = [{"role": "admin", "scope": "org"}]
        assert (await door.post("/api/users", {**NEW, "roles": roles})).code == (422, "invalid")
        assert (await door.post("/api/users", {**NEW, "password": None})).code == (422, "invalid")

    async def test_a_bad_token_is_not_taken_for_none(self, door: Door, admin: Actor) -> None:
        reply = await door.post("/api/users", NEW, headers={"Authorization": "Bearer nonsense"})
        assert reply.code == (401, "unauthenticated")


class TestTheOwnAccount:
    async def test_is_the_public_profile(self, door: Door, world: World) -> None:
        me = (await door.get("/api/users/me", world.teacher)).json
        assert me == {
            "id": "teacher",
            "email": "teacher@example.test",
            "name": "Teacher",
            "roles": [{"role": "teacher", "scope": "class:c1"}],
            "disabled": False,
            "preferences": {},
        }

    async def test_is_changed_by_its_owner(self, door: Door, world: World) -> None:
        change = {"name": "Mx Teacher", "preferences": {"theme": "dark"}}
        reply = await door.request("PATCH", "/api/users/me", by=world.teacher, json=change)
        assert reply.status == 200
        assert reply.json["data"]["name"] == "Mx Teacher"
        me = (await door.get("/api/users/me", world.teacher)).json
        assert (me["name"], me["preferences"]) == ("Mx Teacher", {"theme": "dark"})

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"roles": []}, (422, "invalid"), "roles"),
            ({"disabled": False}, (422, "invalid"), "disabled"),
            ({"name": ""}, (422, "invalid"), "name"),
            ({"name": {"$set": 1}}, (422, "invalid"), "name"),
            ({"preferences": {"$where": "1"}}, (422, "invalid"), "preferences"),
            ({"preferences": {"a.b": 1}}, (422, "invalid"), "preferences"),
            ({"set": {"name": "x"}}, (422, "invalid"), "set"),
            ({}, (422, "invalid"), "payload"),
            ({"email": "other@example.test"}, (403, "forbidden"), None),
        ],
    )
    async def test_takes_only_what_may_change(
        self, door: Door, world: World, change: Any, code: tuple[int, str], field: str | None
    ) -> None:
        reply = await door.request("PATCH", "/api/users/me", by=world.teacher, json=change)
        assert reply.code == code
        if field is not None:
            assert field in reply.error["fields"]

    async def test_a_refused_change_names_fields_as_they_were_sent(self, door: Door, world: World) -> None:
        change = {"email": "teacher@example.test"}
        reply = await door.request("PATCH", "/api/users/me", by=world.admin, json=change)
        assert reply.code == (409, "conflict")
        assert reply.error["fields"].keys() == {"email"}


class TestTheUsers:
    async def test_are_listed_by_name_in_pages(self, door: Door, world: World) -> None:
        names: list[str] = []
        cursor = None
        while True:
            params = {"limit": "5"} if cursor is None else {"limit": "5", "cursor": cursor}
            reply = await door.request("GET", "/api/users", by=world.admin, params=params)
            names += [user["name"] for user in reply.items]
            cursor = reply.json["next_cursor"]
            if cursor is None:
                break
        assert names == sorted(names)
        assert len(names) == 12

    async def test_hold_no_secret(self, door: Door, world: World) -> None:
        reply = await door.get("/api/users", world.admin)
        for user in reply.items:
            assert user.keys() == PROFILE | {"kind", "seq", "created_at"}
        assert PASSWORD.encode() not in reply.body
        assert PASSWORD[::-1].encode() not in reply.body

    async def test_of_a_school_are_listed_for_its_administrator(self, door: Door, world: World) -> None:
        found = {user["id"] for user in (await door.get("/api/users", world.head)).items}
        assert found == {"head", "office", "viewer", "teacher", "colleague"}

    async def test_a_cursor_stands_for_a_place_and_not_for_a_right(self, door: Door, world: World) -> None:
        for user in (await door.get(f"/api/users?cursor={TWO_TEXTS}", world.head)).items:
            assert user["id"] not in ("other_head", "other_teacher", "lead")
