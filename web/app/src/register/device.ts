/** What this device is like, and what its user has chosen for the register on it. */

import { computed, signal } from "@preact/signals";

import { language } from "../messages";
import { keptSignal } from "../parts/kept";
import type { Period } from "../records";
import { serverNow } from "../server_time";
import type { Order } from "./rows";

const WIDE = matchMedia("(min-width: 60rem)");

/** Whether there is room for a button for each quick code. */
export const isWide = signal(WIDE.matches);
WIDE.addEventListener("change", () => (isWide.value = WIDE.matches));

export const order = keptSignal<Order>("order", "family");

/** Whether letters mark: whoever speaks to their device may not want that (WCAG 2.2, 2.1.4). */
export const hasShortcuts = keptSignal("shortcuts", true);

/** The time now; it moves on every half minute. */
export const now = computed(() => (ticks.value, new Date(serverNow())));
const ticks = signal(0);
setInterval(() => ticks.value++, 30_000);

/** Today in a time zone, `YYYY-MM-DD`. */
export function dayIn(timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(now.value);
}

/** The time of day in a time zone, `HH:MM`. */
export function timeIn(timeZone: string, moment: Date): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);
}

/** From when to when, as the user's language writes it. */
export function hours({ start, end }: Pick<Period, "start" | "end">): string {
  const format = new Intl.DateTimeFormat(language.value, { hour: "numeric", minute: "2-digit", timeZone: "UTC" });
  const [from, to] = [start, end].map((time) => new Date(`2000-01-01T${time}:00Z`)) as [Date, Date];
  return format.formatRange(from, to);
}
