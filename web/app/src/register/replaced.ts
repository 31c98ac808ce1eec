/**
 * Marks of others that an own mark has replaced without its author having seen them: made while this device was
 * not connected. The journal tells what was between the mark that was seen and the one that was saved.
 */

import { computed, effect } from "@preact/signals";
import type { StoredAction } from "rollcall-client";

import { get, Unreachable } from "../api";
import { status } from "../live";
import type { Mark } from "../records";
import { keptSignal } from "../parts/kept";
import { user } from "../session";

/** An own action that was queued without a connection. `seen` is the seq of the mark that was shown then. */
interface Base {
  readonly student: string;
  readonly seen: number;
  readonly mark?: { readonly id: string; readonly seq: number; readonly school_id: string; readonly code: string | null };
}

const bases = keptSignal<Readonly<Record<string, Base>>>("bases", {});

/** What was replaced, and nobody has seen yet: the mark of the other person. */
export const replaced = keptSignal<readonly Mark[]>("replaced", []);

/** The seq that was shown when a waiting action was made, by op_id. */
export const seenBefore = computed(() => new Map(Object.entries(bases.value).map(([id, { seen }]) => [id, seen])));

/** An action is queued: remembers what its author saw. */
export function noteBase({ op_id, payload }: StoredAction, seen: number): void {
  if (status.peek().state === "live") return;
  bases.value = { ...bases.peek(), [op_id]: { student: String(payload["student_id"]), seen } };
}

/** An action is saved as `mark`. */
export function noteSaved({ op_id }: StoredAction, { id, seq, school_id, code }: Mark): void {
  const base = bases.peek()[op_id];
  if (base === undefined) return;
  bases.value = { ...bases.peek(), [op_id]: { ...base, mark: { id, seq, school_id: String(school_id), code } } };
}

/** An action was refused, which the row says by itself, or withdrawn. */
export function noteGone({ op_id }: StoredAction): void {
  if (op_id in bases.peek()) forget(op_id);
}

/** No more to be said about a mark of somebody else. */
export function forgetReplaced({ id }: Mark): void {
  replaced.value = replaced.peek().filter((mark) => mark.id !== id);
}

let isLooking = false;

effect(() => {
  const saved = Object.values(bases.value).some(({ mark }) => mark !== undefined);
  if (saved && status.value.state === "live" && !isLooking) void lookUp();
});

async function lookUp(): Promise<void> {
  isLooking = true;
  for (;;) {
    const next = Object.entries(bases.peek()).find(([, { mark }]) => mark !== undefined);
    if (next === undefined || !(await isLookedUp(next[1]))) break;
    forget(next[0]);
  }
  isLooking = false;
}

function forget(opId: string): void {
  bases.value = Object.fromEntries(Object.entries(bases.peek()).filter(([id]) => id !== opId));
}

/** False: the server cannot be reached, and is to be asked at the next connection. */
async function isLookedUp({ seen, mark }: Base): Promise<boolean> {
  if (mark === undefined) return true;
  const path = `/api/journal/school:${mark.school_id}?record=${mark.id}&after=${seen}&limit=500`;
  try {
    const { items } = await get<{ items: readonly { readonly seq: number; readonly data: Mark }[] }>(path);
    const between = items.filter(({ seq, data }) => seq < mark.seq && data.by !== user.peek()?.id);
    const last = between.at(-1)?.data;
    if (last !== undefined && last.code !== null && last.code !== mark.code) {
      replaced.value = [...replaced.peek().filter(({ id }) => id !== last.id), last];
    }
    return true;
  } catch (error) {
    return !(error instanceof Unreachable);
  }
}
