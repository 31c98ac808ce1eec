// The core of the JavaScript client passes the scenarios that both clients share. To be built before.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Core } from "../dist/core.js";

const table = JSON.parse(readFileSync(new URL("../../../tests/client/scenarios.json", import.meta.url)));

/** The same without the fields that stand for nothing. */
function withoutNulls(value) {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([name, inner]) => [name, withoutNulls(inner)]),
  );
}

/** `token_given` in the table is `tokenGiven` here. */
function methodOf(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

/** One core, and the clock it sees. */
class Run {
  now = table.now;
  core = new Core({ user: table.user, random: () => table.random, now: () => this.now });

  /** Does one step. `watch`: the kinds of effects that are compared; null: nothing is. */
  step(step, watch) {
    if (step.do === undefined) {
      this.look(step);
      return;
    }
    this.now = step.at ?? this.now;
    const call = () => this.core[methodOf(step.do)](...(step.with ?? []));
    if (step.fails === undefined) call();
    else assert.throws(call, { name: step.fails });
    const happened = this.core.take().filter((effect) => watch?.includes(effect.do));
    if (watch !== null) assert.deepEqual(withoutNulls(happened), withoutNulls(step.then));
  }

  /** Compares what is known. */
  look({ records = {}, positions = {}, status, actions, may_withdraw = {} }) {
    for (const [topic, expected] of Object.entries(records)) {
      assert.deepEqual([...this.core.records(topic).records.values()], expected);
    }
    for (const [topic, expected] of Object.entries(positions)) {
      assert.deepEqual(this.core.records(topic).position, expected);
    }
    for (const [opId, may] of Object.entries(may_withdraw)) assert.equal(this.core.mayWithdraw(opId), may);
    if (status !== undefined) assert.deepEqual(withoutNulls(this.core.status), status);
    if (actions !== undefined) {
      assert.deepEqual(this.core.actions.map(({ action, state }) => [action.op_id, state]), actions);
    }
  }
}

for (const scenario of table.scenarios) {
  test(scenario.name, () => {
    const run = new Run();
    for (const prelude of scenario.after) {
      for (const step of table.preludes[prelude]) run.step(step, null);
    }
    for (const step of scenario.steps) run.step(step, scenario.watch);
  });
}
