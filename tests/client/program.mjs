// The same as program.py, with the JavaScript client.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Client, signIn } from "../../web/client/dist/index.js";

/** A store in a file, which is written anew at each change: enough for a test of what the store has to do. */
class FileStore {
  constructor(path) {
    this.path = path;
    this.actions = new Map(existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : []);
  }

  async load() {
    return [...this.actions.values()];
  }

  async put(action) {
    this.actions.set(action.op_id, action);
    this.write();
  }

  async remove(opId) {
    this.actions.delete(opId);
    this.write();
  }

  write() {
    writeFileSync(`${this.path}.new`, JSON.stringify([...this.actions]));
    renameSync(`${this.path}.new`, this.path);
  }
}

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function happened(event, data) {
  tell({ event, data });
}

const topics = new Map();
let client;
let session;
let expiresIn = 900;

async function token(why) {
  happened("asked", why);
  if (expiresIn === null) return null;
  const given = await session.token(why);
  return given && { ...given, expires_in: Math.min(given.expires_in, expiresIn) };
}

const commands = {
  async open({ url, email, password, store, affinity }) {
    session = await signIn(url, email, password);
    client = new Client({
      url,
      user: session.user.id,
      token,
      ...(store === null ? {} : { store: new FileStore(store) }),
      ...(affinity === null ? {} : { affinity }),
    });
    client.onStatus(({ state, code }) => happened("status", [state, code ?? null]));
    client.onAction(({ action, state, ack, error }) =>
      happened("action", [
        action.op_id,
        state,
        ack ? { seq: ack.seq, duplicate: ack.duplicate } : (error?.code ?? null),
      ]),
    );
    client.onReady((ready) => happened("ready", ready));
    client.onClosing((code) => happened("closing", code));
    client.onPresence((presence) => happened("presence", presence));
    await client.start();
  },

  tokens({ expires_in }) {
    expiresIn = expires_in;
  },

  subscribe({ topic, options }) {
    const subscription = client.subscribe(topic, options);
    topics.set(topic, subscription);
    subscription.onStatus(({ state }) => happened("topic_status", [topic, state]));
    subscription.onChange((changes) =>
      happened("changed", [topic, changes.map(({ kind, id, record }) => [kind, id, record])]),
    );
  },

  unsubscribe({ topic }) {
    client.unsubscribe(topic);
  },

  async records({ topic }) {
    const subscription = await topics.get(topic).live();
    return [subscription.position, subscription.records()];
  },

  act({ type, payload, op_id }) {
    return client.act(type, payload, { opId: op_id });
  },

  enqueue({ type, payload, op_id }) {
    return client.enqueue(type, payload, { opId: op_id });
  },

  actions() {
    return client.actions.map(({ action, state }) => [action.op_id, state]);
  },

  dismiss({ op_id }) {
    client.dismiss(op_id);
  },

  withdraw({ op_id }) {
    return client.withdraw(op_id);
  },

  call({ event, data }) {
    return client.call(event, data);
  },

  close() {
    lines.close();
  },
};

async function answer(command) {
  try {
    tell({ answer: command.id, data: await commands[command.do](command) });
  } catch (error) {
    tell({ answer: command.id, failed: error.name, code: error.code ?? null });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("close", () => client?.close());
for await (const line of lines) {
  const command = JSON.parse(line);
  if (command.id === undefined) await commands[command.do](command);
  else void answer(command);
}
