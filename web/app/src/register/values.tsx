/** Codes and marks in words and shapes. */

import type { Code } from "../records";
import { t } from "../messages";
import type { Value } from "./acts";

/** A code as it is written on paper, on its colour. */
export function Badge({ code }: { readonly code: Code }) {
  return (
    <span class="badge" aria-hidden="true" style={{ "--code": code.colour }}>
      {code.code}
    </span>
  );
}

/** Codes that are offered, and behind them the one that is set, if it is none of them. */
export function withShown(offered: readonly Code[], shown: Code | undefined): readonly Code[] {
  return shown === undefined || offered.includes(shown) ? offered : [...offered, shown];
}

/** What a mark says: its code's label and the minutes. */
export function inWords(value: Value | null, codes: readonly Code[]): string {
  if (value === null || value.code === null) return t("reg_no_mark");
  const label = codes.find(({ code }) => code === value.code)?.label ?? value.code;
  return value.minutes_late === null ? label : t("reg_with_minutes", { label, minutes: value.minutes_late });
}
