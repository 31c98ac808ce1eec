"""docs/protocol.md names everything that is on the wire, and nothing that is not."""

from __future__ import annotations

import ast
import importlib
import re

import pytest
from marshmallow import Schema

import app.http.door  # noqa: F401 - declares the routes
from app.asyncapi import CLOSING, EVENTS, REQUESTS
from app.demo.passwords import DEMO_PASSWORD
from app.demo.plan import Size, accounts
from app.http.route import ROUTES, Route
from handlers.core import load_handlers
from handlers.dispatch.registry import ACTIONS, ActionSpec
from models.actor import EVERYBODY, ROLE_SCOPES
from models.attendance import MOST_MINUTES_LATE
from models.codes import CODE_SETS, OFFICE_ROLES
from models.errors import RollcallError
from models.journal import ORG
from models.record import KINDS
from models.schema import LABELS, LIST_LENGTH, NAME_LENGTH, NOTE_LENGTH, TEXT_LENGTH
from models.session import REASONS
from models.task import PRIORITIES, STATUSES
from models.task_list import SORTS, TaskFilters
from models.topic import NOUNS
from tests.handlers.dispatch.counters import TEST_KINDS
from tests.handlers.test_role_table import TABLE, World
from tests.kit import CoreKit
from tests.pages import PROTOCOL, ROOT, code, rows, section, tables

load_handlers()

SPECS = ACTIONS.public()
TASKS = rows(section(PROTOCOL, "Tasks"))
NAME = re.compile(r"[a-z]+\.[a-z_]+")


def action_rows() -> dict[str, list[str]]:
    """The row of each action in the tables of actions."""
    found: dict[str, list[str]] = {}
    tables = section(PROTOCOL, "Actions").replace(section(PROTOCOL, "Derived entries"), "")
    for row in rows(tables):
        found.update(dict.fromkeys(code(row[0]), row))
    return found


def field_names(schema: Schema) -> set[str]:
    """The schema's fields; those that may be left out with a question mark."""
    return {name if field.required else f"{name}?" for name, field in schema.fields.items()}


def test_every_action_has_a_row_and_every_row_an_action() -> None:
    assert sorted(action_rows()) == [spec.type for spec in SPECS]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_the_row_of_an_action_names_its_fields(spec: ActionSpec) -> None:
    (payload,) = code(action_rows()[spec.type][1])
    assert set(payload.split(", ")) == field_names(spec.schema)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_the_row_of_an_action_names_its_roles(spec: ActionSpec) -> None:
    row = action_rows()[spec.type]
    text = section(PROTOCOL, "Tasks").partition("|")[0] if row in TASKS else row[2]
    named = set(re.findall(r"\b[a-z_]+\b", text)) & {*ROLE_SCOPES, EVERYBODY}
    if "office rights" in text:
        named |= OFFICE_ROLES
    if EVERYBODY in spec.roles:
        named &= {EVERYBODY}
    assert named == spec.roles


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_the_row_of_an_action_says_whether_if_seq_applies(spec: ActionSpec) -> None:
    about = action_rows()[spec.type][2 if action_rows()[spec.type] in TASKS else 3]
    assert about.startswith("none") == (spec.about is None)


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if "set" in spec.schema.fields], ids=lambda s: s.type
)
def test_the_fields_of_a_set_are_named(spec: ActionSpec) -> None:
    nested = spec.schema.fields["set"]
    named = set(re.findall(r"[a-z_]+", " ".join(code(section(PROTOCOL, "Actions")))))
    assert set(nested.schema.fields) <= named  # type: ignore[attr-defined]


def test_every_action_that_the_page_names_is_there() -> None:
    nouns = {spec.type.partition(".")[0] for spec in SPECS}
    known = {spec.type for spec in SPECS} | documented_types() | {"task.assigned"}
    named = {
        name for name in code(PROTOCOL.read_text()) if NAME.fullmatch(name) and name.split(".")[0] in nouns
    }
    assert named - known == set()


def documented_types() -> set[str]:
    """The types in the table of derived entries, but for those of copies."""
    return {
        type for row in rows(section(PROTOCOL, "Derived entries")) for type in code(row[0]) if "…" not in type
    }


