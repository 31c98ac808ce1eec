/** What a user may do on a sheet, as far as that can be told here; the server decides. */

import type { Role } from "rollcall-client";

import type { Class, Code, Mark, School } from "../records";

const OFFICE = ["admin", "school_admin", "office"];

/** Sources of marks, the stronger ones first: a mark gives way to its own source and to those before it. */
const SOURCES = ["office", "planned", "teacher", "self", "import"];

/** A period that starts then or later is of the afternoon. */
const NOON = "12:00";

const DAY = 24 * 3600 * 1000;

/** What a user is on one class. */
export interface Rights {
  readonly roles: readonly string[];
  readonly isOffice: boolean;
  readonly mayMark: boolean;
}

/** The rights that somebody with these roles has on a class. */
export function rightsOn(roles: readonly Role[], { id, school_id }: Pick<Class, "id" | "school_id">): Rights {
  const scopes = ["org", `school:${school_id}`, `class:${id}`];
  const names = roles.filter(({ scope }) => scopes.includes(scope)).map(({ role }) => role);
  const isOffice = names.some((name) => OFFICE.includes(name));
  return { roles: names, isOffice, mayMark: isOffice || names.includes("teacher") };
}

/** The codes of a school that are open to these rights and for the period's half of the day, in the school's order. */
export function openCodes({ codes, periods }: School, { roles }: Rights, period: string): Code[] {
  const start = periods.find(({ id }) => id === period)?.start;
  const other = start === undefined ? undefined : start >= NOON ? "morning" : "afternoon";
  return codes.filter((code) => code.roles.some((role) => roles.includes(role)) && (other === undefined || code.half !== other));
}

/** Whether a mark would give way to one of this user. */
export function givesWay(mark: Mark | null, { isOffice }: Rights): boolean {
  if (mark === null || mark.code === null) return true;
  return SOURCES.indexOf(isOffice ? "office" : "teacher") <= SOURCES.indexOf(mark.source);
}

/** Whether a day's sheets are open to these rights; the beginning of the school year is left to the server. */
export function isOpenDay(date: string, today: string, { mark_days_back }: School, { isOffice }: Rights): boolean {
  if (date > today) return false;
  return isOffice || Date.parse(today) - Date.parse(date) <= mark_days_back * DAY;
}

/** The code for who is there: the first one that counts as present. */
export function presentCode(codes: readonly Code[]): Code | undefined {
  return codes.find((code) => code.category === "present" && !code.late);
}

/** The code for who is missing without anybody knowing why. */
export function absentCode(codes: readonly Code[]): Code | undefined {
  const out = codes.filter((code) => code.direction === "out");
  return out.find((code) => code.category === "unauthorised") ?? out[0];
}
