/** In which order rows stand, and which of them. */

import type { Row } from "./rows";

export type Column = "name" | "rate" | "missing";

export interface Choice {
  readonly column: Column;
  readonly descending: boolean;
  /** Part of the school's name, in whatever case. */
  readonly text: string;
  readonly onlyMissing: boolean;
}

/** What one most often looks for comes first: low rates, many missing registers. */
export const FIRST: Readonly<Record<Column, boolean>> = { name: false, rate: false, missing: true };

/** The rows that are to be seen. Where a figure is not known the row comes last; ties are broken by name. */
export function arranged(rows: readonly Row[], choice: Choice, compare: (one: string, other: string) => number): readonly Row[] {
  const text = choice.text.trim().toLocaleLowerCase();
  const sign = choice.descending ? -1 : 1;
  const byName = (one: Row, other: Row): number => compare(one.school.name, other.school.name) || compare(one.school.id, other.school.id);
  return rows
    .filter(({ school, missing }) => school.name.toLocaleLowerCase().includes(text) && (!choice.onlyMissing || (missing.peek() ?? 0) > 0))
    .sort((one, other) => {
      if (choice.column === "name") return sign * byName(one, other);
      const [mine, theirs] = [one[choice.column].peek(), other[choice.column].peek()];
      if (mine === theirs) return byName(one, other);
      if (mine === null) return 1;
      return theirs === null ? -1 : sign * (mine - theirs);
    });
}
