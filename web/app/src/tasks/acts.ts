/** What the user does to tasks: into the queue, and what has become of it. */

import { effect, signal } from "@preact/signals";
import type { QueuedAction, StoredAction, StoredRecord } from "rollcall-client";

import { client, dismiss, enqueue, newAction } from "../live";
import type { Task } from "./records";

/** An action that the server has accepted a moment ago, and the record as it left it. */
export interface Saved {
  readonly action: StoredAction;
  readonly data: StoredRecord;
}

/**
 * How long an accepted action is shown as saved, in ms. The topic has its record long before; until then the
 * answer's record is shown, so that nothing jumps back for a moment.
 */
const SHOWN_AS_SAVED = 4000;

export const saved = signal<readonly Saved[]>([]);

/** Why the last action could not even be queued; empty: it could. */
export const notQueued = signal("");

/** The seq at which this page itself has given a field its value, by `task.field`. */
const own = new Map<string, number>();

effect(() => {
  const now = client.value;
  if (now === null) return undefined;
  const remove = now.onAction((step) => {
    if (!step.action.type.startsWith("task.")) return;
    if (step.state === "saved") noteSaved(step);
    else if (step.state === "refused" && isOwnClash(step)) queueMicrotask(() => sendAgain(step));
  });
  return () => {
    remove();
    saved.value = [];
    own.clear();
  };
});

/** Queues an action. Where that fails `notQueued` says why. */
export function send(type: string, payload: StoredAction["payload"]): void {
  const now = client.peek();
  if (now === null) return;
  notQueued.value = "";
  enqueue(now, newAction(type, payload)).catch((error: Error) => (notQueued.value = error.message));
}

/** The fields that a refused update clashes in; none where it was refused for another reason. */
export function clashingFields({ action, error }: QueuedAction): string[] {
  if (action.type !== "task.update" || error?.code !== "conflict") return [];
  return Object.keys(error.fields ?? {}).map((path) => path.replace(/^set\./, ""));
}

function noteSaved({ action, ack }: QueuedAction): void {
  const data = ack?.data as StoredRecord;
  if (data.kind === "task" && !data.deleted) {
    for (const [field, seq] of Object.entries((data as Task).changed)) {
      if (seq === data.seq) own.set(`${data.id}.${field}`, seq);
    }
  }
  const entry = { action, data };
  saved.value = [...saved.value, entry];
  setTimeout(() => (saved.value = saved.value.filter((other) => other !== entry)), SHOWN_AS_SAVED);
}

/** Whether an update clashes only with what this page itself sent before it: edits made in a row while offline. */
function isOwnClash(step: QueuedAction): boolean {
  const fields = clashingFields(step);
  const current = step.error?.current as Task | undefined;
  return fields.length > 0 && fields.every((field) => current?.changed[field] === own.get(`${current?.id}.${field}`));
}

function sendAgain(step: QueuedAction): void {
  dismiss([step]);
  send("task.update", { ...step.action.payload, base_seq: step.error?.current?.seq });
}
