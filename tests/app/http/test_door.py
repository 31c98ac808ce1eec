"""What holds at every route: one error body, request ids, limits, headers, and who may come in."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from yarl import URL

import app.http.body
from app.http.route import ROUTES, Token
from models.actor import Actor
from models.ports import StorageLost
from tests.app.client import Door
from tests.app.world import World

MARK = "/api/classes/c1/registers/2026-03-02/1"
ADDRESSES = {
    "school_id": "s1",
    "class_id": "c1",
    "student_id": "p1",
    "team_id": "t1",
    "task_id": "task-1",
    "date": "2026-03-02",
    "period": "1",
    "topic": "school:s1",
    "room": "school:s1",
    "asset": "docs.js",
}
GETS = [route for route in ROUTES if route.method == "GET"]


def address(path: str, **parts: str) -> str:
    """A route's address with its variable parts filled in."""
    return re.sub(r"\{(\w+)\}", lambda match: {**ADDRESSES, **parts}[match[1]], path)


class TestErrors:
    async def test_an_unknown_address_is_not_found(self, door: Door, world: World) -> None:
        for path in ("/", "/api", "/api/nope", "/api/schools/", "/api/schools/s1/nope", "/metrics/../x"):
            assert (await door.get(path, world.admin)).code == (404, "not_found")

    async def test_another_method_is_invalid_and_told_what_there_is(self, door: Door) -> None:
        reply = await door.request("DELETE", "/api/users/me")
        assert reply.code == (405, "invalid")
        assert set(reply.headers["Allow"].split(",")) == {"GET", "HEAD", "PATCH"}
        reply = await door.get("/api/actions")
        assert reply.code == (405, "invalid")
        assert reply.headers["Allow"] == "POST"

    async def test_what_nobody_foresaw_is_internal_and_logged_with_the_id_that_it_names(
        self, door: Door, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*args: Any) -> Any:
            raise ZeroDivisionError("the secret detail")

        monkeypatch.setattr(door.core.core.topics, "of", broken)
        reply = await door.get("/api/topics", world.admin, headers={"X-Request-Id": "my-request.1"})
        assert reply.code == (500, "internal")
        assert "my-request.1" in reply.error["message"]
        assert "secret detail" not in reply.body.decode()
        [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "my-request.1" in record.getMessage()
        assert "the secret detail" in caplog.text

    async def test_a_lost_storage_is_unavailable_and_worth_a_retry(
        self, door: Door, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = await door.token(world.admin)

        async def lost(*args: Any, **kwargs: Any) -> Any:
            raise StorageLost("the disk is gone")

        for name in ("find", "get", "heads", "load", "locate", "read", "append", "ping"):
            monkeypatch.setattr(door.core.storage, name, lost)
        headers = {"Authorization": f"Bearer {token}"}
        door.core.clock.move(seconds=6)
        for path in ("/api/schools", "/api/users/me", "/readyz", "/api/journal/org"):
            reply = await door.get(path, headers=headers)
            assert reply.code == (503, "unavailable")
            assert reply.error["retry_after"] == 1.0
            assert reply.headers["Retry-After"] == "1"
            assert "disk" not in reply.body.decode()
        sign_in = {"email": "admin@example.test", "password": "x"}
        assert (await door.post("/api/users/authenticate", sign_in)).code == (503, "unavailable")
        assert (await door.get("/healthz")).json == {"status": "ok"}


class TestRequestIds:
    async def test_every_answer_has_one_of_its_own(self, door: Door) -> None:
        ids = {(await door.get(path)).headers["X-Request-Id"] for path in ("/healthz", "/healthz", "/nope")}
        assert len(ids) == 3

    async def test_a_sane_one_is_taken_over(self, door: Door) -> None:
        reply = await door.get("/healthz", headers={"X-Request-Id": "trace_1.a-B"})
        assert reply.headers["X-Request-Id"] == "trace_1.a-B"

    async def test_any_other_is_replaced(self, door: Door) -> None:
        for given in ("", "a b", "x" * 65, "<script>", 'a"b', "é"):
            reply = await door.get("/healthz", headers={"X-Request-Id": given})
            assert re.fullmatch(r"q-\d+", reply.headers["X-Request-Id"]), given


class TestHeaders:
    async def test_every_answer_is_guarded(self, door: Door) -> None:
        for path in ("/healthz", "/nope", "/api/users/me", "/api/docs", "/api/openapi.json"):
            headers = (await door.get(path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["Server"] == "Rollcall"

    async def test_personal_data_is_not_stored(self, door: Door, world: World) -> None:
        for path in ("/api/users/me", "/api/users", "/api/students/p1", "/api/journal/org", "/nope"):
            assert (await door.get(path, world.admin)).headers["Cache-Control"] == "no-store"

    async def test_what_has_an_etag_may_be_kept_by_its_reader_alone(self, door: Door, world: World) -> None:
        headers = (await door.get(MARK, world.admin)).headers
        assert headers["Cache-Control"] == "private, no-cache"
        assert headers["Vary"] == "Authorization, Cookie, Accept-Encoding"

    async def test_a_head_request_gets_the_headers_alone(self, door: Door, world: World) -> None:
        reply = await door.request("HEAD", MARK, by=world.admin)
        assert (reply.status, reply.body) == (200, b"")
        assert reply.headers["ETag"] == (await door.get(MARK, world.admin)).headers["ETag"]
        assert (await door.request("HEAD", MARK)).status == 401


class TestCompression:
    async def test_large_answers_are_compressed_for_who_takes_it(self, door: Door, world: World) -> None:
        token = f"Bearer {await door.token(world.admin)}"
        for accepted, zipped in (
            ("gzip", True),
            ("br, gzip;q=0.5", True),
            ("GZIP", True),
            ("deflate", False),
            ("", False),
            ("gzip;q=0", False),
            ("gzip; q=0.0", False),
            ("identity", False),
        ):
            for path in ("/api/schools/s1", "/api/topics/school:s1", "/api/openapi.json"):
                headers = {"Accept-Encoding": accepted, "Authorization": token}
                async with door.client.get(path, headers=headers, auto_decompress=False) as response:
                    body = await response.read()
                    assert (response.headers.get("Content-Encoding") == "gzip") == zipped, accepted
                    assert orjson.loads(gzip.decompress(body) if zipped else body)

    async def test_small_answers_and_tokens_are_not(self, door: Door, world: World) -> None:
        headers = {"Accept-Encoding": "gzip"}
        sign_in = {"email": "admin@example.test", "password": "correct horse battery"}
        many = [("viewer", f"school:s{number}") for number in range(100)]
        await door.identity.account("many", roles=many)
        for reply in (
            await door.get("/healthz", headers=headers),
            await door.post("/api/users/authenticate", sign_in, headers=headers),
            await door.post(
                "/api/users/authenticate", {**sign_in, "email": "many@example.test"}, headers=headers
            ),
        ):
            assert reply.status == 200
            assert "Content-Encoding" not in reply.headers


class TestBodies:
    async def post(self, door: Door, admin: Actor, data: Any, **headers: str) -> Any:
        return await door.post(
            "/api/actions",
            by=admin,
            data=data,
            headers={"Content-Type": "application/json", **headers},
        )

    async def test_what_cannot_be_read_is_invalid(self, door: Door, admin: Actor) -> None:
        for data in (
            b"{",
            b"nonsense",
            b'{"type": NaN}',
            b'{"type": Infinity}',
            b"{'type': 1}",
            b'{"type": "\xff"}',
            b'{"type": "\\ud800"}',
            b'{"type": 1} {"type": 2}',
            b'{"type": 1,}',
            b'\xef\xbb\xbf{"type": 1}',
            b"[" * 100_000,
            b'{"type": "a", "type": "b"}',
            b'{"type": "a", "payload": {"list": [{"x": 1, "x": 1}]}}',
            b'{"type": "a", "\\u0074ype": "b"}',
        ):
            assert (await self.post(door, admin, data)).code == (400, "invalid"), data[:60]

    async def test_what_is_no_object_is_invalid(self, door: Door, admin: Actor) -> None:
        for data in (b"[]", b'"text"', b"5", b"null", b"true"):
            assert (await self.post(door, admin, data)).code == (422, "invalid"), data

    async def test_colons_and_quotes_in_texts_are_no_names(self, door: Door, admin: Actor) -> None:
        for data in (
            rb'{"type": "a:b\":\\"}',
            rb'{"a\":b": {}, "c": [":", "\\", {":": ":"}]}',
            b'{"":{"":{}}}',
        ):
            assert (await self.post(door, admin, data)).code == (422, "invalid"), data

    async def test_twenty_levels_are_read_and_one_more_is_not(self, door: Door, admin: Actor) -> None:
        def nested(levels: int) -> bytes:
            return b'{"payload": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

        assert "deeper" not in (await self.post(door, admin, nested(20))).error["message"]
        for levels in (21, 500):
            reply = await self.post(door, admin, nested(levels))
            assert reply.code == (422, "invalid")
            assert "20 levels" in reply.error["message"]

    async def test_another_type_is_refused(self, door: Door, admin: Actor) -> None:
        form = "application/x-www-form-urlencoded"
        for kind in ("text/plain", form, "application/json; charset=latin-1", "x", ""):
            headers = {"Content-Type": kind}
            reply = await door.post("/api/actions", by=admin, data=b"{}", headers=headers)
            assert reply.code == (415, "invalid"), kind

    async def test_the_type_may_name_its_charset(self, door: Door, admin: Actor) -> None:
        kind = "application/json; charset=UTF-8"
        reply = await door.post("/api/actions", by=admin, data=b"{}", headers={"Content-Type": kind})
        assert reply.code == (422, "invalid")

    async def test_a_body_of_256_kib_is_read_and_a_byte_more_is_not(self, door: Door, admin: Actor) -> None:
        def sized(size: int) -> bytes:
            return b'{"type": "' + b"x" * (size - 12) + b'"}'

        assert len(sized(1_000)) == 1_000
        assert (await self.post(door, admin, sized(256 * 1024))).code == (422, "invalid")
        assert (await self.post(door, admin, sized(256 * 1024 + 1))).code == (413, "too_large")

    async def test_ten_megabytes_are_refused_however_they_come(self, door: Door, admin: Actor) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(160):
                yield b" " * 65_536

        big = b" " * 10_485_760
        assert (await self.post(door, admin, io.BytesIO(big))).code == (413, "too_large")
        assert (await self.post(door, admin, chunks())).code == (413, "too_large")
        bomb = await self.post(door, admin, gzip.compress(big), **{"Content-Encoding": "gzip"})
        assert bomb.code == (413, "too_large")
        assert (await door.get("/api/users/me", admin)).status == 200

    async def test_a_body_that_waits_to_be_asked_for_is_asked_for(self, door: Door, admin: Actor) -> None:
        reply = await door.post("/api/actions", by=admin, json={"type": "nope"}, expect100=True)
        assert reply.error["fields"].keys() == {"type"}
        reply = await door.post("/api/actions", {"type": "nope"}, admin, headers={"Expect": "wonders"})
        assert reply.error["fields"].keys() == {"type"}

    async def test_a_compressed_body_is_read(self, door: Door, admin: Actor) -> None:
        data = gzip.compress(b'{"type": "nope"}')
        reply = await self.post(door, admin, data, **{"Content-Encoding": "gzip"})
        assert reply.error["fields"].keys() == {"type"}

    async def test_a_body_that_is_not_compressed_as_it_says_is_unreadable(
        self, door: Door, admin: Actor
    ) -> None:
        reply = await self.post(door, admin, b"no gzip at all", **{"Content-Encoding": "gzip"})
        assert reply.code == (400, "invalid")

    async def test_a_body_that_does_not_arrive_is_given_up(
        self, door: Door, admin: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app.http.body, "ARRIVAL", 0.05)
        gone = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b'{"type": '
            await gone.wait()

        sending = asyncio.create_task(self.post(door, admin, slow()))
        reply = await sending
        gone.set()
        assert reply.code == (408, "invalid")


class TestTokens:
    def test_only_these_routes_are_open(self) -> None:
        assert {(route.method, route.path) for route in ROUTES if route.token is not Token.REQUIRED} == {
            ("POST", "/api/users"),
            ("POST", "/api/users/authenticate"),
            ("POST", "/api/users/refresh"),
            *(("POST", f"/api/web/{name}") for name in ("sign-in", "refresh", "sign-out")),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/api/openapi.json"),
            ("GET", "/api/asyncapi.json"),
            ("GET", "/api/docs"),
            ("GET", "/api/docs/{asset}"),
        }

    async def test_every_other_route_asks_for_one(self, door: Door) -> None:
        for route in (route for route in ROUTES if route.token is Token.REQUIRED):
            reply = await door.request(route.method, address(route.path))
            assert reply.code == (401, "unauthenticated"), route.path
            assert reply.headers["WWW-Authenticate"] == "Bearer"

    async def test_a_header_without_a_good_token_is_refused(self, door: Door) -> None:
        for header in ("", "Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Token x", "Bearer a.b.c d"):
            for method, path in (("GET", "/api/users/me"), ("POST", "/api/users")):
                reply = await door.request(method, path, headers={"Authorization": header})
                assert reply.code == (401, "unauthenticated"), header

    async def test_the_scheme_is_read_in_any_case(self, door: Door, admin: Actor) -> None:
        token = await door.token(admin)
        assert (await door.get("/api/users/me", headers={"Authorization": f"bEARER  {token}"})).status == 200

    async def test_an_expired_token_is_refused(self, door: Door, admin: Actor) -> None:
        await door.token(admin)
        door.core.clock.move(minutes=15)
        assert (await door.get("/api/users/me", admin)).code == (401, "unauthenticated")

    async def test_a_disabled_user_is_refused_at_once(self, door: Door, world: World) -> None:
        assert (await door.get("/api/users/me", world.viewer)).status == 200
        await door.core.act(world.admin, "user.disable", {"user_id": "viewer"})
        assert (await door.get("/api/users/me", world.viewer)).code == (401, "unauthenticated")


class TestParameters:
    async def test_an_unknown_one_is_invalid_and_named(self, door: Door, world: World) -> None:
        for route in GETS:
            reply = await door.get(f"{address(route.path)}?nope=1", world.admin)
            assert reply.code == (422, "invalid"), route.path
            assert reply.error["fields"].keys() == {"nope"}
            assert "nope" in reply.error["message"]

    async def test_one_that_comes_twice_is_invalid(self, door: Door, admin: Actor) -> None:
        reply = await door.get("/api/schools?limit=1&limit=2", admin)
        assert reply.error["fields"] == {"limit": ["is given more than once"]}

    async def test_a_page_has_1_to_500_items(self, door: Door, world: World) -> None:
        wrong = ["0", "501", "-1", "1.5", "ten", "", "1_0", "+1", " 1", "９", "9" * 30]
        for route in (route for route in GETS if "limit" in route.query.fields):
            path = address(route.path)
            for limit in wrong:
                reply = await door.request("GET", path, by=world.admin, params={"limit": limit})
                assert reply.code == (422, "invalid"), (path, limit)
                assert reply.error["fields"].keys() == {"limit"}
            for limit in ("1", "500"):
                reply = await door.request("GET", path, by=world.admin, params={"limit": limit})
                assert len(reply.items) <= int(limit)

    async def test_a_cursor_that_no_list_has_given_out_is_invalid(self, door: Door, world: World) -> None:
        values: list[Any] = [{}, [], [1.5], [True], [[]], [{"$gt": ""}], [1e100], [2**63], [-(2**63)]]
        values += [list("nine char"), list("sixsix")]
        encoded = [base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=") for value in values]
        wrong = ["garbage", "", "=", "WyJ", "A" * 5_000, *encoded]
        for route in (route for route in GETS if "cursor" in route.query.fields):
            path = address(route.path)
            for cursor in wrong:
                reply = await door.request("GET", path, by=world.admin, params={"cursor": cursor})
                assert reply.code == (422, "invalid"), (path, cursor)
                assert reply.error["fields"].keys() == {"cursor"}

    async def test_what_can_be_no_id_is_never_looked_up(self, door: Door, world: World) -> None:
        token = f"Bearer {await door.token(world.admin)}"
        routes = [route for route in ROUTES if route.parts().keys() - {"asset"}]
        for part, refused in (
            ("$gt", (422, "invalid")),
            ("a.b", (422, "invalid")),
            ("%00", (422, "invalid")),
            ("x" * 65, (422, "invalid")),
            ("a%20b", (422, "invalid")),
            ("'%20or%201=1--", (422, "invalid")),
            ("%F0%9F", (422, "invalid")),
            ("%7B%22$gt%22:%22%22%7D", (404, "not_found")),
            ("..%2F..%2Fetc", (422, "invalid")),
        ):
            for route in routes:
                url = URL(address(route.path, **dict.fromkeys(ADDRESSES, part)), encoded=True)
                headers = {"Authorization": token}
                async with door.client.request(route.method, url, headers=headers) as response:
                    body = orjson.loads(await response.read())
                    assert (response.status, body["error"]["code"]) == refused, url

    async def test_a_day_is_a_date(self, door: Door, world: World) -> None:
        for path in (
            "/api/classes/c1/students",
            "/api/schools/s1/registers",
            "/api/schools/s1/summary",
            "/api/summary",
            "/api/topics/school:s1",
        ):
            for date in ("2026-02-30", "02-03-2026", "20260302", "today", "", "2026-3-2", "$gt"):
                reply = await door.request("GET", path, by=world.admin, params={"date": date})
                assert reply.code == (422, "invalid"), (path, date)
                assert reply.error["fields"].keys() == {"date"}
