/** What the signed-in user may administer, as far as that can be told here; the server decides. */

import { computed } from "@preact/signals";
import type { Role } from "rollcall-client";

import { ready } from "../live";
import { user } from "../session";

export interface Rights {
  readonly isAdmin: boolean;
  /** Schools of which the user is an administrator. */
  readonly schools: readonly string[];
  /** Schools whose students the user keeps. */
  readonly rolls: readonly string[];
  /** Teams that the user leads. */
  readonly teams: readonly string[];
}

export type Section = "users" | "schools" | "teams" | "audit";

/** Those of the connection, which are newer than what is kept on this device. */
export const roles = computed<readonly Role[]>(() => ready.value?.user.roles ?? user.value?.roles ?? []);

export const rights = computed(() => rightsOf(roles.value));

export function rightsOf(held: readonly Role[]): Rights {
  const scopes = (...names: string[]): string[] => {
    const found = held.filter(({ role }) => names.includes(role)).map(({ scope }) => scope.slice(scope.indexOf(":") + 1));
    return [...new Set(found)];
  };
  return {
    isAdmin: held.some(({ role, scope }) => role === "admin" && scope === "org"),
    schools: scopes("school_admin"),
    rolls: scopes("school_admin", "office"),
    teams: scopes("lead"),
  };
}

/** The parts of the administration that are open. */
export function sectionsOf({ isAdmin, schools, rolls, teams }: Rights): Section[] {
  const open: Section[] = [];
  if (isAdmin || schools.length > 0) open.push("users");
  if (isAdmin || rolls.length > 0) open.push("schools");
  if (isAdmin || teams.length > 0) open.push("teams");
  if (open.length > 0) open.push("audit");
  return open;
}

/** Whether the user changes the school and its classes. */
export function runsSchool({ isAdmin, schools }: Rights, id: string): boolean {
  return isAdmin || schools.includes(id);
}

/** Whether the user changes who is in the school's classes. */
export function keepsRolls({ isAdmin, rolls }: Rights, id: string): boolean {
  return isAdmin || rolls.includes(id);
}

/** Whether the user changes the team and its members. */
export function runsTeam({ isAdmin, teams }: Rights, id: string): boolean {
  return isAdmin || teams.includes(id);
}

/** The roles that the user may give, each with the noun of the place it is held in. */
export function rolesToGive({ isAdmin }: Rights): readonly [role: RoleName, noun: string][] {
  const inSchools: [RoleName, string][] = [
    ["school_admin", "school"],
    ["office", "school"],
    ["viewer", "school"],
    ["teacher", "class"],
  ];
  return isAdmin ? [...inSchools, ["lead", "team"], ["member", "team"], ["admin", "org"]] : inSchools;
}

export type RoleName = "admin" | "school_admin" | "office" | "viewer" | "teacher" | "lead" | "member";
