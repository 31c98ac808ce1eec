/** What roles are called. */

import { t } from "../messages";
import type { Messages } from "../messages/en";

const NAMES: Readonly<Record<string, keyof Messages>> = {
  admin: "role_admin",
  school_admin: "role_school_admin",
  office: "role_office",
  viewer: "role_viewer",
  teacher: "role_teacher",
  lead: "role_lead",
  member: "role_member",
};

export function roleName(role: string): string {
  const key = NAMES[role];
  return key === undefined ? role : t(key);
}
