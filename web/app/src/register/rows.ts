/** The rows of a sheet: what the server has, and on it what is on its way there. */

import type { QueuedAction, StoredRecord } from "rollcall-client";

import { fullName, of, onRoll, type Mark, type Student } from "../records";
import { isOn, type Place, type Value } from "./acts";

export type Order = "family" | "given";

/** A student on a sheet. */
export interface Row {
  readonly student: Student;
  readonly name: string;
  /** What the server has, as far as is known here. */
  readonly mark: Mark | null;
  /** What is shown: with the user's own acts that have no answer yet. Null: no mark. */
  readonly value: Value | null;
  readonly state: "none" | "queued" | "sent" | "saved";
  /** The op_id of the user's last act about the student that waits; null: none does. */
  readonly waiting: string | null;
  readonly refused: readonly QueuedAction[];
  /** A mark of somebody else that came while an own one waits. */
  readonly also: Mark | null;
}

/** Whether what is shown was planned, and nobody has marked the student since. */
export function isPlanned({ mark, value }: Row): boolean {
  return value !== null && value === mark && mark.source === "planned";
}

/** What rows are made of. */
export interface Known {
  readonly records: readonly StoredRecord[];
  readonly answered: ReadonlyMap<string, Mark>;
  readonly acts: readonly QueuedAction[];
  /** By op_id: the seq of the mark that was there when a waiting act was done. */
  readonly seen: ReadonlyMap<string, number>;
  readonly me: string;
}

/** The students on roll in the class that day who are not archived, in order. */
function studentsOn(records: readonly StoredRecord[], { class_id, date }: Place, order: Order, language: string): Student[] {
  const students = onRoll(records, class_id, date).filter(({ archived }) => !archived);
  const { compare } = new Intl.Collator(language);
  const given = (one: Student): string => one.preferred_name ?? one.given_name;
  return students.sort((a, b) => {
    const [family, first] = [compare(a.family_name, b.family_name), compare(given(a), given(b))];
    return (order === "family" ? family || first : first || family) || compare(a.id, b.id);
  });
}

/** The marks of a sheet by student. An answer may be newer than the topic, and the topic newer than an answer. */
function marksOf({ records, answered }: Known, place: Place): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const mark of [...of<Mark>(records, "mark"), ...answered.values()]) {
    if (mark.class_id !== place.class_id || mark.date !== place.date || mark.period !== place.period) continue;
    if ((marks.get(mark.student_id)?.seq ?? 0) < mark.seq) marks.set(mark.student_id, mark);
  }
  return marks;
}

/** The rows of one sheet. */
export function rowsOf(known: Known, place: Place, order: Order, language: string): Row[] {
  const marks = marksOf(known, place);
  const here = known.acts.filter(({ action }) => isOn(action, place));
  return studentsOn(known.records, place, order, language).map((student) => rowOf(student, marks.get(student.id) ?? null, here, known));
}

function rowOf(student: Student, mark: Mark | null, here: readonly QueuedAction[], known: Known): Row {
  const about = here.filter(({ action }) => action.payload["student_id"] === student.id);
  let value: Value | null = mark?.code == null ? null : mark;
  let state: Row["state"] = value === null ? "none" : "saved";
  for (const { action, state: now } of here) {
    if (now === "refused") continue;
    const next = after(value, action, student.id);
    if (next === value) continue;
    value = next;
    state = now === "sent" ? "sent" : "queued";
  }
  const [first] = about.filter(({ state: now }) => now !== "refused");
  const seen = first === undefined ? undefined : known.seen.get(first.action.op_id);
  const isAlso =
    mark !== null && mark.code !== null && seen !== undefined && mark.seq > seen && mark.by !== known.me && mark.code !== value?.code;
  return {
    student,
    name: fullName(student),
    mark,
    value,
    state,
    waiting: about.filter(({ state: now }) => now === "queued").at(-1)?.action.op_id ?? null,
    refused: about.filter(({ state: now }) => now === "refused"),
    also: isAlso ? mark : null,
  };
}

/** What an action makes of what is shown of a student. */
function after(value: Value | null, { type, payload }: QueuedAction["action"], studentId: string): Value | null {
  if (type === "attendance.mark_all") {
    if (value !== null) return value;
  } else if (payload["student_id"] !== studentId) {
    return value;
  } else if (type === "attendance.clear") {
    return null;
  }
  if (type !== "attendance.mark" && type !== "attendance.mark_all") return value;
  return {
    code: String(payload["code"]),
    minutes_late: (payload["minutes_late"] as number | undefined) ?? null,
    note: (payload["note"] as string | undefined) ?? null,
  };
}

/** Whether a name has what is searched for, whatever its case and accents. */
export function matches(name: string, search: string): boolean {
  return plain(name).includes(plain(search));
}

function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase().trim();
}
