/** The server's time. What day it is, and what is over, does not depend on this device's clock, which may be wrong. */

import { signal } from "@preact/signals";

const KEY = "rollcall.ahead";

/** Milliseconds that an answer may take, and of a second that is left out where it is told: no difference. */
const UNSURE = 2000;

/** Milliseconds by which the server's clock is ahead of this device's, as it was heard last, maybe in another tab. */
const ahead = signal(Number(localStorage.getItem(KEY)));

window.addEventListener("storage", ({ key, newValue }) => {
  if (key === KEY && newValue !== null) ahead.value = Number(newValue);
});

/** The server has just told its time. */
export function heard(time: string | null): void {
  const now = time === null ? NaN : Date.parse(time) - Date.now();
  if (Number.isNaN(now) || Math.abs(now - ahead.peek()) < UNSURE) return;
  ahead.value = Math.abs(now) < UNSURE ? 0 : now;
  localStorage.setItem(KEY, String(ahead.value));
}

/** Now, in milliseconds since 1970. Who reads it in a component or effect is told when the clocks turn out to differ. */
export function serverNow(): number {
  return byServer(Date.now());
}

/** A moment of this device's clock by the server's, both in milliseconds since 1970. */
export function byServer(moment: number): number {
  return moment + ahead.value;
}
