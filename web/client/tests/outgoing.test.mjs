// The bounds of the queue.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Core, MemoryStore, QueueError } from "../dist/index.js";
import { MOST_QUEUED } from "../dist/outgoing.js";

function action(opId, text = "") {
  return { op_id: opId, type: "task.comment", payload: { task_id: "k1", text } };
}

function newCore() {
  return new Core({ user: "u1", random: () => 0.5, now: () => 0 });
}

test("an action that the server could not read is not queued", () => {
  const core = newCore();
  core.enqueue(action("small", "x".repeat(20_000)));
  assert.throws(() => core.enqueue(action("large", "x".repeat(250_000))), QueueError);
  assert.throws(() => core.enqueue(action("wide", "é".repeat(125_000))), QueueError);
});

test("what is no number is not queued", () => {
  const nothing = { op_id: "a", type: "class.update", payload: { rank: NaN } };
  assert.throws(() => newCore().enqueue(nothing), { name: "QueueError", message: /rank is NaN/ });
});

test("the queue is bounded", () => {
  const core = newCore();
  for (let n = 0; n < MOST_QUEUED; n += 1) core.enqueue(action(`op-${n}`));
  assert.throws(() => core.enqueue(action("one-more")), QueueError);
});

test("a store in memory keeps actions in order until they are removed", async () => {
  const store = new MemoryStore();
  for (const opId of ["a", "b", "c"]) await store.put(action(opId));
  await store.remove("b");
  await store.remove("never");
  await store.put(action("a", "again"));
  assert.deepEqual(await store.load(), [action("a", "again"), action("c")]);
});
