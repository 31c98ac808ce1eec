"""Payloads load as marshmallow would load them, right or wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from handlers.core import load_handlers
from handlers.dispatch.registry import ACTIONS, ActionSpec
from models.schema import Payload

load_handlers()

VALUES = st.sampled_from(
    [
        None, True, 0, 5, -1, 601, 1.5, "", " ", "P", "1", "s1-c1", "a.b", "2026-03-02",
        "2026-03-02T08:15:00Z", "a" * 201, "x\ny", "\ud800", "a@b.test", "open", "high", [], ["s1"],
        ["s1", 3], {}, {"title": "x"}, {"$gt": ""}, [{"role": "teacher", "scope": "class:s1-c1"}],
    ]
)  # fmt: skip


def outcome(load: Any, data: Any) -> Any:
    try:
        return load(data)
    except ValidationError as error:
        return ("refused", error.messages)


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("spec", ACTIONS.public(), ids=lambda spec: spec.type)
def test_a_payload_is_loaded_as_marshmallow_loads_it(spec: ActionSpec, data: st.DataObject) -> None:
    names = [field.data_key or name for name, field in spec.schema.load_fields.items()]
    payload = data.draw(st.dictionaries(st.sampled_from([*names, "unknown"]), VALUES))
    assert outcome(spec.schema.load, payload) == outcome(lambda d: Schema.load(spec.schema, d), payload)


@pytest.mark.parametrize("payload", [None, [], "text", 3])
def test_what_is_no_object_is_refused(payload: Any) -> None:
    schema = ACTIONS.public()[0].schema
    assert outcome(schema.load, payload) == outcome(lambda d: Schema.load(schema, d), payload)


class Renamed(Payload):
    """A field whose key, name and attribute differ, one with a default, and one that may be left out."""

    first = fields.String(data_key="given", attribute="kept", required=True)
    tags = fields.List(fields.String(), load_default=list)
    extra = fields.Integer()


def test_keys_defaults_and_absent_fields_are_as_declared() -> None:
    schema = Renamed()
    assert schema.load({"given": "a"}) == {"kept": "a", "tags": []}
    assert schema.load({"given": "a", "extra": 3}) == {"kept": "a", "tags": [], "extra": 3}
    assert schema.load({"given": "a"})["tags"] is not schema.load({"given": "a"})["tags"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        Renamed().load({"extra": "x", "more": 1})
    assert set(refused.value.messages_dict) == {"given", "extra", "more"}
