/** The school's own day and time, and how they are written. */

import { computed } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";

import { language } from "../messages";
import type { Period } from "../records";
import { serverNow } from "../server_time";

/** `date`: `YYYY-MM-DD`, `time`: `HH:MM`. */
export interface Moment {
  readonly date: string;
  readonly time: string;
}

/** Gives the date and the time of day in a time zone. */
export function clockIn(timeZone: string): (at: Date) => Moment {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return {
      date: `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`,
      time: `${parts.get("hour")}:${parts.get("minute")}`,
    };
  };
}

/** Now in a time zone; the component is rendered again when the minute is over. */
export function useMoment(timeZone: string): Moment {
  const clock = useMemo(() => clockIn(timeZone), [timeZone]);
  const [, setMinute] = useState(0);
  useEffect(() => {
    // Looked at each second: a timer for the next minute would be late after the device has slept.
    const timer = setInterval(() => setMinute(Math.floor(serverNow() / 60_000)), 1000);
    return () => clearInterval(timer);
  }, []);
  return clock(new Date(serverNow()));
}

/** The period that is shown of itself: the last one that has begun, before the first one the first. */
export function currentPeriod(periods: readonly Period[], time: string): Period | undefined {
  const ordered = inOrder(periods);
  return ordered.filter(({ start }) => start <= time).at(-1) ?? ordered[0];
}

/** Where the time is to a period: before it, in it, or after its end. */
export function phaseOf({ start, end }: Period, time: string): "next" | "now" | "last" {
  if (time < start) return "next";
  return time < end ? "now" : "last";
}

export function inOrder(periods: readonly Period[]): readonly Period[] {
  return [...periods].sort((one, other) => (one.start < other.start ? -1 : one.start > other.start ? 1 : 0));
}

/** The day that is so many days later; earlier with a negative number. */
export function daysLater(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

const times = computed(
  () => new Intl.DateTimeFormat(language.value, { hour: "numeric", minute: "2-digit", timeZone: "UTC" }),
);
const shortDays = computed(
  () => new Intl.DateTimeFormat(language.value, { day: "numeric", month: "numeric", timeZone: "UTC" }),
);

/** A time of day of the school, from `HH:MM`. */
export function clockTime(time: string): string {
  return times.value.format(new Date(`1970-01-01T${time}:00Z`));
}

/** A day without its year, for narrow places. */
export function shortDay(date: string): string {
  return shortDays.value.format(new Date(`${date}T00:00:00Z`));
}

/** A moment by the school's clock, with its day. */
export function momentIn(timeZone: string, at: string): string {
  return new Intl.DateTimeFormat(language.value, { timeZone, dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}
