/** What lines of a journal say, in words. */

import type { Role, StoredRecord } from "rollcall-client";

import { dateOf, momentOf, number, t } from "../messages";
import type { Messages } from "../messages/en";
import { weekday } from "../parts/weekdays";
import type { Period } from "../records";
import { nameOf, nameOfScope, type Noun } from "./names";
import { type Entry, nameOfStudent, type Pupil } from "./records";
import { roleName } from "./role_names";

/** What users do, by the part of the journals where it is. */
export const TYPES: Readonly<Record<string, readonly string[]>> = {
  school: [
    "attendance.mark",
    "attendance.mark_all",
    "attendance.clear",
    "attendance.take",
    "attendance.reopen",
    "attendance.plan",
    "attendance.unplan",
    "class.create",
    "class.update",
    "class.archive",
    "class.unarchive",
    "student.create",
    "student.update",
    "student.archive",
    "student.unarchive",
    "enrolment.create",
    "enrolment.end",
  ],
  team: ["task.create", "task.update", "task.complete", "task.reopen", "task.assign", "task.comment", "task.move", "task.delete", "task.restore"],
  org: [
    "user.create",
    "user.sign_up",
    "user.update",
    "user.set_roles",
    "user.set_password",
    "user.disable",
    "user.enable",
    "school.create",
    "school.update",
    "school.archive",
    "school.unarchive",
    "team.create",
    "team.update",
    "team.archive",
    "team.unarchive",
    "team.add_member",
    "team.remove_member",
  ],
};

/** Whether an entry is what it was made for, and not what the server has derived or copied from it. */
export function isDeed({ room, type }: Entry): boolean {
  return (TYPES[room.split(":")[0] ?? ""] ?? []).includes(type);
}

const KNOWN = new Set(Object.values(TYPES).flat());

/** What was done; what the server does by itself has no words. */
export function deed(type: string): string {
  return KNOWN.has(type) ? t(type as keyof Messages) : type;
}

/** What it was done to. `before`: its state before, as far as it is known: of what is gone an entry says no more. */
export function about({ data: after }: Entry, before: StoredRecord | null | undefined): string {
  const data = after.deleted ? (before ?? after) : after;
  const name = (noun: Noun, field: string): string => (typeof data[field] === "string" ? nameOf(noun, data[field]) : "");
  const own = typeof data["name"] === "string" ? data["name"] : "";
  switch (data.kind) {
    case "mark":
      return join(name("student", "student_id"), name("class", "class_id"), ...lesson(data));
    case "register":
    case "tally":
      return join(name("class", "class_id"), ...lesson(data));
    case "enrolment":
      return join(name("student", "student_id"), name("class", "class_id"));
    case "absence":
      return join(name("student", "student_id"), ...["from", "to"].map((end) => (data.deleted ? "" : dateOf(String(data[end])))));
    case "student":
      return data.deleted ? data.id : nameOfStudent(data as Pupil);
    case "member":
      return join(own, name("team", "team_id"));
    case "task":
      return String(data["title"] ?? data.id);
    case "comment":
      return String(data["text"] ?? data.id).slice(0, 80);
    case "trash":
      return String((data["task"] as { title?: string } | undefined)?.title ?? data.id);
    case "summary":
      return join(name("school", "school_id"), dateOf(String(data["date"])));
    default:
      return own === "" ? data.id : own;
  }
}

function lesson(data: StoredRecord): string[] {
  return [dateOf(String(data["date"])), t("admin_period", { number: String(data["period"]) })];
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}

export interface Difference {
  readonly field: string;
  readonly from: string;
  readonly to: string;
}

/** What every record has, what says only where it belongs, and what the server keeps for itself. */
const SILENT = new Set([
  ...["kind", "id", "seq", "org_seq", "deleted", "by", "by_name", "taken_by_name", "at", "scopes", "changed", "assigned", "rank", "created_at", "created_by"],
  ...["school_id", "class_id", "student_id", "team_id", "task_id", "user_id", "class_ids", "date", "period", "taken_at"],
]);

/** The fields in which two states differ; before the first state there was nothing. */
export function differences(before: StoredRecord | null, after: StoredRecord): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])].filter((name) => !SILENT.has(name));
  const told = names.filter((field) => before !== null || after[field] !== false);
  const found = told.map((field) => ({ field, from: value(field, before?.[field]), to: value(field, after[field]) }));
  return found.filter(({ from, to }) => from !== to);
}

const FIELDS: Readonly<Record<string, keyof Messages>> = {
  name: "name",
  email: "email",
  roles: "roles",
  role: "admin_role",
  disabled: "admin_disabled",
  archived: "admin_archived",
  code: "admin_code",
  minutes_late: "admin_minutes_late",
  note: "admin_note",
  source: "admin_source",
  state: "admin_state",
  from: "admin_first_day",
  to: "admin_last_day",
  given_name: "admin_given_name",
  family_name: "admin_family_name",
  preferred_name: "admin_preferred_name",
  external_id: "admin_external_id",
  time_zone: "admin_time_zone",
  code_set: "admin_code_set",
  periods: "admin_periods",
  mark_days_back: "admin_days_back",
  days: "admin_days",
  reason: "school_reason",
};

export function fieldName(field: string): string {
  const key = FIELDS[field];
  return key === undefined ? field : t(key);
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

function value(field: string, of: unknown): string {
  if (of === undefined || of === null || of === "") return "–";
  if (typeof of === "boolean") return t(of ? "admin_yes" : "admin_no");
  if (typeof of === "number") return number(of);
  if (typeof of === "string") return field === "taken_by" ? nameOf("user", of) : text(of);
  if (!Array.isArray(of)) return Object.keys(of).length === 0 ? "–" : JSON.stringify(of);
  if (of.length === 0) return "–";
  if (field === "roles") return (of as Role[]).map(({ role, scope }) => `${roleName(role)} ${nameOfScope(scope)}`.trim()).join(", ");
  if (field === "periods" && typeof of[0] === "object") return (of as Period[]).map(({ name, start, end }) => `${name} ${start}–${end}`).join(", ");
  if (field === "days") return (of as number[]).map(weekday).join(", ");
  if (field === "assignees") return (of as string[]).map((id) => nameOf("user", id)).join(", ");
  return of.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(", ");
}

function text(of: string): string {
  if (DATE.test(of)) return dateOf(of);
  return MOMENT.test(of) ? momentOf(of) : of;
}
