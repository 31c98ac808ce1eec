/** What a school's page shows, as its address says it. */

import { useLocation } from "preact-iso";

import type { Period } from "../records";
import { currentPeriod, inOrder } from "./clock";

/** What the address asks for. */
export interface Wanted {
  /** The id of a period; undefined: that of now. */
  readonly period?: string | undefined;
  /** All periods together. */
  readonly day?: boolean | undefined;
  /** The id of the class whose sheet is shown. */
  readonly one?: string | undefined;
}

export interface Address extends Wanted {
  /** For a screen on a wall; `names`: with the students who are absent. */
  readonly wall: "" | "names" | null;
  to(wanted: Wanted): string;
  go(wanted: Wanted): void;
}

export function useAddress(): Address {
  const { path, query, route } = useLocation();
  const to = ({ period, day, one }: Wanted): string => {
    const found = new URLSearchParams();
    if (one !== undefined) found.set("class", one);
    if (period !== undefined) found.set("period", period);
    if (day === true) found.set("day", "");
    const text = found.toString();
    return text === "" ? path : `${path}?${text}`;
  };
  const wall = query["wall"];
  return {
    period: query["period"],
    day: "day" in query,
    one: query["class"],
    wall: wall === undefined ? null : wall === "names" ? "names" : "",
    to,
    go: (wanted) => route(to(wanted)),
  };
}

/** The period that is shown; null: the whole day. */
export function periodOf({ period, day }: Wanted, periods: readonly Period[], time: string): Period | null {
  if (day === true) return null;
  return inOrder(periods).find(({ id }) => id === period) ?? currentPeriod(periods, time) ?? null;
}
