/** The records of teams as they were shown last, on this device: their pages open without a network. */

import { effect } from "@preact/signals";
import type { StoredRecord } from "rollcall-client";

import { user } from "../session";

/** Signing out removes everything whose name begins so. */
const PREFIX = "rollcall.team.";

// Whoever's session has ended finds everything again; another user of the device finds nothing.
effect(() => {
  const id = user.value?.id;
  if (id === undefined) return;
  const others = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && !key.startsWith(`${PREFIX}${id}.`));
  for (const key of others) localStorage.removeItem(key);
});

/** Keeps a team's records for the signed-in user, whole or not at all. */
export function keepTeam(teamId: string, records: readonly StoredRecord[]): void {
  const key = keyOf(teamId);
  if (key === null) return;
  try {
    localStorage.setItem(key, JSON.stringify(records));
  } catch {
    // No room: the page then needs the network to open. What is there already would be too old.
    localStorage.removeItem(key);
  }
}

/** What was kept of a team for the signed-in user; empty: nothing. */
export function keptTeam(teamId: string): readonly StoredRecord[] {
  const key = keyOf(teamId);
  try {
    return key === null ? [] : (JSON.parse(localStorage.getItem(key) ?? "[]") as StoredRecord[]);
  } catch {
    return [];
  }
}

/** Forgets a team that the user may no longer see. */
export function forgetTeam(teamId: string): void {
  const key = keyOf(teamId);
  if (key !== null) localStorage.removeItem(key);
}

function keyOf(teamId: string): string | null {
  const id = user.peek()?.id;
  return id === undefined ? null : `${PREFIX}${id}.${teamId}`;
}
