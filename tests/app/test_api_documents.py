"""openapi.json, asyncapi.json and the page that shows them: valid, complete, and true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import models.errors
from app.http.documents import ASSETS
from app.http.route import ROUTES
from handlers.dispatch.registry import ACTIONS, ActionSpec
from models.errors import RollcallError
from models.record import KINDS
from tests.app.client import Door
from tests.app.world import DAY, World
from tests.parts.missing import missing
from tests.parts.node import ROOT

ASYNCAPI_SCHEMA = ROOT / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
FROM_ELSEWHERE = re.compile(r"""(https?:)?//[a-z0-9.-]+\.[a-z]+""")


@pytest.fixture
async def http(door: Door) -> dict[str, Any]:
    """openapi.json as it is served."""
    document: dict[str, Any] = (await door.get("/api/openapi.json")).json
    return document


@pytest.fixture
async def socket(door: Door) -> dict[str, Any]:
    """asyncapi.json as it is served."""
    document: dict[str, Any] = (await door.get("/api/asyncapi.json")).json
    return document


def actions() -> list[ActionSpec]:
    """The actions of the product; tests declare more."""
    return [spec for spec in ACTIONS.public() if not spec.handler.__module__.startswith("tests.")]


def named(document: dict[str, Any], name: str) -> Draft202012Validator:
    """A validator of one of the document's named schemas."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return Draft202012Validator(schema)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


class TestOpenApi:
    def test_is_valid(self, http: dict[str, Any]) -> None:
        assert http["openapi"] == "3.1.0"
        assert [error.message for error in OpenAPIV31SpecValidator(http).iter_errors()] == []

    def test_has_every_route_and_no_other(self, http: dict[str, Any], door: Door) -> None:
        described = {(method.upper(), path) for path, methods in http["paths"].items() for method in methods}
        assert described == {(route.method, route.path) for route in ROUTES}
        assert door.client.app is not None
        served = {
            (route.method, route.resource.canonical)
            for route in door.client.app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        assert described == served

    def test_has_every_parameter_with_its_bounds(self, http: dict[str, Any]) -> None:
        for route in ROUTES:
            operation = http["paths"][route.path][route.method.lower()]
            described = {(p["in"], p["name"]) for p in operation["parameters"] if p["in"] != "header"}
            assert described == {("query", name) for name in route.query.fields} | {
                ("path", name) for name in route.parts()
            }
        [limit] = [p for p in http["paths"]["/api/users"]["get"]["parameters"] if p["name"] == "limit"]
        assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}
        assert limit["required"] is False

    def test_says_where_a_token_is_needed(self, http: dict[str, Any]) -> None:
        assert http["paths"]["/healthz"]["get"]["security"] == []
        either: list[dict[str, list[str]]] = [{"access_token": []}, {"access_cookie": [], "page": []}]
        assert http["paths"]["/api/users"]["post"]["security"] == [{}, *either]
        assert http["paths"]["/api/users"]["get"]["security"] == either
        assert http["paths"]["/api/web/refresh"]["post"]["security"] == [{"page": []}]

    def test_has_every_public_action_with_its_payload(self, http: dict[str, Any]) -> None:
        schemas = http["components"]["schemas"]
        described = {ref["$ref"].rpartition("/")[2] for ref in schemas["Action"]["oneOf"]}
        assert {f"action.{spec.type}" for spec in actions()} <= described
        assert not any("user.login" in name or "kit.put" in name for name in schemas)
        for spec in actions():
            envelope = schemas[f"action.{spec.type}"]
            assert envelope["properties"]["type"] == {"const": spec.type}
            assert envelope["description"].startswith(spec.summary)
            payload = schemas[envelope["properties"]["payload"]["$ref"].rpartition("/")[2]]
            assert payload["properties"].keys() == spec.schema.fields.keys(), spec.type
            required = {name for name, field in spec.schema.fields.items() if field.required}
            assert set(payload.get("required", [])) == required, spec.type
            assert payload["additionalProperties"] is False
            assert ("if_seq" in envelope["properties"]) == (spec.about is not None)

    def test_has_every_record_kind_and_every_error_code(self, http: dict[str, Any]) -> None:
        schemas = http["components"]["schemas"]
        assert {ref["$ref"].rpartition("/")[2] for ref in schemas["Record"]["oneOf"]} == {
            f"record.{name}" for name in KINDS
        }
        codes = {
            error.code
            for error in vars(models.errors).values()
            if isinstance(error, type) and issubclass(error, RollcallError)
        }
        assert set(schemas["Error"]["properties"]["code"]["enum"]) == codes

    def test_every_text_is_a_sentence_or_a_name(self, http: dict[str, Any]) -> None:
        for spec in actions():
            assert spec.summary[0].isupper(), spec.type
            assert spec.summary.endswith("."), spec.type
        for route in ROUTES:
            assert route.returns.endswith("."), route.path
            assert not route.summary.endswith("."), route.path

    def test_refers_to_nothing_that_is_not_there(self, http: dict[str, Any], socket: dict[str, Any]) -> None:
        for document in (http, socket):
            for reference in references(document):
                place: Any = document
                for name in reference.removeprefix("#/").split("/"):
                    place = place[name.replace("~1", "/")]

    def test_tells_good_payloads_from_bad_ones(self, http: dict[str, Any]) -> None:
        payload = {"class_id": "c1", "date": DAY, "period": "1", "student_id": "p1", "code": "P"}
        good = {"type": "attendance.mark", "payload": payload, "op_id": "op-1"}
        action = named(http, "Action")
        assert action.is_valid(good)
        for bad in (
            {**good, "type": "nope"},
            {**good, "op_id": "a b"},
            {**good, "more": 1},
            {**good, "payload": {**payload, "more": 1}},
            {**good, "payload": {**payload, "class_id": {"$gt": ""}}},
            {**good, "payload": {"class_id": "c1"}},
        ):
            assert not action.is_valid(bad)


class TestTruth:
    async def test_answers_are_as_openapi_describes_them(
        self, http: dict[str, Any], door: Door, world: World
    ) -> None:
        payload = {"class_id": "c1", "date": DAY, "period": "1", "student_id": "p1", "code": "A"}
        envelope = {"type": "attendance.mark", "payload": payload, "op_id": "op-1"}
        sign_in = {"email": "office@example.test", "password": "correct horse battery"}
        many = {**payload, "code": "P"}
        del many["student_id"]
        for name, reply in (
            ("Ack", await door.post("/api/actions", envelope, world.office)),
            (
                "Ack",
                await door.post(
                    "/api/actions",
                    {"type": "attendance.mark_all", "payload": many, "op_id": "op-2"},
                    world.office,
                ),
            ),
            ("Refusal", await door.post("/api/actions", {**envelope, "op_id": ""}, world.office)),
            ("Failure", await door.get("/api/schools/s1", world.stranger)),
            ("Grant", await door.post("/api/users/authenticate", sign_in)),
            ("Profile", await door.get("/api/users/me", world.office)),
        ):
            named(http, name).validate(reply.json)
        for entry in (await door.get("/api/journal/school:s1", world.office)).items:
            named(http, "Entry").validate(entry)
        for record in (await door.get("/api/topics/school:s1", world.office)).json["records"]:
            named(http, "Record").validate(record)

    async def test_every_get_answers_with_the_described_shape(
        self, http: dict[str, Any], door: Door, world: World
    ) -> None:
        parts = {"school_id": "s1", "class_id": "c1", "student_id": "p1", "team_id": "t1", "date": DAY}
        parts |= {"task_id": world.tasks[0]["id"], "period": "1", "topic": "team:t1", "room": "team:t1"}
        for route in ROUTES:
            if route.method != "GET" or route.media_type != "application/json":
                continue
            reply = await door.get(route.path.format(**parts), world.admin)
            assert reply.status == 200, route.path
            [shape] = http["paths"][route.path]["get"]["responses"]["200"]["content"].values()
            schema = {**shape["schema"], "components": http["components"]}
            Draft202012Validator(schema).validate(reply.json)


class TestAsyncApi:
    def test_is_valid(self, socket: dict[str, Any]) -> None:
        if not ASYNCAPI_SCHEMA.is_file():
            missing("The schema of AsyncAPI", "install Node 18 or newer with npm, and run scripts/test")
        validator = Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_bytes()))
        assert socket["asyncapi"] == "3.0.0"
        assert [error.message for error in validator.iter_errors(socket)] == []

    def test_has_every_event_of_the_protocol_and_no_other(self, socket: dict[str, Any]) -> None:
        assert socket["operations"].keys() == {
            "receive.action",
            "receive.subscribe",
            "receive.unsubscribe",
            "receive.presence",
            "receive.renew",
            "send.ready",
            "send.closing",
            "send.update",
            "send.resync",
            "send.presence",
        }
        for name, operation in socket["operations"].items():
            assert ("reply" in operation) == name.startswith("receive.")

    def test_has_the_same_actions_as_openapi(self, socket: dict[str, Any], http: dict[str, Any]) -> None:
        ours, theirs = socket["components"]["schemas"], http["components"]["schemas"]
        for spec in actions():
            assert ours[f"action.{spec.type}"] == theirs[f"action.{spec.type}"]

    def test_describes_updates_as_they_are(self, socket: dict[str, Any]) -> None:
        record = {"kind": "mark", "id": "m1", "seq": 7}
        update = {"topic": "class:c1", "seq": 7, "prev": 5, "type": "attendance.mark", "data": record}
        update |= {"by": None, "at": "2026-03-02T08:30:00.000Z", "op_id": None}
        assert named(socket, "Update").is_valid(update)
        assert not named(socket, "Update").is_valid({**update, "prev": None})


class TestServing:
    async def test_needs_no_token_and_answers_304_to_who_has_it(self, door: Door) -> None:
        for path in ("/api/openapi.json", "/api/asyncapi.json", "/api/docs", "/api/docs/docs.js"):
            first = await door.get(path)
            assert first.status == 200
            assert first.headers["Cache-Control"] == "no-cache"
            again = await door.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status, again.body) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]

    async def test_names_the_version(self, http: dict[str, Any], socket: dict[str, Any]) -> None:
        assert (http["info"]["version"], socket["info"]["version"]) == ("1.2.3", "1.2.3")


class TestThePage:
    async def test_loads_nothing_from_elsewhere_and_runs_nothing_inline(self, door: Door) -> None:
        page = await door.get("/api/docs")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        html = page.body.decode()
        assert "<style" not in html
        assert not re.search(r"\s(style|on\w+)=", html)
        assert re.findall(r"<script(.*?)>(.*?)</script>", html) == [(' src="/api/docs/docs.js" defer', "")]
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
        for text in [html, *[(await door.get(f"/api/docs/{name}")).body.decode() for name in ASSETS]]:
            assert set(FROM_ELSEWHERE.findall(text.replace("http://www.w3.org/2000/svg", ""))) == set()

    async def test_refers_to_what_is_there(self, door: Door) -> None:
        html = (await door.get("/api/docs")).body.decode()
        addresses = re.findall(r'(?:href|src)="(/[^"]*)"', html)
        assert "/api/docs/docs.css" in addresses
        for address in addresses:
            assert (await door.get(address)).status == 200, address

    async def test_has_its_parts_with_their_types(self, door: Door) -> None:
        for name, kind in ASSETS.items():
            reply = await door.get(f"/api/docs/{name}")
            assert (reply.status, reply.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")

    async def test_serves_no_other_file(self, door: Door) -> None:
        for name in ("index.html", "nope.js", "..%2F..%2Fauth.py", "%2e%2e", ".", "docs.js%00"):
            assert (await door.get(f"/api/docs/{name}")).code == (404, "not_found"), name

    async def test_puts_texts_into_the_page_as_text_only(self, door: Door) -> None:
        script = (await door.get("/api/docs/docs.js")).body.decode()
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ):
            assert way not in script
