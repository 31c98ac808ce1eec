/** Requests to the server's HTTP door. The session's cookies go with them by themselves. */

import type { WireError } from "rollcall-client";

import { heard } from "./server_time";
import { renewed } from "./session";

/** Seconds for an answer. */
const LIMIT = 20;

/** The server has refused a request; `status` is that of HTTP. */
export class Rejected extends Error {
  constructor(
    readonly status: number,
    readonly error: WireError,
  ) {
    super(error.message);
  }
}

/** The server could not be reached, or did not answer in time. */
export class Unreachable extends Error {}

/** Sends a request and gives the JSON of its answer. Rejected, Unreachable. */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  try {
    return await send<T>(method, path, body);
  } catch (error) {
    if (!(error instanceof Rejected) || error.status !== 401 || path.startsWith("/api/web/")) throw error;
  }
  // The device may have slept for longer than the access token was good for.
  await renewed("unauthenticated");
  return await send<T>(method, path, body);
}

async function send<T>(method: string, path: string, body: unknown): Promise<T> {
  let answer: Response;
  let json: unknown;
  try {
    answer = await fetch(path, {
      method,
      // A page of another origin cannot send this header, so a request that has it is one of ours.
      headers: {
        "X-Rollcall-Web": "1",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      signal: AbortSignal.timeout(LIMIT * 1000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // What has been kept offline, and tells an old time, are answers to GET alone.
    if (method !== "GET") heard(answer.headers.get("Date"));
    json = await answer.json();
  } catch {
    throw new Unreachable();
  }
  if (!answer.ok) throw new Rejected(answer.status, (json as { error: WireError }).error);
  return json as T;
}

/** GET. Rejected, Unreachable. */
export function get<T>(path: string): Promise<T> {
  return request<T>("GET", path);
}

/** A page of a list. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** The most that the server puts on a page. */
export const MOST = 500;

/** The address of a page of the list at `path`. */
export function pageOf(path: string, limit: number, cursor: string | null): string {
  const more = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
  return `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${more}`;
}

/** All items of a list, read page by page. Rejected, Unreachable. */
export async function getAll<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Listed<T> = await get(pageOf(path, MOST, cursor));
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}
