/** What the register keeps on this device besides the queue. */

import { effect, signal, type Signal } from "@preact/signals";
import type { StoredRecord } from "rollcall-client";

import type { School } from "../records";
import { user } from "../session";

/** So many days of classes are kept, the newest. */
const MOST = 20;

/** Signing out removes everything whose name begins so. */
const PREFIX = "rollcall.register.";
const SHEETS = `${PREFIX}sheet.`;
const OWNER = `${PREFIX}owner`;

const resets: (() => void)[] = [];

// Whoever's session has ended finds everything again; another user of the device finds nothing.
effect(() => {
  const id = user.value?.id;
  const owner = localStorage.getItem(OWNER);
  if (id === undefined || id === owner) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  for (const reset of resets) reset();
  localStorage.setItem(OWNER, id);
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

function read<T>(key: string, initial: T): T {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? "null") as T | null) ?? initial;
  } catch {
    return initial;
  }
}

/** The records of a class on one day, as they were when the server was last heard. */
export interface KeptSheet {
  readonly records: readonly StoredRecord[];
  readonly school: School;
}

/** Keeps a class's day, so that its register opens without a network. Whole or not at all, whenever the tab closes. */
export function keepSheet(classId: string, date: string, sheet: KeptSheet): void {
  const key = sheetKey(classId, date);
  const others = Object.keys(localStorage).filter((one) => one.startsWith(SHEETS) && one !== key);
  for (const one of others.sort().slice(0, Math.max(0, others.length + 1 - MOST))) localStorage.removeItem(one);
  try {
    localStorage.setItem(key, JSON.stringify(sheet));
  } catch {
    // No room: the register then needs the network to open.
  }
}

/** What was kept of a class's day; null: nothing. */
export function keptSheet(classId: string, date: string): KeptSheet | null {
  return read<KeptSheet | null>(sheetKey(classId, date), null);
}

/** The oldest day first in the order of texts. */
function sheetKey(classId: string, date: string): string {
  return `${SHEETS}${date}.${classId}`;
}
