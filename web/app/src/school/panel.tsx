/** The big figures: who is here, late and absent. */

import { number, percent, t } from "../messages";
import type { Messages } from "../messages/en";
import type { Period } from "../records";
import type { Board } from "./board";

interface PanelProps {
  readonly board: Board;
  readonly period: Period | null;
  /** Pupils on roll in the school; null: not known yet. */
  readonly onRoll: number | null;
}

type Shown = "here" | "late" | "absent" | "elsewhere" | "not_expected" | "unmarked";

const TEXTS: Readonly<Record<Shown, readonly [keyof Messages, keyof Messages]>> = {
  here: ["school_here", "school_here_name"],
  late: ["school_late", "school_late_name"],
  absent: ["school_absent", "school_absent_name"],
  elsewhere: ["school_elsewhere", "school_elsewhere_name"],
  not_expected: ["school_not_expected", "school_not_expected_name"],
  unmarked: ["school_unmarked", "school_unmarked_name"],
};

export function Panel({ board: { figures, missing }, period, onRoll }: PanelProps) {
  const when = period === null ? t("school_when_day") : t("school_when_period", { period: period.name });
  // The figures of a day are marks, several of each pupil: their share of the pupils would say nothing.
  const whole = period === null ? figures.marked : onRoll;
  const share = period === null ? "school_of_marks" : "school_of_roll";
  const one = (which: Shown, count: number) => (
    <Figure
      key={which}
      which={which}
      name={t(TEXTS[which][1], { when })}
      count={count}
      share={whole === null || whole === 0 ? "" : t(share, { share: percent(count / whole), count: whole })}
      more={which === "here" && figures.late > 0 ? t("school_here_late", { count: figures.late }) : ""}
    />
  );
  return (
    <section aria-label={t("school_figures")} class="figures">
      {one("here", figures.here)}
      {one("late", figures.late)}
      {one("absent", figures.absent)}
      <div class="lesser">
        {period !== null && onRoll !== null && one("unmarked", Math.max(0, onRoll - figures.marked))}
        {one("elsewhere", figures.elsewhere)}
        {figures.not_expected > 0 && one("not_expected", figures.not_expected)}
        <div class={missing > 0 ? "figure missing" : "figure"} role="group" aria-label={t("school_missing_name", { when })}>
          <span class="label">{t("school_missing")}</span>
          <span class="count">{number(missing)}</span>
        </div>
      </div>
    </section>
  );
}

interface FigureProps {
  readonly which: Shown;
  readonly name: string;
  readonly count: number;
  readonly share: string;
  /** What the count is made of. */
  readonly more: string;
}

function Figure({ which, name, count, share, more }: FigureProps) {
  return (
    <div class={`figure ${which}`} role="group" aria-label={name}>
      <span class="label">{t(TEXTS[which][0])}</span>
      <span class="count">{number(count)}</span>
      <span class="share">{share}</span>
      {more !== "" && <span class="share">{more}</span>}
    </div>
  );
}
