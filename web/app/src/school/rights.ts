/** What the signed-in user may see of a school. The server decides; this only leaves out what it would refuse. */

import { user } from "../session";

/** Whether the user has one of these roles in the school, or is an admin. */
export function holds(school: string, roles: readonly string[]): boolean {
  const held = user.value?.roles ?? [];
  return held.some(({ role, scope }) => role === "admin" || (scope === `school:${school}` && roles.includes(role)));
}
