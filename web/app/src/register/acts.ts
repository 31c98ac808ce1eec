/** What the user does on a sheet: queued, shown at once, and followed until the server has answered. */

import { effect, signal } from "@preact/signals";
import type { QueuedAction, StoredAction } from "rollcall-client";

import { client, dismiss, enqueue, newAction } from "../live";
import { t } from "../messages";
import type { Mark } from "../records";
import { noteBase, noteGone, noteSaved } from "./replaced";

/** Which sheet. */
export interface Place {
  readonly class_id: string;
  readonly date: string;
  readonly period: string;
}

/** What a mark says. */
export interface Value {
  readonly code: string | null;
  readonly minutes_late: number | null;
  readonly note: string | null;
}

/** Marks that one «all present» has set. */
export interface Undo {
  readonly place: Place;
  readonly marks: readonly Mark[];
}

/** Marks as answers have told them, by id: the topic may bring them a little later. */
export const answered = signal<ReadonlyMap<string, Mark>>(new Map());

/** What can be undone; null: nothing. */
export const undo = signal<Undo | null>(null);

/** Why the last act could not even be queued. */
export const trouble = signal("");

effect(() => {
  const now = client.value;
  answered.value = new Map();
  undo.value = null;
  return now?.onAction(follow);
});

function follow({ action, state, ack }: QueuedAction): void {
  if (state === "refused" || state === "withdrawn") noteGone(action);
  if (state !== "saved" || ack === undefined || !action.type.startsWith("attendance.")) return;
  const marks = [ack.data].flat().filter((record): record is Mark => record.kind === "mark");
  answered.value = new Map([...answered.value, ...marks.map((mark) => [mark.id, mark] as const)]);
  if (action.type === "attendance.mark_all") undo.value = { place: placeOf(action), marks };
  const [mark] = marks;
  if (mark !== undefined) noteSaved(action, mark);
}

/** Marks a student, or clears the mark. `before`: what is there as far as this page knows. */
export function mark(place: Place, studentId: string, value: Value, before: Mark | null): void {
  const { code, minutes_late, note } = value;
  const about = { ...place, student_id: studentId };
  if (code === null) {
    add("attendance.clear", about, before);
    return;
  }
  const details = { ...(minutes_late === null ? {} : { minutes_late }), ...(note === null ? {} : { note }) };
  add("attendance.mark", { ...about, code, ...details }, before);
}

/** Marks everybody who has no mark. */
export function markAll(place: Place, code: string): void {
  undo.value = null;
  add("attendance.mark_all", { ...place, code });
}

/** Clears what «all present» has set and nobody has changed since. `current`: the marks as they are now. */
export function undoAll({ place, marks }: Undo, current: ReadonlyMap<string, Mark>): void {
  undo.value = null;
  for (const set of marks) {
    const now = current.get(set.student_id);
    if (now !== undefined && now.seq !== set.seq) continue;
    add("attendance.clear", { ...place, student_id: set.student_id }, set, set.seq);
  }
}

export function take(place: Place): void {
  add("attendance.take", { ...place });
}

export function reopen(place: Place): void {
  add("attendance.reopen", { ...place });
}

/** Sends what was refused again, whatever is there now. */
export function sendAgain(refused: readonly QueuedAction[], before: Mark | null): void {
  const last = refused.at(-1);
  if (last === undefined) return;
  add(last.action.type, last.action.payload, before);
  dismiss(refused);
}

/** Whether an action is about a sheet. */
export function isOn({ payload }: StoredAction, { class_id, date, period }: Place): boolean {
  return payload["class_id"] === class_id && payload["date"] === date && payload["period"] === period;
}

function placeOf({ payload }: StoredAction): Place {
  return { class_id: String(payload["class_id"]), date: String(payload["date"]), period: String(payload["period"]) };
}

function add(type: string, payload: StoredAction["payload"], before: Mark | null = null, ifSeq?: number): void {
  const now = client.peek();
  if (now === null) return;
  const action = newAction(type, payload);
  if ("student_id" in payload) noteBase(action, before?.seq ?? 0);
  enqueue(now, ifSeq === undefined ? action : { ...action, if_seq: ifSeq }).then(
    () => (trouble.value = ""),
    (error: Error) => (trouble.value = t("reg_not_kept", { reason: error.message })),
  );
}
