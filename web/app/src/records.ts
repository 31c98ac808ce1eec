/** The records that pages show, as docs/protocol.md describes them. */

import type { StoredRecord } from "rollcall-client";

import { serverNow } from "./server_time";

export interface Code {
  readonly code: string;
  readonly label: string;
  readonly direction: "in" | "out";
  readonly category: string;
  readonly late: boolean;
  /** The half of the day that it is for; null: both. Undefined in what was kept before there was this field. */
  readonly half?: "morning" | "afternoon" | null;
  readonly roles: readonly string[];
  readonly colour: string;
}

export interface Period {
  readonly id: string;
  readonly name: string;
  readonly start: string;
  readonly end: string;
}

/** `GET /api/schools/{id}`. */
export interface School extends StoredRecord {
  readonly name: string;
  readonly time_zone: string;
  readonly periods: readonly Period[];
  readonly code_set: string;
  readonly codes: readonly Code[];
  readonly mark_days_back: number;
}

export interface Class extends StoredRecord {
  readonly kind: "class";
  readonly school_id: string;
  readonly name: string;
  readonly archived: boolean;
}

export interface Student extends StoredRecord {
  readonly kind: "student";
  readonly given_name: string;
  readonly family_name: string;
  readonly preferred_name: string | null;
  readonly archived: boolean;
}

export interface Enrolment extends StoredRecord {
  readonly kind: "enrolment";
  readonly class_id: string;
  readonly student_id: string;
  readonly from: string;
  readonly to: string | null;
}

export interface Mark extends StoredRecord {
  readonly kind: "mark";
  readonly class_id: string;
  readonly student_id: string;
  readonly date: string;
  readonly period: string;
  readonly code: string | null;
  readonly minutes_late: number | null;
  readonly note: string | null;
  readonly source: string;
  readonly by: string | null;
  /** Undefined in records that are older than the field. */
  readonly by_name?: string | null;
  readonly at: string;
}

export interface Register extends StoredRecord {
  readonly kind: "register";
  readonly class_id: string;
  readonly date: string;
  readonly period: string;
  readonly state: "open" | "taken";
  readonly taken_by: string | null;
  /** Undefined in records that are older than the field. */
  readonly taken_by_name?: string | null;
  readonly taken_at: string | null;
  readonly unmarked: number | null;
}

export interface Tally extends StoredRecord {
  readonly kind: "tally";
  readonly class_id: string;
  readonly date: string;
  readonly period: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly on_roll: number;
}

export interface Summary extends StoredRecord {
  readonly kind: "summary";
  readonly school_id: string;
  readonly date: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly on_roll: number;
  readonly registers: { readonly open: number; readonly taken: number };
}

export interface PlannedAbsence extends StoredRecord {
  readonly kind: "absence";
  readonly school_id: string;
  readonly student_id: string;
  readonly from: string;
  readonly to: string;
  /** Null: all. */
  readonly periods: readonly string[] | null;
  readonly code: string;
  readonly reason: string;
  readonly by: string;
  readonly by_name: string;
}

/** The records of one kind. */
export function of<R extends StoredRecord>(records: readonly StoredRecord[], kind: R["kind"]): R[] {
  return records.filter((record): record is R => record.kind === kind);
}

/** The name that a student goes by. */
export function fullName({ given_name, family_name, preferred_name }: Student): string {
  return `${preferred_name ?? given_name} ${family_name}`;
}

/** The students of a class's records who are on roll in it that day, archived ones too. */
export function onRoll(records: readonly StoredRecord[], classId: string, date: string): Student[] {
  const ids = new Set(
    of<Enrolment>(records, "enrolment")
      .filter(({ class_id, from, to }) => class_id === classId && from <= date && (to === null || date <= to))
      .map(({ student_id }) => student_id),
  );
  return of<Student>(records, "student").filter(({ id }) => ids.has(id));
}

/** Today in a time zone, `YYYY-MM-DD`. */
export function todayIn(timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(serverNow());
}
