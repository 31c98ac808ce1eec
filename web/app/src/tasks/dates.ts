/** Moments as people read and enter them, on this device's clock. */

import { computed } from "@preact/signals";

import { language } from "../messages";
import { serverNow } from "../server_time";

const SHORT = { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" } as const;
const formats = computed(() => ({
  short: new Intl.DateTimeFormat(language.value, SHORT),
  withYear: new Intl.DateTimeFormat(language.value, { ...SHORT, year: "numeric" }),
}));

/** Day and time of a moment, with the year where it is another one. */
export function moment(at: string): string {
  const date = new Date(at);
  const { short, withYear } = formats.value;
  return (date.getFullYear() === new Date(serverNow()).getFullYear() ? short : withYear).format(date);
}

/** A moment as fields hold it, `YYYY-MM-DDTHH:MM`; empty: none. */
export function toInput(at: string | null): string {
  if (at === null) return "";
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The moment that such a text says; null: none, or one that is no date. */
export function fromInput(text: string): string | null {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
