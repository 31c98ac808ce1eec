/** The connection of the signed-in user, and topics as signals. */

import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import {
  Client,
  IndexedDbStore,
  MemoryStore,
  type QueuedAction,
  randomOpId,
  type Ready,
  type Status,
  type Store,
  type StoredAction,
  type StoredRecord,
  type Topic,
} from "rollcall-client";

import { heard } from "./server_time";
import { renewed, user } from "./session";

/** How current everything is. */
export const status = signal<Status>({ state: "offline", since: Date.now() / 1000 });

/** What has not been saved yet, and what was refused and nobody has seen. */
export const queue = signal<readonly QueuedAction[]>([]);

/** What is being put into the queue, which takes a moment. */
const storing = signal<readonly StoredAction[]>([]);

/** The queue with what is being put into it, in the order of acting: what pages show at once. */
export const acts = computed<readonly QueuedAction[]>(() => {
  const kept = new Set(queue.value.map(({ action }) => action.op_id));
  const fresh = storing.value.filter(({ op_id }) => !kept.has(op_id));
  return [...queue.value, ...fresh.map((action): QueuedAction => ({ action, state: "queued" }))];
});

/** The client; null while nobody is signed in. */
export const client = signal<Client | null>(null);

/** The server's last greeting: the user's roles and topics as they are; null before the first. */
export const ready = signal<Ready | null>(null);

/** Keeps a client for whoever is signed in. Called once. */
export function keepConnected(): void {
  // Each renewal brings the user anew; only another user needs another client.
  const userId = computed(() => user.value?.id);
  effect(() => {
    const id = userId.value;
    if (id === undefined) return undefined;
    const made = connect(id);
    return () => {
      client.value = null;
      queue.value = [];
      ready.value = null;
      void made.then((close) => close());
    };
  });
}

/** Connects; gives what ends it. */
async function connect(userId: string): Promise<() => void> {
  const store = await openStore(userId);
  const made = new Client({ user: userId, token: renewed, store });
  made.onReady((now) => {
    heard(now.time);
    ready.value = now;
  });
  made.onStatus((now) => (status.value = now));
  made.onAction(() => (queue.value = [...made.actions]));
  await made.start();
  if (user.peek()?.id === userId) {
    batch(() => {
      client.value = made;
      queue.value = [...made.actions];
    });
  }
  return () => {
    made.close();
    if (store instanceof IndexedDbStore) store.close();
  };
}

/** Where the queue is kept: on this device, or where the browser has no place for it as long as the page is open. */
async function openStore(userId: string): Promise<Store> {
  try {
    return await IndexedDbStore.open(userId);
  } catch {
    return new MemoryStore();
  }
}

/** A new action of the user, to be queued. */
export function newAction(type: string, payload: StoredAction["payload"]): StoredAction {
  return { op_id: randomOpId(), type, payload };
}

/** Shows an action at once and queues it. Rejected by the reason why it could not be queued. */
export async function enqueue(now: Client, action: StoredAction): Promise<void> {
  const { op_id, type, payload, if_seq } = action;
  storing.value = [...storing.peek(), action];
  try {
    await now.enqueue(type, payload, { opId: op_id, ...(if_seq === undefined ? {} : { ifSeq: if_seq }) });
  } finally {
    storing.value = storing.peek().filter((other) => other !== action);
  }
}

/** Forgets refused actions. */
export function dismiss(refused: readonly QueuedAction[]): void {
  const now = client.peek();
  if (now === null) return;
  for (const { action } of refused) now.dismiss(action.op_id);
  // The client tells nobody of it.
  queue.value = [...now.actions];
}

/** Whether a waiting action can still be taken back: it was never sent. */
export function mayWithdraw(opId: string): boolean {
  return client.value?.mayWithdraw(opId) ?? false;
}

/** Takes a waiting action back; nothing happens where it was sent meanwhile. */
export function withdraw(opId: string): void {
  client.peek()?.withdraw(opId);
}

/** How many of the user's changes are not on the server yet, those of other tabs included. */
export async function unsentInAllTabs(): Promise<number> {
  const own = unsent();
  const id = user.peek()?.id;
  if (id === undefined) return own;
  const store = await openStore(id);
  if (!(store instanceof IndexedDbStore)) return own;
  const mine = new Set(queue.peek().map(({ action }) => action.op_id));
  const others = (await store.opIds()).filter((opId) => !mine.has(opId));
  store.close();
  return own + others.length;
}

/** How many of this tab's changes are not on the server yet. */
export function unsent(): number {
  return queue.value.filter(({ state }) => state === "queued" || state === "sent").length;
}

/** Drops what the signed-in user has in the queue of this device, sent or not. */
export async function forgetQueue(): Promise<void> {
  const id = user.peek()?.id;
  if (id === undefined) return;
  client.peek()?.close();
  const store = await openStore(id);
  if (!(store instanceof IndexedDbStore)) return;
  await store.clear();
  store.close();
}

/** A topic on a page. */
export interface LiveTopic {
  /** All its records; another array after each change, at most once a frame. */
  readonly records: ReadonlySignal<readonly StoredRecord[]>;
  readonly status: ReadonlySignal<Status>;
}

/** Keeps a topic current as long as the component is there. `date`: records of other days are left out. */
export function useTopic(name: string, date?: string): LiveTopic {
  const records = useMemo(() => signal<readonly StoredRecord[]>([]), [name, date]);
  const topicStatus = useMemo(() => signal<Status>(status.peek()), [name, date]);
  const now = client.value;
  useEffect(() => {
    if (now === null) return undefined;
    return follow(now.subscribe(name, date === undefined ? { fetch: true } : { date, fetch: true }), records, topicStatus, () =>
      release(now, name),
    );
  }, [now, name, date]);
  return { records, status: topicStatus };
}

const users = new Map<string, number>();

function follow(topic: Topic, records: Signal<readonly StoredRecord[]>, topicStatus: Signal<Status>, end: () => void): () => void {
  users.set(topic.name, (users.get(topic.name) ?? 0) + 1);
  let frame: number | null = null;
  const show = (): void => {
    frame = null;
    records.value = topic.records();
  };
  // A burst of updates is shown once.
  const changed = (): void => {
    frame ??= document.hidden ? window.setTimeout(show) : requestAnimationFrame(show);
  };
  const removeChange = topic.onChange(changed);
  const removeStatus = topic.onStatus((now) => (topicStatus.value = now));
  topicStatus.value = topic.status;
  show();
  return () => {
    removeChange();
    removeStatus();
    end();
  };
}

/** Ends the subscription when no component shows the topic any more. */
function release(of: Client, name: string): void {
  const left = (users.get(name) ?? 1) - 1;
  users.set(name, left);
  if (left === 0) {
    users.delete(name);
    if (of.status.state !== "stopped") of.unsubscribe(name);
  }
}
