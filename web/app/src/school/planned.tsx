/** The absences that are planned for today and later: the list, planning one, and cancelling one. */

import { useState } from "preact/hooks";

import { act } from "../admin/act";
import { Ask } from "../admin/ask";
import { dateOf, t } from "../messages";
import { fullName, type Class, type Period, type PlannedAbsence, type School, type Student } from "../records";
import { CodeName } from "./absences";
import type { Codes } from "./figures";
import { PlanFields, enteredPlan } from "./plan_fields";
import { sortedName, type Rosters } from "./rosters";
import { useNames } from "./student_names";

/** Rows that are shown at first: a trip is one for each student. */
const ROWS = 20;

interface PlannedProps {
  readonly school: School;
  /** In the order of the day. */
  readonly periods: readonly Period[];
  readonly absences: readonly PlannedAbsence[];
  readonly classes: readonly Class[];
  readonly rosters: Rosters;
  /** Students who were changed since the rosters were read. */
  readonly changed: ReadonlyMap<string, Student>;
  readonly codes: Codes;
  /** Today in the school. */
  readonly date: string;
  readonly compare: (one: string, other: string) => number;
}

export function Planned(props: PlannedProps) {
  const { school, classes, periods, absences, rosters, changed, codes, date, compare } = props;
  const [isWhole, setWhole] = useState(false);
  const current = absences.filter(({ to }) => to >= date);
  const names = useNames(current, rosters, changed);
  const nameOf = ({ student_id }: PlannedAbsence): string => {
    const student = names.get(student_id);
    return student === undefined ? "…" : fullName(student);
  };
  const sortOf = ({ student_id }: PlannedAbsence): string => {
    const student = names.get(student_id);
    return student === undefined ? "" : sortedName(student);
  };
  const classesOf = ({ student_id }: PlannedAbsence): string =>
    classes
      .filter(({ id }) => rosters.get(id)?.has(student_id))
      .map(({ name }) => name)
      .join(", ");
  const sorted = current.sort((one, other) => compare(sortOf(one), sortOf(other)) || compare(one.from, other.from));
  const shown = isWhole ? sorted : sorted.slice(0, ROWS);
  const send = async (data: FormData): Promise<void> => {
    await act("attendance.plan", enteredPlan(data));
  };
  return (
    <section class="planned" aria-labelledby="planned">
      <header>
        <h2 id="planned">{t("school_planned", { count: current.length })}</h2>
        <Ask button={t("school_plan")} title={t("school_plan")} submit={t("school_plan_send")} send={send}>
          <PlanFields rosters={rosters} classes={classes} codes={school.codes} periods={periods} date={date} compare={compare} />
        </Ask>
      </header>
      {current.length === 0 ? (
        <p class="quiet">{t("school_planned_none")}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{t("name")}</th>
              <th scope="col">{t("school_class")}</th>
              <th scope="col">{t("school_planned_days")}</th>
              <th scope="col">{t("school_periods")}</th>
              <th scope="col">{t("school_code")}</th>
              <th scope="col">{t("school_reason")}</th>
              <th scope="col">{t("school_planned_by")}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {shown.map((absence) => (
              <tr key={absence.id} data-absence={absence.id}>
                <th scope="row">
                  <bdi>{nameOf(absence)}</bdi>
                </th>
                <td>
                  <bdi>{classesOf(absence)}</bdi>
                </td>
                <td>{daysOf(absence)}</td>
                <td>
                  <bdi>{periodsOf(absence, periods)}</bdi>
                </td>
                <td>
                  <CodeName letter={absence.code} codes={codes} />
                </td>
                <td class="reason">
                  <bdi>{absence.reason}</bdi>
                </td>
                <td>
                  <bdi>{absence.by_name}</bdi>
                </td>
                <td>
                  <Cancel absence={absence} name={nameOf(absence)} today={date} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown.length < sorted.length && (
        <button type="button" onClick={() => setWhole(true)}>
          {t("school_planned_all")}
        </button>
      )}
    </section>
  );
}

interface CancelProps {
  readonly absence: PlannedAbsence;
  readonly name: string;
  readonly today: string;
}

/** Days that are over stay as they were. */
function Cancel({ absence: { student_id, from: first, to, periods }, name, today }: CancelProps) {
  const from = first > today ? first : today;
  const send = async (): Promise<void> => {
    await act("attendance.unplan", { student_ids: [student_id], from, to, ...(periods === null ? {} : { periods }) });
  };
  return (
    <Ask button={t("school_unplan")} of={name} look="danger" title={t("school_unplan_title")} submit={t("school_unplan")} send={send}>
      <p>
        <bdi>{name}</bdi>, {daysOf({ from, to })}
      </p>
      <p>{t("school_unplan_text")}</p>
    </Ask>
  );
}

function daysOf({ from, to }: Pick<PlannedAbsence, "from" | "to">): string {
  return from === to ? dateOf(from) : t("school_planned_range", { from: dateOf(from), to: dateOf(to) });
}

function periodsOf({ periods }: PlannedAbsence, all: readonly Period[]): string {
  if (periods === null) return t("school_plan_all_day");
  return periods.map((id) => all.find((period) => period.id === id)?.name ?? id).join(", ");
}
