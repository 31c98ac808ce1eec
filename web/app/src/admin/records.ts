/** The records of the directory, and lists of them, as docs/protocol.md describes them. */

import type { Role, StoredRecord } from "rollcall-client";

import type { Period, Student } from "../records";

export interface User extends StoredRecord {
  readonly kind: "user";
  readonly email: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly disabled: boolean;
}

/** A school without its codes; `org_seq` in copies, see docs/protocol.md, Copies. */
export interface SchoolRecord extends StoredRecord {
  readonly kind: "school";
  readonly name: string;
  readonly time_zone: string;
  readonly code_set: string;
  readonly periods: readonly Period[];
  readonly mark_days_back: number;
  /** ISO weekdays; a record of an earlier version may lack it. */
  readonly days?: readonly number[];
  readonly archived: boolean;
  readonly org_seq?: number;
}

export interface Pupil extends Student {
  readonly external_id: string | null;
}

export interface Team extends StoredRecord {
  readonly kind: "team";
  readonly name: string;
  readonly archived: boolean;
}

export interface Member extends StoredRecord {
  readonly kind: "member";
  readonly user_id: string;
  readonly name: string;
  readonly role: string;
}

/** A line of a journal. */
export interface Entry {
  readonly room: string;
  readonly seq: number;
  readonly type: string;
  readonly data: StoredRecord;
  readonly by: string | null;
  readonly at: string;
}

/** The name a student is called by, as lists are sorted by. */
export function nameOfStudent({ given_name, family_name, preferred_name }: Student): string {
  return `${family_name}, ${preferred_name ?? given_name}`;
}
