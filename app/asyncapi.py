"""asyncapi.json: the Socket.IO door, described from the registry of actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.wire_schemas import (
    ERROR,
    POSITION,
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

ABOUT = """\
Socket.IO (protocol 5, Engine.IO 4) on the path `/socket.io/`, namespace `/`; any official client works.
Connect with `auth: {token}`, an access token of `POST /api/users/authenticate`; pages of the server itself
with the word `cookie` in its place. Each event that a client sends is answered in its ack.
A message here is the event of the same name, its payload the event's one argument."""

TOPIC: JsonSchema = {
    "type": "string",
    "examples": ["school:s1", "class:s1-c1", "summary:s1", "team:t1", "user:u1"],
}
USER: JsonSchema = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
    "required": ["id", "name"],
}
MOMENT: JsonSchema = {"type": "string", "format": "date-time"}
CLOSING = ["signed_out", "roles_changed", "disabled", "expired", "too_slow", "restarting"]

OK: JsonSchema = {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"]}


def _object(required: JsonSchema, optional: JsonSchema | None = None) -> JsonSchema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def _list(item: JsonSchema, most: int | None = None) -> JsonSchema:
    return (
        {"type": "array", "items": item}
        if most is None
        else {"type": "array", "items": item, "maxItems": most}
    )


_SUBSCRIBED = {
    "oneOf": [
        _object(
            {
                "topic": TOPIC,
                "position": reference("Position"),
                "mode": {"const": "tail"},
                "entries": _list(reference("Update")),
            }
        ),
        _object(
            {
                "topic": TOPIC,
                "position": reference("Position"),
                "mode": {"const": "snapshot"},
                "records": _list(reference("Record")),
            }
        ),
        _object({"topic": TOPIC, "error": reference("Error")}),
    ]
}

REQUESTS: dict[str, tuple[str, JsonSchema, JsonSchema]] = {
    "action": ("Do something: the one way to write.", reference("Action"), reference("Ack")),
    "subscribe": (
        "Follow topics: what is there now or what was missed since, then every update.",
        _object(
            {
                "topics": _list(
                    _object({"topic": TOPIC}, {"since": reference("Position"), "date": {"type": "string"}}),
                    200,
                )
            }
        ),
        _object({"ok": {"const": True}, "topics": _list(_SUBSCRIBED)}),
    ),
    "unsubscribe": ("Follow topics no longer.", _object({"topics": _list(TOPIC)}), OK),
    "presence": (
        "Who is in a topic.",
        _object({"topic": TOPIC}),
        _object(
            {
                "ok": {"const": True},
                "count": {"type": "integer"},
                "users": _list(_object({**USER["properties"], "since": MOMENT})),
            }
        ),
    ),
    "renew": (
        "Stay connected with a newer token of the same user; `cookie` after a refresh of the cookies.",
        _object({"token": {"type": "string"}}),
        _object({"ok": {"const": True}, "expires_at": {}}),
    ),
}
"""What clients send: what it is for, its argument, and the ack of success."""

EVENTS: dict[str, tuple[str, JsonSchema]] = {
    "ready": (
        "The connection stands: who you are and what you may subscribe to.",
        _object(
            {
                "user": _object({**USER["properties"], "roles": _list({"type": "object"})}),
                "topics": _list(_object({"topic": TOPIC, "name": {"type": "string"}}), 1000),
                "server": _object({"node": {"type": "string"}, "version": {"type": "string"}}),
                "time": MOMENT,
            }
        ),
    ),
    "closing": ("The connection is about to end.", _object({"code": {"enum": CLOSING}})),
    "update": ("An entry of a topic you follow.", reference("Update")),
    "resync": (
        "Forget your position in this topic and subscribe again.",
        _object({"topic": TOPIC, "reason": {"type": "string"}}),
    ),
    "presence": (
        "Somebody has come to a topic you follow, or left it; or many have, and this is how many are there.",
        _object({"topic": TOPIC}, {"joined": USER, "left": USER, "count": {"type": "integer"}}),
    ),
}
"""What the server sends."""


def asyncapi(actions: Sequence[ActionSpec], kinds: Iterable[RecordKind], version: str) -> dict[str, Any]:
    """The document, as AsyncAPI 3.0 defines it."""
    schemas = WireSchemas(version)
    envelopes = {f"action.{spec.type}": schemas.action(spec) for spec in actions}
    records = {f"record.{kind.name}": record_schema(kind) for kind in kinds}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Rollcall", "version": version, "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {
            "rollcall": {
                "host": "{host}",
                "pathname": "/socket.io/",
                "protocol": "ws",
                "description": "WebSocket, or HTTP long polling where that is not to be had.",
                "variables": {"host": {"default": "127.0.0.1:8000"}},
            }
        },
        "channels": {
            "socket": {
                "address": "/",
                "description": "The one namespace.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages()},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": {
                **schemas.components,
                **envelopes,
                **records,
                "Action": {"oneOf": [reference(name) for name in envelopes]},
                "Record": {"oneOf": [reference(name) for name in records]},
                "Update": _update(),
                "Position": POSITION,
                "Ack": ack_schema(reference("Record")),
                "Error": ERROR,
                "Refusal": refusal_schema(reference("Error"), with_op_id=True),
                "Failure": refusal_schema(reference("Error"), with_op_id=False),
            },
        },
    }


def _update() -> JsonSchema:
    members = {
        "topic": TOPIC,
        "prev": {
            "type": "integer",
            "minimum": 0,
            "description": "The seq before it in this topic; if it is above yours, you have a hole.",
        },
        **entry_members(reference("Record")),
    }
    return _object(members)


def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for name, (summary, argument, answer) in REQUESTS.items():
        refusal = reference("Refusal" if name == "action" else "Failure")
        messages[f"{name}.request"] = {"name": name, "summary": summary, "payload": argument}
        messages[f"{name}.ack"] = {
            "name": name,
            "summary": f"The ack of `{name}`.",
            "payload": {"oneOf": [answer, refusal]},
        }
    for name, (summary, data) in EVENTS.items():
        messages[name] = {"name": name, "summary": summary, "payload": data}
    return messages


def _operations() -> dict[str, Any]:
    """From the server's side, as AsyncAPI has it: it receives what clients send."""
    channel = {"$ref": "#/channels/socket"}
    operations: dict[str, Any] = {}
    for name, (summary, _, _) in REQUESTS.items():
        operations[f"receive.{name}"] = {
            "action": "receive",
            "channel": channel,
            "summary": summary,
            "messages": [_message(f"{name}.request")],
            "reply": {"channel": channel, "messages": [_message(f"{name}.ack")]},
        }
    for name, (summary, _) in EVENTS.items():
        operations[f"send.{name}"] = {
            "action": "send",
            "channel": channel,
            "summary": summary,
            "messages": [_message(name)],
        }
    return operations


def _message(name: str) -> JsonSchema:
    return {"$ref": f"#/channels/socket/messages/{name}"}
