/** What travels between a client and the server, as docs/protocol.md describes it. */

/** A place in a room's journal. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** A stored object; `seq` is the journal number that last changed it. */
export interface StoredRecord {
  readonly kind: string;
  readonly id: string;
  readonly seq: number;
  readonly deleted?: boolean;
  readonly [field: string]: unknown;
}

/** An entry of a topic: one record after one change. */
export interface Update {
  readonly topic: string;
  readonly seq: number;
  readonly prev: number;
  readonly type: string;
  readonly data: StoredRecord;
  readonly by: string | null;
  readonly at: string;
  readonly op_id: string | null;
}

/** Why something was refused: the same object at both doors. `retry_after` is in seconds. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  readonly current?: StoredRecord;
  readonly retry_after?: number;
}

/** The answer to an accepted action. */
export interface Ack {
  readonly ok: true;
  readonly op_id: string;
  readonly room: string;
  readonly seq: number;
  readonly data: StoredRecord | readonly StoredRecord[];
  readonly duplicate: boolean;
}

/** An answer of the server: what was asked for, or an error. */
export type Answer<Success> =
  | ({ readonly ok: true } & Success)
  | { readonly ok: false; readonly error: WireError };

/** A topic as `GET /api/topics/{topic}` answers it. */
export interface Snapshot {
  readonly position: Position;
  readonly records: readonly StoredRecord[];
}

/** The reply about one topic of a `subscribe`. */
export type Reply =
  | {
      readonly topic: string;
      readonly mode: "tail";
      readonly position: Position;
      readonly entries: readonly Update[];
    }
  | ({ readonly topic: string; readonly mode: "snapshot" } & Snapshot)
  | { readonly topic: string; readonly error: WireError };

/** What the server greets a client with. */
export interface Ready {
  readonly user: { readonly id: string; readonly name: string; readonly roles: readonly Role[] };
  readonly topics: readonly { readonly topic: string; readonly name: string }[];
  readonly server: { readonly node: string; readonly version: string };
  readonly time: string;
}

export interface Role {
  readonly role: string;
  readonly scope: string;
}

/** Who came or went, of the subscribers of a topic; or, in a crowd, how many are there now. */
export interface Presence {
  readonly topic: string;
  readonly joined?: Present;
  readonly left?: Present;
  readonly count?: number;
}

export interface Present {
  readonly id: string;
  readonly name: string;
  readonly since: string;
}

/** An access token with the seconds it is still good for, as a sign-in or a refresh answers them. */
export interface Token {
  readonly access_token: string;
  readonly expires_in: number;
}

/**
 * In the place of an access token: it is in a cookie of the page's own server, which scripts cannot read
 * (docs/protocol.md, Cookies for pages).
 */
export const COOKIE = "cookie";

/** Whether the same may be sent again: nothing was decided, or what was decided will be told again. */
export function isRetryable(error: WireError): boolean {
  return error.code === "unavailable" || error.code === "rate_limited";
}