def derived_types() -> set[str]:
    """The types that handlers give to `ctx.derive`."""
    found = set()
    for path in sorted((ROOT / "handlers").glob("*.py")):
        module = importlib.import_module(f"handlers.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ctx.derive":
                type = node.args[0]
                if isinstance(type, ast.Constant):
                    found.add(str(type.value))
                elif isinstance(type, ast.Name):
                    found.add(str(getattr(module, type.id)))
    return found


def test_every_derived_entry_is_named() -> None:
    specs = ACTIONS._specs.values()
    internal = {
        spec.type for spec in specs if spec.internal and spec.handler.__module__.startswith("handlers")
    }
    assert documented_types() == derived_types() | internal - {"mirror.copy"}


def record_fields() -> dict[str, set[str]]:
    """The fields of each kind, as the page has them; what is within brackets explains or nests."""
    found = {}
    for row in rows(section(PROTOCOL, "Records").partition("### ")[0]):
        outside = re.sub(r"\([^)]*\)", "", row[2])
        names = {text for text in code(outside) if re.fullmatch(r"[a-z_]+", text)}
        found[code(row[0])[0]] = names | {"kind", "id", "seq"}
    return found


async def test_every_field_of_every_kind_is_named(core: CoreKit) -> None:
    world = World(core)
    await world.open()
    admin = world.actors["admin"]
    for type in sorted(TABLE):
        await core.act(admin, type, await TABLE[type][1](world))
    task = await TABLE["task.assign"][1](world)
    await core.act(admin, "task.assign", {**task, "assignees": [await world.member()]})
    login = {"user_id": admin.id, "session_id": "sid-1"}
    await core.core.dispatcher.run_internal("user.login", login, admin)
    await core.core.consumers.idle()

    written: dict[str, set[str]] = {}
    for commit in core.commits:
        for entry in commit.entries:
            if not entry.data.get("deleted"):
                written.setdefault(entry.data["kind"], set()).update(entry.data.keys() - {"org_seq"})
    assert record_fields() == written
    assert sorted(record_fields()) == sorted(KINDS.keys() - TEST_KINDS)


def test_every_error_has_a_row_with_its_status() -> None:
    documented = {code(row[0])[0]: row[1][:3] for row in rows(section(PROTOCOL, "Errors"))}
    assert documented == {error.code: str(error.status) for error in RollcallError.__subclasses__()}


def test_every_event_and_closing_code_has_a_row() -> None:
    documented = [[code(row[0])[0] for row in table] for table in tables(section(PROTOCOL, "The connection"))]
    assert [sorted(names) for names in documented] == [sorted(names) for names in (REQUESTS, EVENTS, CLOSING)]


def test_every_closing_code_that_is_sent_is_a_known_one() -> None:
    sent = re.findall(r'\bend\(connection, "([a-z_]+)"\)', (ROOT / "realtime" / "connections.py").read_text())
    assert sent
    assert set(sent) <= set(CLOSING)


def route_rows() -> dict[str, list[str]]:
    """The row of each route in the tables of routes."""
    found: dict[str, list[str]] = {}
    for row in rows(section(PROTOCOL, "HTTP")):
        found.update({name: row for name in code(row[0]) if name.startswith(("GET", "POST", "PATCH"))})
    return found


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(route_rows()) == sorted(f"{route.method} {route.path}" for route in ROUTES)


def test_every_route_that_the_page_names_is_there() -> None:
    known = {f"{route.method} {route.path}" for route in ROUTES}
    named = re.findall(r"\b(?:GET|POST|PATCH|PUT|DELETE) /[^`?\s]*", PROTOCOL.read_text())
    assert [name for name in named if name not in known] == []
    paths = {route.path for route in ROUTES}
    assert [
        p
        for p in re.findall(r"`(/(?:api|healthz|readyz)[^`?]*)", PROTOCOL.read_text())
        if p not in {*paths, "/api"}
    ] == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_row_of_a_route_names_its_parameters(route: Route) -> None:
    text = " ".join(route_rows()[f"{route.method} {route.path}"][1:])
    if "filters" in text:
        text += section(PROTOCOL, "Tasks by HTTP").rpartition("Filters:")[2]
    wanted = {*route.query.fields, *(route.body.fields if route.body else ())}
    assert [name for name in wanted if not re.search(rf"\b{name}\b", text)] == []


def test_every_filter_and_order_of_tasks_is_named() -> None:
    named = code(section(PROTOCOL, "Tasks by HTTP").rpartition("Filters:")[2])
    assert set(named) == {*TaskFilters().fields, *SORTS}


def test_every_role_has_a_row_with_its_scope() -> None:
    documented = {
        code(row[0])[0]: code(row[1])[0].partition(":")[0]
        for row in rows(section(PROTOCOL, "Roles"))
        if row[1]
    }
    assert documented == ROLE_SCOPES


def test_every_topic_has_a_row() -> None:
    topics, _ = tables(section(PROTOCOL, "Watching"))
    documented = [code(row[0])[0].partition(":")[0] for row in topics]
    assert sorted(documented) == sorted([*NOUNS, ORG])


def test_values_of_fields_are_named() -> None:
    text = code(section(PROTOCOL, "Records"))
    wanted = {*STATUSES, *PRIORITIES, *REASONS, "teacher", "office", "planned", "import", "self"}
    assert wanted - set(text) == set()


def test_the_codes_are_those_of_the_sets() -> None:
    text = section(PROTOCOL, "Attendance codes")
    assert set(CODE_SETS) <= set(code(text))
    for each in CODE_SETS["simple"].codes.values():
        assert f"`{each.code}` {each.label.lower()}" in text
    assert f"`{' '.join(CODE_SETS['england'].allowed({'teacher'}))}`" in text
    assert set(CODE_SETS["simple"].codes["P"].to_wire()) == set(
        re.findall(r"[a-z]+", text.split("`{")[1].split("}`")[0])
    )


@pytest.mark.parametrize("size", [NAME_LENGTH, NOTE_LENGTH, TEXT_LENGTH, LIST_LENGTH, LABELS])
def test_the_sizes_are_the_real_ones(size: int) -> None:
    assert f"{size:,}" in section(PROTOCOL, "Formats and sizes")
    assert f"0 to {MOST_MINUTES_LATE}" in section(PROTOCOL, "Attendance")


def test_the_demo_accounts_are_there() -> None:
    real = {account.email: account.role for account in accounts(Size())}
    documented = {code(row[0])[0]: row[1] for row in rows(section(PROTOCOL, "Demo data")) if "@" in row[0]}
    wrong = [email for email, role in documented.items() if not role.startswith(real[email])]
    assert wrong == []
    assert {role.split()[0] for role in documented.values()} == set(ROLE_SCOPES) | {"teacher"}
    assert DEMO_PASSWORD in section(PROTOCOL, "Demo data")
