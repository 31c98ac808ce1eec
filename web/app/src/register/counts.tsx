/** How many are there, at the top of the sheet. */

import { number, t } from "../messages";
import type { Code } from "../records";
import type { Row } from "./rows";

const SHAPES = { present: "✓", late: "◔", absent: "✗", other: "–", unmarked: "○" } as const;

type Kind = keyof typeof SHAPES;

export function Counts({ rows, codes }: { readonly rows: readonly Row[]; readonly codes: readonly Code[] }) {
  const counts: Record<Kind, number> = { present: 0, late: 0, absent: 0, other: 0, unmarked: 0 };
  for (const { value } of rows) counts[kindOf(codes.find(({ code }) => code === value?.code))] += 1;
  const kinds = (Object.keys(SHAPES) as Kind[]).filter((kind) => kind !== "other" || counts.other > 0);
  return (
    <dl class="counts" aria-label={t("reg_counts")}>
      {kinds.map((kind) => (
        <div key={kind} class={kind}>
          <dt>
            <span aria-hidden="true">{SHAPES[kind]}</span> {t(`reg_${kind}`)}
          </dt>
          <dd>{number(counts[kind])}</dd>
        </div>
      ))}
    </dl>
  );
}

function kindOf(code: Code | undefined): Kind {
  if (code === undefined) return "unmarked";
  if (code.late) return "late";
  switch (code.category) {
    case "present":
    case "approved_activity":
      return "present";
    case "not_possible":
      return "other";
    default:
      return "absent";
  }
}
