"""JSON schemas of what goes over the wire, made from the registry and the record kinds: for both API
documents.
"""

from __future__ import annotations

from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from handlers.dispatch.registry import ActionSpec
from models.actor import ROLE_SCOPES
from models.attendance import MOST_CODE, Code
from models.record import RecordKind
from models.schema import ID, Day, Id, Moment, Payload, TimeZone
from models.user import Email

JsonSchema = dict[str, Any]

CODES = {
    "invalid": "A rule is broken; `fields` says which and where.",
    "unauthenticated": "No, a bad or an expired token.",
    "forbidden": "Your roles do not reach there, or do not allow this.",
    "not_found": "Within reach, but not there.",
    "conflict": "It does not go with what is there now, which `current` shows.",
    "locked": "The register is closed for your role.",
    "too_large": "The body is over 256 KiB.",
    "rate_limited": "Too much at once; wait `retry_after` seconds.",
    "unavailable": "Not possible now; wait, then send the same again with the same `op_id`.",
    "internal": "Our fault; it is logged with the request id that the message names.",
}
"""Every error code, with what it tells the client."""

ID_PATTERN = ID.pattern.replace(r"\Z", "$").join(("^", ""))


class WireSchemas:
    """A collection of named schemas. What one of them refers to stands among `components` once it was asked
    for.
    """

    def __init__(self, version: str) -> None:
        self.plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class_of(schema).__name__)
        self._spec = APISpec("Rollcall", version, "3.1.0", plugins=[self.plugin])
        # The plug-in has a converter since the line above.
        self._converter = converter = cast("OpenAPIConverter", self.plugin.converter)
        for field, kind in ((Day, "date"), (Moment, "date-time"), (Email, "email")):
            self.plugin.map_to_openapi_type(field, "string", kind)
        converter.add_attribute_function(_pattern)

    @property
    def components(self) -> dict[str, JsonSchema]:
        """The schemas by name, as far as they were asked for."""
        schemas: dict[str, JsonSchema] = self._spec.to_dict().get("components", {}).get("schemas", {})
        return schemas

    def payload(self, schema: Payload) -> JsonSchema:
        """A reference to a payload's schema."""
        reference: JsonSchema = self._converter.resolve_nested_schema(schema)
        name = reference["$ref"].rpartition("/")[2]
        self._spec.components.schemas[name].setdefault("description", _text(type(schema).__doc__))
        return reference

    def field(self, field: fields.Field[Any]) -> JsonSchema:
        """The schema of one field."""
        schema: JsonSchema = self._converter.field2property(field)
        return schema

    def action(self, spec: ActionSpec) -> JsonSchema:
        """The envelope of one action."""
        members: JsonSchema = {
            "type": {"const": spec.type},
            "payload": self.payload(spec.schema),
            "op_id": OP_ID,
        }
        if spec.about is not None:
            members["if_seq"] = IF_SEQ
        return {
            "type": "object",
            "title": spec.type,
            "description": f"{spec.summary} For: {', '.join(sorted(spec.roles))}.",
            "properties": members,
            "required": ["type", "payload", "op_id"],
            "additionalProperties": False,
        }


OP_ID: JsonSchema = {
    "type": "string",
    "pattern": ID_PATTERN,
    "description": "Chosen by you, new for each action; the same one again gets the same answer.",
}
IF_SEQ: JsonSchema = {
    "type": "integer",
    "minimum": 0,
    "description": "`conflict` unless the record's seq is this; 0: there is none yet.",
}
SEQ: JsonSchema = {"type": "integer", "minimum": 0, "description": "A number in the room's journal."}

ERROR: JsonSchema = {
    "type": "object",
    "properties": {
        "code": {"enum": list(CODES), "description": " ".join(f"`{c}`: {text}" for c, text in CODES.items())},
        "message": {"type": "string", "description": "What was wrong, for people."},
        "fields": {
            "type": "object",
            "description": "What is wrong where, by dotted path.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "current": {"type": "object", "description": "The record that is there."},
        "retry_after": {"type": "number", "description": "Seconds to wait."},
    },
    "required": ["code", "message"],
}

POSITION: JsonSchema = {
    "type": "object",
    "description": "A place in a room's journal; `epoch` names the life of the journal.",
    "properties": {"epoch": {"type": "string"}, "seq": SEQ},
    "required": ["epoch", "seq"],
}


PROFILE: JsonSchema = {
    "type": "object",
    "description": "An account as its owner sees it.",
    "properties": {
        "id": {"type": "string"},
        "email": {"type": "string", "format": "email"},
        "name": {"type": "string"},
        "roles": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"role": {"enum": list(ROLE_SCOPES)}, "scope": {"type": "string"}},
                "required": ["role", "scope"],
            },
        },
        "disabled": {"type": "boolean"},
        "preferences": {"type": "object"},
    },
    "required": ["id", "email", "name", "roles", "disabled", "preferences"],
}


def reference(name: str) -> JsonSchema:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def ack_schema(record: JsonSchema) -> JsonSchema:
    """The answer to an accepted action."""
    return {
        "type": "object",
        "properties": {
            "ok": {"const": True},
            "op_id": {"type": ["string", "null"]},
            "room": {"type": "string"},
            "seq": SEQ,
            "data": {
                "description": "The record that the action is about, or a list of several.",
                "oneOf": [record, {"type": "array", "items": record}],
            },
            "duplicate": {"type": "boolean", "description": "Whether this op_id was answered before."},
        },
        "required": ["ok", "op_id", "room", "seq", "data", "duplicate"],
    }


def refusal_schema(error: JsonSchema, *, with_op_id: bool) -> JsonSchema:
    """The answer to what was refused."""
    op_id: JsonSchema = {"op_id": {"type": ["string", "null"]}} if with_op_id else {}
    return {
        "type": "object",
        "properties": {"ok": {"const": False}, **op_id, "error": error},
        "required": ["ok", *op_id, "error"],
    }


def record_schema(kind: RecordKind) -> JsonSchema:
    """A record of this kind: what every record has, and the fields that it can be found by; it has more."""
    found_by = {name: {"type": ["string", "integer", "null"]} for name in kind.columns}
    lists = {name: {"type": "array", "items": {"type": "string"}} for name in kind.lists}
    return {
        "type": "object",
        "properties": {
            "kind": {"const": kind.name},
            "id": {"type": "string", "pattern": ID_PATTERN},
            "seq": SEQ,
            "deleted": {"const": True, "description": "Stands only in what is left of a removed record."},
            **found_by,
            **lists,
        },
        "required": ["kind", "id", "seq"],
        "additionalProperties": True,
    }


def entry_members(record: JsonSchema) -> JsonSchema:
    """The members of an entry as journals and updates carry it."""
    return {
        "seq": SEQ,
        "type": {
            "type": "string",
            "description": "The action's, or a derived one such as `attendance.tally`.",
        },
        "data": record,
        "by": {"type": ["string", "null"], "description": "The user who did it; null for what was derived."},
        "at": {"type": "string", "format": "date-time"},
        "op_id": {"type": ["string", "null"]},
    }


def _class_of(schema: Any) -> type[Payload]:
    return schema if isinstance(schema, type) else type(schema)


def _text(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def _pattern(converter: Any, field: fields.Field[Any], **kwargs: Any) -> JsonSchema:
    if isinstance(field, Id):
        return {"pattern": ID_PATTERN}
    if isinstance(field, Code):
        return {"minLength": 1, "maxLength": MOST_CODE}
    if isinstance(field, TimeZone):
        return {"examples": ["Europe/London"]}
    return {}
