/**
 * What pages keep on this device for the signed-in user, besides the queue and the answers of the service worker.
 * `main.tsx` imports it, so that whoever signs in next finds nothing of all that, whichever page they open.
 */

import { effect, signal, type Signal } from "@preact/signals";

import { forgetAnswers } from "../offline";
import { user } from "../session";

/** Signing out removes everything whose name begins so. */
const PREFIX = "rollcall.kept.";
const OWNER = `${PREFIX}owner`;

/** So many of a group are kept, those that were kept last. */
const MOST = 20;

const resets: (() => void)[] = [];

// Whoever's session has ended finds everything again; another user of the device finds nothing.
let owner = localStorage.getItem(OWNER);
effect(() => {
  const id = user.value?.id;
  if (id === undefined) return;
  if (id !== localStorage.getItem(OWNER)) {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
    void forgetAnswers();
    localStorage.setItem(OWNER, id);
  }
  // Another tab may have removed it before.
  if (id !== owner) for (const reset of resets) reset();
  owner = id;
});

/** A signal whose value survives a reload and is the same in all tabs, until somebody signs out. */
export function keptSignal<T>(name: string, initial: T): Signal<T> {
  const key = PREFIX + name;
  const kept = signal(read<T>(key, initial));
  resets.push(() => (kept.value = initial));
  addEventListener("storage", (event) => {
    if (event.key === key && event.newValue !== null) kept.value = read(key, initial);
  });
  let isFirst = true;
  effect(() => {
    const { value } = kept;
    // What nobody has changed is not written: after signing out nothing is to come back.
    if (!isFirst) localStorage.setItem(key, JSON.stringify(value));
    isFirst = false;
  });
  return kept;
}

/** What is kept so that a page opens without a network: `sheet`, a class's day; `team`, a team's tasks. */
type Group = "sheet" | "team";

/** Keeps one of a group, whole or not at all, whenever the tab closes; nothing of somebody who is signed out. */
export function keep(group: Group, name: string, value: object): void {
  if (user.peek()?.id !== localStorage.getItem(OWNER)) return;
  // What is there already would be too old where there is no room for more.
  forget(group, name);
  const oldest = keysOf(group).sort((one, other) => momentOf(one) - momentOf(other));
  for (const key of oldest.slice(0, Math.max(0, oldest.length + 1 - MOST))) localStorage.removeItem(key);
  try {
    localStorage.setItem(`${PREFIX}${group}.${Date.now()}.${name}`, JSON.stringify(value));
  } catch {
    // No room: the page then needs the network to open.
  }
}

/** What was kept of a group by this name; null: nothing. */
export function kept<T extends object>(group: Group, name: string): T | null {
  const key = keyOf(group, name);
  return key === undefined ? null : read<T | null>(key, null);
}

/** Forgets what the user may no longer see. */
export function forget(group: Group, name: string): void {
  const key = keyOf(group, name);
  if (key !== undefined) localStorage.removeItem(key);
}

function keysOf(group: Group): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${group}.`));
}

function keyOf(group: Group, name: string): string | undefined {
  return keysOf(group).find((key) => key === `${PREFIX}${group}.${momentOf(key)}.${name}`);
}

/** When it was kept, in milliseconds of this device's clock. */
function momentOf(key: string): number {
  return Number(key.slice(PREFIX.length).split(".")[1]);
}

function read<T>(key: string, initial: T): T {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? "null") as T | null) ?? initial;
  } catch {
    return initial;
  }
}
