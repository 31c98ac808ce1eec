// What a store in IndexedDB keeps, for whom, and who takes it over.
import { IndexedDbStore } from "/client/index.js";

function action(opId, more = {}) {
  return { op_id: opId, type: "task.complete", payload: { task_id: "k1", text: "Zoë\n«»" }, ...more };
}

function equals(actual, expected, what) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one} is not ${other}`);
}

export async function run() {
  const first = await IndexedDbStore.open("u1");
  equals(await first.load(), [], "a new store is empty");
  await Promise.all(["a", "b", "c", "d"].map((opId) => first.put(action(opId))));
  await Promise.all([first.remove("b"), first.remove("never")]);
  const refused = action("a", { error: { code: "conflict", message: "Somebody else was first." } });
  await first.put(refused);

  const beside = await IndexedDbStore.open("u1");
  equals(await beside.load(), [], "what another tab sends is left to it");
  const other = await IndexedDbStore.open("u2");
  equals(await other.load(), [], "what another user has queued is nobody else's");
  await other.put(action("a"));

  first.close();
  const kept = [refused, action("c"), action("d")];
  equals(await beside.adopt(), kept, "what a tab has left is taken over, in its order");
  equals(await beside.adopt(), [], "it is taken over once");
  const third = await IndexedDbStore.open("u1");
  equals(await third.load(), [], "what was taken over is left to who took it");
  await beside.put(action("c", { if_seq: 3 }));
  await beside.remove("a");
  beside.close();
  third.close();

  const last = await IndexedDbStore.open("u1");
  const changed = [action("c", { if_seq: 3 }), action("d")];
  equals(await last.load(), changed, "changes of what was taken over are kept");
  await last.clear();
  last.close();
  const empty = await IndexedDbStore.open("u1");
  equals(await empty.load(), [], "a cleared store is empty");
  other.close();
  const again = await IndexedDbStore.open("u2");
  equals(await again.load(), [action("a")], "clearing is for one user");
}
