/**
 * Actions whose answer somebody waits for. They do not go into the queue of this device: a first password must not
 * be kept there, and a form that is refused is still open to be mended.
 */

import type { Ack, StoredRecord } from "rollcall-client";

import { Rejected, request } from "../api";

/** The op_ids of what was sent and has no answer: sent again it must not act twice. */
const unanswered = new Map<string, string>();

/** Sends an action and gives the record that it is about. Rejected, Unreachable. */
export async function act<R extends StoredRecord>(type: string, payload: object, ifSeq?: number): Promise<R> {
  const action = { type, payload, ...(ifSeq === undefined ? {} : { if_seq: ifSeq }) };
  const key = JSON.stringify(action);
  const op_id = unanswered.get(key) ?? randomText("0123456789abcdef", 32);
  unanswered.set(key, op_id);
  try {
    const ack = await request<Ack>("POST", "/api/actions", { ...action, op_id });
    unanswered.delete(key);
    return ack.data as R;
  } catch (error) {
    if (error instanceof Rejected && error.status < 500) unanswered.delete(key);
    throw error;
  }
}

/** Letters by chance, each as likely as the others. */
export function randomText(letters: string, length: number): string {
  const fair = 256 - (256 % letters.length);
  let text = "";
  while (text.length < length) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte !== undefined && byte < fair) text += letters[byte % letters.length];
  }
  return text;
}

/** Without letters and digits that look alike. */
const LEGIBLE = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** A password of 93 random bits, in groups that can be read out. */
export function newPassword(): string {
  return [1, 2, 3, 4].map(() => randomText(LEGIBLE, 4)).join("-");
}
