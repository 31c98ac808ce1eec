"""The core of the Python client passes the scenarios that both clients share."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from client import effects, errors
from client.core import Core
from client.effects import Effect, StoredAction
from client.wire import Token

TABLE = json.loads(Path(__file__).with_name("scenarios.json").read_text())

NAMES: dict[type[Any], str] = {
    effects.AskToken: "ask_token",
    effects.Connect: "connect",
    effects.Disconnect: "disconnect",
    effects.Emit: "emit",
    effects.Fetch: "fetch",
    effects.Timer: "timer",
    effects.Put: "put",
    effects.Remove: "remove",
    effects.Changed: "changed",
    effects.StatusChanged: "status",
    effects.TopicStatusChanged: "topic_status",
    effects.ActionChanged: "action",
    effects.Greeted: "greeted",
    effects.Closing: "closing",
    effects.PresenceChanged: "presence",
}


def without_nulls(value: Any) -> Any:
    """The same without the fields that stand for nothing."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def as_json(effect: Effect) -> dict[str, Any]:
    """An effect as it stands in the table."""
    fields: dict[str, Any] = without_nulls(dataclasses.asdict(effect))
    return {"do": NAMES[type(effect)], **fields}


class Run:
    """One core, and the clock it sees."""

    def __init__(self) -> None:
        self.now = TABLE["now"]
        self.core = Core(user=TABLE["user"], random=lambda: TABLE["random"], now=lambda: self.now)

    def step(self, step: dict[str, Any], watch: list[str] | None) -> None:
        """Do one step. `watch`: the kinds of effects that are compared; None: nothing is."""
        if "do" not in step:
            self.look(step)
            return
        self.now = step.get("at", self.now)
        if "fails" in step:
            with pytest.raises(getattr(errors, step["fails"])):
                self.call(step["do"], step.get("with", []))
        else:
            self.call(step["do"], step.get("with", []))
        happened = [as_json(effect) for effect in self.core.take()]
        if watch is not None:
            assert [one for one in happened if one["do"] in watch] == without_nulls(step["then"])

    def call(self, name: str, arguments: list[Any]) -> None:
        """Call what the step says."""
        match name, arguments:
            case "subscribe", [topic, {"date": date, "fetch": fetch}]:
                self.core.subscribe(topic, date, fetch=fetch)
            case "token_given", [token]:
                self.core.token_given(Token(**token))
            case "enqueue", [action]:
                self.core.enqueue(StoredAction.from_json(action))
            case "restore", [actions]:
                self.core.restore([StoredAction.from_json(action) for action in actions])
            case _:
                getattr(self.core, name)(*arguments)

    def look(self, expected: dict[str, Any]) -> None:
        """Compare what is known."""
        for topic, records in expected.get("records", {}).items():
            known = self.core.records(topic)
            assert known is not None
            assert list(known.records.values()) == records
        for topic, position in expected.get("positions", {}).items():
            known = self.core.records(topic)
            assert known is not None
            assert (known.position and known.position.to_wire()) == position
        if "status" in expected:
            assert without_nulls(dataclasses.asdict(self.core.status)) == expected["status"]
        if "actions" in expected:
            states = [[queued.action.op_id, queued.state] for queued in self.core.actions]
            assert states == expected["actions"]
        for op_id, may in expected.get("may_withdraw", {}).items():
            assert self.core.may_withdraw(op_id) is may


@pytest.mark.parametrize("scenario", TABLE["scenarios"], ids=lambda scenario: scenario["name"])
def test_the_core_does_what_the_scenario_says(scenario: dict[str, Any]) -> None:
    run = Run()
    for prelude in scenario["after"]:
        for step in TABLE["preludes"][prelude]:
            run.step(step, None)
    for step in scenario["steps"]:
        run.step(step, scenario["watch"])


def test_every_input_of_a_core_and_every_effect_is_in_some_scenario() -> None:
    steps = [step for scenario in TABLE["scenarios"] for step in scenario["steps"]]
    steps += [step for prelude in TABLE["preludes"].values() for step in prelude]
    public = {name for name in vars(Core) if not name.startswith("_")}
    outputs = {"take", "token", "actions", "records", "may_withdraw"}
    asked_by_the_application = {"call"}
    assert {step["do"] for step in steps if "do" in step} == public - outputs - asked_by_the_application
    assert {effect["do"] for step in steps for effect in step.get("then", [])} == set(NAMES.values())
