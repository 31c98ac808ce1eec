/** The queue of actions on their way to the server. */

import type { Give, QueuedAction, StoredAction } from "./effects.js";
import { QueueError } from "./errors.js";
import { pauseAfter } from "./pause.js";
import type { Requests } from "./requests.js";
import { isRetryable, type Ack, type WireError } from "./wire.js";

/** The server reads on only when one of so many actions has its answer. */
const IN_FLIGHT = 32;

/** Actions that may be in the queue, those included that were refused and not dismissed. */
export const MOST_QUEUED = 10_000;

/**
 * Bytes of an action as it is sent. The server ends the connection at a message of more than 256 KiB, and an
 * action that always does so would hold back all others for ever.
 */
const LARGEST = 250_000;

/** What else a payload is about, besides ids. */
const SUBJECT = ["date", "period"];

/** Seconds to wait where an error that may go away does not say how long. */
const RETRY_AFTER = 1;

/** Half of a character: what is left at the end of a text that is cut in the middle of an emoji. */
const HALF = /\p{Surrogate}/u;

/** The fields of a payload that say what it is about. */
type Subject = ReadonlyMap<string, string>;

class Item {
  state: QueuedAction["state"] = "queued";
  isStored = false;
  /** Whether the server may have it. */
  mayBeSent = false;
  readonly subject: Subject;

  constructor(public action: StoredAction) {
    this.subject = subjectOf(action);
  }
}

/**
 * Sends actions in the order in which they were queued, each until it has its answer.
 *
 * An action is sent once it is stored. Up to 32 are without an answer, and none of them may be about the same
 * as another: so an action that has to be sent again is never overtaken by a later one about the same.
 */
export class Outgoing {
  private readonly items = new Map<string, Item>();
  private isOpen = false;
  private isPaused = false;
  private failures = 0;

  constructor(
    private readonly give: Give,
    private readonly requests: Requests,
    private readonly random: () => number,
  ) {}

  /** What is stored and on its way or refused, in the order of queueing. */
  get actions(): QueuedAction[] {
    return [...this.items.values()].filter((item) => item.isStored).map(told);
  }

  /** Gives an action its place at the end. It counts as queued once `stored` says it is kept. QueueError. */
  enqueue(action: StoredAction): void {
    if (this.items.has(action.op_id)) throw new QueueError(`${action.op_id} is in the queue already`);
    if (this.items.size >= MOST_QUEUED) {
      throw new QueueError(`${MOST_QUEUED} actions are in the queue already`);
    }
    checkReadable(action);
    this.items.set(action.op_id, new Item(action));
  }

  /** Actions that a store has kept from before, in their order; those that are here already are left out. */
  restore(actions: readonly StoredAction[]): void {
    for (const action of actions) {
      if (this.items.has(action.op_id)) continue;
      const item = new Item(action);
      item.isStored = true;
      item.mayBeSent = true;
      if (action.error !== undefined) item.state = "refused";
      this.items.set(action.op_id, item);
      this.tell(item);
    }
    this.send();
  }

  /** The store has the action: it may be sent. */
  stored(op_id: string): void {
    const item = this.items.get(op_id);
    if (item === undefined || item.isStored) return;
    item.isStored = true;
    this.tell(item);
    this.send();
  }

  /** The store could not take the action: it is as if it had never been queued. */
  unstored(op_id: string): void {
    if (this.items.get(op_id)?.isStored === false) this.items.delete(op_id);
    this.send();
  }

  /** Forgets an action that was refused; nothing happens to any other. */
  dismiss(op_id: string): void {
    if (this.items.get(op_id)?.state !== "refused") return;
    this.items.delete(op_id);
    this.give({ do: "remove", op_id });
  }

  /** Whether an action has been sent neither by this client nor, as far as is known, by an earlier one. */
  mayWithdraw(op_id: string): boolean {
    const item = this.items.get(op_id);
    return item !== undefined && item.isStored && !item.mayBeSent;
  }

  /** Takes back an action that was never sent: it will not be. False: it may have been, and nothing is changed. */
  withdraw(op_id: string): boolean {
    const item = this.items.get(op_id);
    if (item === undefined || !this.mayWithdraw(op_id)) return false;
    this.items.delete(op_id);
    this.give({ do: "remove", op_id });
    this.move(item, "withdrawn");
    this.send();
    return true;
  }

