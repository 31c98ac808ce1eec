/** What counts of codes say: who is on site, who is absent, and the rate of attendance. All pure. */

import type { Code, Summary } from "../records";

/** A school's codes by their letters. */
export type Codes = ReadonlyMap<string, Code>;

export type Counts = Readonly<Record<string, number>>;

/** What a code says of where a student is. */
export type Whereabouts = "here" | "absent" | "elsewhere" | "not_expected";

/** `late` are among `here`; the other four together are `marked`, but for codes that the school has no more. */
export interface Figures {
  readonly here: number;
  readonly late: number;
  readonly absent: number;
  readonly elsewhere: number;
  readonly not_expected: number;
  readonly marked: number;
}

export function byLetter(codes: readonly Code[]): Codes {
  return new Map(codes.map((code) => [code.code, code]));
}

/** The direction comes first: who came too late to be counted as present is in the house all the same. */
export function whereabouts(code: Code): Whereabouts {
  if (code.direction === "in") return "here";
  if (code.category === "approved_activity") return "elsewhere";
  if (code.category === "not_possible") return "not_expected";
  return "absent";
}

export function figuresOf(counts: Counts, codes: Codes): Figures {
  const found = { here: 0, late: 0, absent: 0, elsewhere: 0, not_expected: 0, marked: 0 };
  for (const [letter, count] of Object.entries(counts)) {
    found.marked += count;
    const code = codes.get(letter);
    if (code === undefined) continue;
    found[whereabouts(code)] += count;
    if (code.late) found.late += count;
  }
  return found;
}

/** The counts of several registers together. */
export function sum(all: Iterable<Counts>): Counts {
  const found: Record<string, number> = {};
  for (const counts of all) {
    for (const [letter, count] of Object.entries(counts)) found[letter] = (found[letter] ?? 0) + count;
  }
  return found;
}

/** The counts of a day on which somebody has begun a register: planned absences alone are no attendance. */
export function countsOf(summary: Summary | null | undefined): Counts {
  return summary == null || summary.registers.open + summary.registers.taken === 0 ? {} : summary.counts;
}

/**
 * The attendance rate, 0 to 1: of the marks that were possible those present or at an approved activity. The category
 * alone decides, as in official statistics. Null: there are no such marks.
 */
export function rateOf(counts: Counts, codes: Codes): number | null {
  let possible = 0;
  let attended = 0;
  for (const [letter, count] of Object.entries(counts)) {
    const category = codes.get(letter)?.category;
    if (category === undefined || category === "not_possible") continue;
    possible += count;
    if (category === "present" || category === "approved_activity") attended += count;
  }
  return possible === 0 ? null : attended / possible;
}
