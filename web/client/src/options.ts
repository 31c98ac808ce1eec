/** What a client is made and called with. */

import type { StoredAction, Why } from "./effects.js";
import type { Store } from "./store.js";
import type { Token } from "./wire.js";

export interface ClientOptions {
  /** The id of the user who acts. */
  readonly user: string;
  /**
   * Gives an access token whenever one is needed, only one at a time. Null: there is none any more, and the
   * client stops. Rejected: it is asked again after a pause.
   */
  readonly token: (why: Why) => Promise<Token | null>;
  /** The server's address; in a browser by default that of the page. */
  readonly url?: string;
  /** Where actions are kept until they are answered; by default in memory. */
  readonly store?: Store;
  /** The home room, such as `school:s1`: its people meet on one node where there are several. */
  readonly affinity?: string;
  /** The transports to try, in this order. */
  readonly transports?: readonly ("websocket" | "polling")[];
}

export interface SubscribeOptions {
  /** The day of the snapshot, `YYYY-MM-DD`; records of other days are then left out. By default today's. */
  readonly date?: string;
  /** Get snapshots by HTTP, compressed: for large topics such as a school's. */
  readonly fetch?: boolean;
}

export interface ActOptions {
  /** Refuse with `conflict` unless the record the action is about has this seq; 0: there is none yet. */
  readonly ifSeq?: number;
  /** 1 to 64 of `A-Z a-z 0-9 _ -`, unique for each action; by default a random one. */
  readonly opId?: string;
}

/** An action with these options; its op_id is a random one unless one is given. */
export function actionOf(type: string, payload: StoredAction["payload"], options: ActOptions): StoredAction {
  const { ifSeq, opId = randomOpId() } = options;
  return { op_id: opId, type, payload, ...(ifSeq === undefined ? {} : { if_seq: ifSeq }) };
}

/** 128 random bits. Node 18 has no global `crypto`; an op_id has to be unique, not secret. */
export function randomOpId(): string {
  const bytes = new Uint8Array(16);
  if (globalThis.crypto === undefined) bytes.forEach((_, n) => (bytes[n] = Math.random() * 256));
  else crypto.getRandomValues(bytes);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
