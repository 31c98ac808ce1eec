// Marks while the server cannot be reached; or sends what an earlier page has left.
import { Client, IndexedDbStore } from "/client/index.js";

export async function run(tell, { user, token, date, count }) {
  const store = await IndexedDbStore.open(user);
  const client = new Client({
    user,
    store,
    transports: ["polling"],
    token: async () => ({ access_token: token, expires_in: 900 }),
  });
  const finished = [];
  const left = new Promise((resolve) => {
    client.onAction(({ action, state, error }) => {
      if (state === "saved" || state === "refused") finished.push([action.op_id, error?.code ?? state]);
      if (finished.length > 0 && client.actions.length === 0) resolve();
    });
  });
  await client.start();
  if (count === undefined) {
    await left;
    await tell("finished", finished);
    client.close();
    return;
  }
  for (let n = 1; n <= Number(count); n += 1) {
    const payload = { class_id: "s1-c1", date, period: "1", student_id: `s1-c1-p${n}`, code: "P" };
    await client.enqueue("attendance.mark", payload, { opId: `op-${n}` });
  }
  await tell(
    "queued",
    client.actions.map(({ action, state }) => [action.op_id, state]),
  );
  await new Promise(() => undefined); // the browser is killed here
}
