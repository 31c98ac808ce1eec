/** The summaries of the last days: past ones are read once, today's is pushed. */

import { useEffect, useState } from "preact/hooks";

import { get } from "../api";
import { status } from "../live";
import type { Summary } from "../records";
import { daysLater } from "./clock";
import { together } from "../parts/together";

/** Days of the trend, today included. */
export const DAYS = 30;

const AT_ONCE = 3;

/** Past days of the school that was shown last. */
let kept: { readonly school: string; readonly days: Map<string, Summary> } = { school: "", days: new Map() };

export interface DaysRead {
  /** The days before today of which everything was read, by their dates. */
  readonly past: ReadonlyMap<string, Summary>;
  /** Today as it was when it was read: who is on roll before the first mark. */
  readonly today: Summary | null;
}

/** The dates of the trend, oldest first. */
export function datesUpTo(today: string): readonly string[] {
  return Array.from({ length: DAYS }, (_, n) => daysLater(today, n + 1 - DAYS));
}

export function useDays(school: string, today: string): DaysRead {
  const [read, setRead] = useState<DaysRead>({ past: new Map(), today: null });
  const connected = status.value.state !== "offline";
  useEffect(() => {
    if (!connected) return undefined;
    let wanted = true;
    if (kept.school !== school) kept = { school, days: new Map() };
    const { days } = kept;
    const dates = datesUpTo(today);
    for (const date of days.keys()) if (!dates.includes(date)) days.delete(date);
    let first: Summary | null = null;
    const missing = dates.filter((date) => !days.has(date)).reverse();
    const work = async (date: string): Promise<void> => {
      const summary = await get<Summary>(`/api/schools/${school}/summary?date=${date}`);
      if (date !== today) days.set(date, summary);
      else if (wanted) setRead((before) => ({ ...before, today: (first = summary) }));
    };
    void together(missing, AT_ONCE, () => wanted, work).then(() => {
      if (wanted) setRead({ past: new Map(days), today: first });
    });
    return () => {
      wanted = false;
    };
  }, [school, today, connected]);
  return read;
}
