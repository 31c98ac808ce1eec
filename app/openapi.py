"""openapi.json: the HTTP door, described from the table of routes and the registry of actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.http.accounts import IDEMPOTENCY_KEY
from app.http.actions import BatchBody, EnvelopeBody
from app.http.call import PAGE_HEADER
from app.http.route import Route, Token
from app.wire_schemas import (
    CODES,
    ERROR,
    ID_PATTERN,
    POSITION,
    PROFILE,
    JsonSchema,
    WireSchemas,
    ack_schema,
    entry_members,
    record_schema,
    reference,
    refusal_schema,
)
from handlers.dispatch.registry import ActionSpec
from models.record import RecordKind
from models.schema import LIST_LENGTH, Payload
from realtime.own_pages import ACCESS_COOKIE

ABOUT = """\
Attendance and tasks of schools and teams. Every write is an action: `POST /api/actions`, or the event
`action` of the socket (see `/api/asyncapi.json`), with the same envelope and the same answer. Reads are plain
routes; those with an
`ETag` answer 304 to `If-None-Match`. Every error of every route has the same body."""

TAGS = {
    "actions": "Every write.",
    "accounts": "Signing in and out, profiles, users.",
    "directory": "Schools, classes, students, teams.",
    "attendance": "Sheets, registers, figures.",
    "tasks": "Tasks of teams and of oneself.",
    "topics": "What can be subscribed to, snapshots, journals.",
    "operation": "Whether the server is well, and these documents.",
}

SECURITY: dict[Token, list[dict[str, list[str]]]] = {
    Token.NONE: [],
    Token.OPTIONAL: [{}, {"access_token": []}, {"access_cookie": [], "page": []}],
    Token.REQUIRED: [{"access_token": []}, {"access_cookie": [], "page": []}],
    Token.PAGE: [{"page": []}],
}

OP_ID_HEADER: JsonSchema = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "description": "The op_id of the action that this is short for; without one, a retry may act twice.",
    "schema": {"type": "string", "pattern": ID_PATTERN},
}


def openapi(
    routes: Sequence[Route], actions: Sequence[ActionSpec], kinds: Iterable[RecordKind], version: str
) -> dict[str, Any]:
    """The document, as OpenAPI 3.1 defines it."""
    schemas = WireSchemas(version)
    envelopes = {f"action.{spec.type}": schemas.action(spec) for spec in actions}
    records = {f"record.{kind.name}": record_schema(kind) for kind in kinds}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Rollcall", "version": version, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {
                **schemas.components,
                **envelopes,
                **records,
                "Action": {
                    "oneOf": [reference(name) for name in envelopes],
                    "discriminator": {
                        "propertyName": "type",
                        "mapping": {spec.type: reference(f"action.{spec.type}")["$ref"] for spec in actions},
                    },
                },
                "Record": {"oneOf": [reference(name) for name in records]},
                "Entry": _entry(),
                "Position": POSITION,
                "Profile": PROFILE,
                "Grant": GRANT,
                "PageGrant": PAGE_GRANT,
                "Ack": ack_schema(reference("Record")),
                "Error": ERROR,
                "Refusal": refusal_schema(reference("Error"), with_op_id=True),
                "Failure": refusal_schema(reference("Error"), with_op_id=False),
            },
            "securitySchemes": {
                "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "access_cookie": {"type": "apiKey", "in": "cookie", "name": ACCESS_COOKIE},
                "page": {
                    "type": "apiKey",
                    "in": "header",
                    "name": PAGE_HEADER,
                    "description": "`1`, in a request that counts on a cookie. Its `Origin`, if it has one,"
                    " must be that of the server.",
                },
            },
        },
    }


GRANT: JsonSchema = {
    "type": "object",
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer", "description": "Seconds."},
        "refresh_token": {"type": "string"},
        "user": reference("Profile"),
    },
    "required": ["access_token", "token_type", "expires_in", "refresh_token", "user"],
}


PAGE_GRANT: JsonSchema = {
    "type": "object",
    "properties": {name: GRANT["properties"][name] for name in ("user", "expires_in")},
    "required": ["user", "expires_in"],
    "additionalProperties": False,
}


def _entry() -> JsonSchema:
    members = {"room": {"type": "string"}, **entry_members(reference("Record"))}
    return {"type": "object", "properties": members, "required": list(members)}


def _operation(route: Route, schemas: WireSchemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"{route.returns} For: {route.access}.",
        "parameters": [*_path_parameters(route, schemas), *_query_parameters(route, schemas)],
        "security": SECURITY[route.token],
        "responses": _responses(route),
    }
    if route.takes_op_id:
        operation["parameters"].append(OP_ID_HEADER)
    if route.body is not None:
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": {"schema": _body(route.body, schemas)}},
        }
    return operation


def _body(body: Payload, schemas: WireSchemas) -> JsonSchema:
    if isinstance(body, EnvelopeBody):
        return reference("Action")
    if isinstance(body, BatchBody):
        actions = {"type": "array", "maxItems": LIST_LENGTH, "items": reference("Action")}
        return {"type": "object", "properties": {"actions": actions}, "required": ["actions"]}
    return schemas.payload(body)


def _path_parameters(route: Route, schemas: WireSchemas) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.field(field)}
        for name, field in route.parts().items()
    ]


def _query_parameters(route: Route, schemas: WireSchemas) -> list[dict[str, Any]]:
    parameters = []
    for name, field in route.query.fields.items():
        schema = _given(schemas.field(field))
        described = {"description": schema.pop("description")} if "description" in schema else {}
        parameter = {"name": name, "in": "query", "required": field.required, "schema": schema}
        parameters.append({**parameter, **described})
    return parameters


def _given(schema: JsonSchema) -> JsonSchema:
    """The schema of a parameter that is given; inside, null stands for one that is left out."""
    given = {name: value for name, value in schema.items() if name != "default" or value is not None}
    if isinstance(given.get("type"), list):
        given["type"] = next(name for name in given["type"] if name != "null")
    return given


def _responses(route: Route) -> dict[str, Any]:
    failure = reference("Refusal" if isinstance(route.body, EnvelopeBody) else "Failure")
    return {
        str(route.status): {
            "description": route.returns,
            "content": {route.media_type: {"schema": route.shape}},
        },
        "default": {
            "description": f"What was wrong, with one of the codes {', '.join(CODES)}.",
            "content": {"application/json": {"schema": failure}},
        },
    }