  /** There is a connection. */
  opened(): void {
    this.isOpen = true;
    this.send();
  }

  /** The server reads nothing more from this connection; it may still answer. */
  closing(): void {
    this.isOpen = false;
  }

  /** The connection is gone: what has no answer yet is sent again on the next one. */
  lost(): void {
    this.isOpen = false;
    for (const item of this.items.values()) {
      if (item.state === "sent") this.move(item, "queued");
    }
  }

  /** The pause after a failure is over. */
  again(): void {
    this.isPaused = false;
    this.send();
  }

  private send(): void {
    if (!this.isOpen || this.isPaused) return;
    const before: Item[] = [];
    for (const item of this.items.values()) {
      if (item.state === "refused") continue;
      if (before.length === IN_FLIGHT) return;
      if (item.state === "queued") {
        if (!item.isStored || before.some((other) => areAboutTheSame(other.subject, item.subject))) return;
        this.sendOne(item);
      }
      before.push(item);
    }
  }

  private sendOne(item: Item): void {
    const { op_id, type, payload, if_seq } = item.action;
    const envelope = { type, payload, op_id, ...(if_seq === undefined ? {} : { if_seq }) };
    item.mayBeSent = true;
    this.move(item, "sent");
    this.requests.send("action", envelope, (answer) => {
      this.take(item, answer as Ack | { readonly ok: false; readonly error: WireError });
      this.send();
    });
  }

  private take(item: Item, answer: Ack | { readonly ok: false; readonly error: WireError }): void {
    const { op_id } = item.action;
    if (answer.ok) {
      this.failures = 0;
      this.items.delete(op_id);
      this.give({ do: "remove", op_id });
      this.give({ do: "action", action: { action: item.action, state: "saved", ack: answer } });
    } else if (isRetryable(answer.error)) {
      this.move(item, "queued");
      this.pause(answer.error);
    } else {
      this.failures = 0;
      this.refuse(item, answer.error);
    }
  }

  private pause(error: WireError): void {
    if (this.isPaused) return;
    this.isPaused = true;
    const after = (error.retry_after ?? RETRY_AFTER) + pauseAfter(this.failures++, this.random);
    this.give({ do: "timer", name: "actions", after });
  }

  private refuse(item: Item, error: WireError): void {
    item.action = { ...item.action, error };
    this.give({ do: "put", action: item.action });
    this.move(item, "refused");
  }

  private move(item: Item, state: QueuedAction["state"]): void {
    item.state = state;
    this.tell(item);
  }

  private tell(item: Item): void {
    this.give({ do: "action", action: told(item) });
  }
}

function told(item: Item): QueuedAction {
  const { error } = item.action;
  return { action: item.action, state: item.state, ...(error === undefined ? {} : { error }) };
}

/**
 * QueueError for what the server could not read as it is meant, and what might therefore be sent again for
 * ever: what is no JSON, such as NaN or half an emoji, and what is too large.
 */
function checkReadable(action: StoredAction): void {
  const text = JSON.stringify(action, (name, value: unknown) => {
    if (HALF.test(name) || (typeof value === "string" && HALF.test(value))) {
      throw new QueueError(`the action cannot be sent: half a character in ${name}`);
    }
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new QueueError(`the action cannot be sent: ${name} is ${value}`);
    }
    return value;
  });
  if (new TextEncoder().encode(text).length > LARGEST) {
    throw new QueueError(`the action has more than ${LARGEST} bytes`);
  }
}

/** What a payload is about, as far as a client can tell. */
function subjectOf(action: StoredAction): Subject {
  const subject = new Map<string, string>();
  for (const [name, value] of Object.entries(action.payload)) {
    if (typeof value === "string" && (name.endsWith("_id") || SUBJECT.includes(name))) subject.set(name, value);
  }
  return subject;
}

/** Whether two actions may be about the same: no field that both have says otherwise. */
function areAboutTheSame(one: Subject, other: Subject): boolean {
  for (const [name, value] of one) {
    if (other.has(name) && other.get(name) !== value) return false;
  }
  return true;
}
