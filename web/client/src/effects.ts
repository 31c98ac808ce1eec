/** What the core wants done or told. It does no input and no output itself: the client carries these out. */

import type { Ack, Presence, Ready, StoredRecord, Update, WireError } from "./wire.js";

/** Why a token is asked for: to connect, to renew the one in use, or because of what the server said. */
export type Why =
  | "connect"
  | "renew"
  | "unauthenticated"
  | "expired"
  | "roles_changed"
  | "signed_out"
  | "disabled";

/**
 * How current something is, and since when (seconds since 1970).
 *
 * `offline`: there is no connection. `catching_up`: connected, and the server is being asked for what is
 * missing. `live`: what is shown is what the server has. `refused` (topics): the server gives no access, see
 * `error`. `stopped`: nothing goes on until a new client is made; `code` says why, and is null where the
 * application closed it.
 */
export interface Status {
  readonly state: "offline" | "catching_up" | "live" | "refused" | "stopped";
  readonly since: number;
  readonly error?: WireError;
  readonly code?: string | null;
}

/** One record of a topic, after and before a change; null where there is none. */
export interface Change {
  readonly kind: string;
  readonly id: string;
  readonly record: StoredRecord | null;
  readonly before: StoredRecord | null;
  /** The entry that made the change, or null where a snapshot did. */
  readonly update: Update | null;
}

/** An action as a store keeps it. `error`: it was refused, and nobody has dismissed it yet. */
export interface StoredAction {
  readonly op_id: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly if_seq?: number;
  readonly error?: WireError;
}

/**
 * An action on its way. `queued`: not sent, or not answered before the connection was lost. `sent`: without
 * an answer yet. `saved`: durable on the server, see `ack`. `refused`: see `error`. `withdrawn`: taken
 * back before it was sent.
 */
export interface QueuedAction {
  readonly action: StoredAction;
  readonly state: "queued" | "sent" | "saved" | "refused" | "withdrawn";
  readonly ack?: Ack;
  readonly error?: WireError;
}

export type TimerName = "connect" | "greeting" | "farewell" | "renew" | "answers" | "topics" | "actions";

export type Effect =
  /** Ask the application for a token; then `tokenGiven`, `tokenFailed` or `tokenDenied`. */
  | { readonly do: "ask_token"; readonly why: Why }
  /** Open a new connection; then `ready`, `refused` or `lost`. */
  | { readonly do: "connect"; readonly token: string }
  /** End the connection, or the attempt; nothing more is wanted of it. */
  | { readonly do: "disconnect" }
  /** Send an event on the connection; then `answered`. */
  | { readonly do: "emit"; readonly id: number; readonly event: string; readonly data: unknown }
  /** Get a topic's snapshot by HTTP; then `fetched`. */
  | { readonly do: "fetch"; readonly id: number; readonly topic: string; readonly date: string | null }
  /** Call `timer` after so many seconds, instead of what this timer was set to; null: not at all. */
  | { readonly do: "timer"; readonly name: TimerName; readonly after: number | null }
  /** Keep an action in the place of the one with the same op_id. */
  | { readonly do: "put"; readonly action: StoredAction }
  /** Forget an action. */
  | { readonly do: "remove"; readonly op_id: string }
  | Told;

/** What the application is told. */
export type Told =
  | { readonly do: "changed"; readonly topic: string; readonly changes: readonly Change[] }
  | { readonly do: "status"; readonly status: Status }
  | { readonly do: "topic_status"; readonly topic: string; readonly status: Status }
  | { readonly do: "action"; readonly action: QueuedAction }
  | { readonly do: "greeted"; readonly ready: Ready }
  | { readonly do: "closing"; readonly code: string }
  | { readonly do: "presence"; readonly presence: Presence };

/** Takes one effect. */
export type Give = (effect: Effect) => void;
