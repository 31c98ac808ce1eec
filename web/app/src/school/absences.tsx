/** The students who are absent, to be sorted and printed. */

import { useMemo, useState } from "preact/hooks";

import { t } from "../messages";
import { fullName, type Student } from "../records";
import type { Absence } from "./board";
import type { Codes } from "./figures";
import { sortedName, type Rosters } from "./rosters";

interface AbsencesProps {
  readonly absences: readonly Absence[];
  readonly rosters: Rosters;
  /** Students who were changed since the rosters were read. */
  readonly changed: ReadonlyMap<string, Student>;
  readonly codes: Codes;
  readonly compare: (one: string, other: string) => number;
  /** What is shown, above the printed list. */
  readonly title: string;
  /** Whether periods are named: the list is that of a day. */
  readonly periods: boolean;
  /** The address of a class's sheet; null: the names alone, without controls. */
  readonly to: ((absence: Absence) => string) | null;
}

type Order = "code" | "name" | "class";

/**
 * The students, but for those of whom a roster says that they are not on roll any more: no figure counts them.
 * By code, whose absence is not explained comes first: those are phoned.
 */
export function Absences({ absences, rosters, changed, codes, compare, title, periods, to }: AbsencesProps) {
  const [order, setOrder] = useState<Order>(to === null ? "class" : "code");
  const rows = useMemo(() => {
    const found = absences.flatMap((absence) => {
      const { class_id, student_id } = absence.mark;
      const roster = rosters.get(class_id);
      const student = changed.get(student_id) ?? roster?.get(student_id);
      if (roster !== undefined && student === undefined) return [];
      return [{ absence, student, sort: student === undefined ? "" : sortedName(student) }];
    });
    return found.sort((one, other) => {
      const byClass = compare(one.absence.className, other.absence.className);
      const byName = compare(one.sort, other.sort);
      if (order === "name") return byName || byClass;
      return (order === "code" ? byCode(one.absence, other.absence, codes) : 0) || byClass || byName;
    });
  }, [absences, rosters, changed, codes, compare, order]);
  const head = (which: Order, label: string) => (
    <th scope="col" aria-sort={order === which ? "ascending" : "none"}>
      <button type="button" class="plain" onClick={() => setOrder(which)}>
        {label} <span aria-hidden="true">{order === which ? "▲" : ""}</span>
      </button>
    </th>
  );
  return (
    <section class="absences" aria-labelledby="absences">
      <header>
        <h2 id="absences">{t("school_absences", { count: rows.length })}</h2>
        {to !== null && (
          <button type="button" onClick={() => print()}>
            {t("school_print")}
          </button>
        )}
      </header>
      <p class="on-paper">{title}</p>
      {rows.length === 0 && <p class="quiet">{t("school_absences_none")}</p>}
      {to === null && (
        <ul class="names">
          {rows.map(({ absence: { mark, className }, student }) => (
            <li key={`${mark.class_id} ${mark.student_id}`}>
              <bdi>{student === undefined ? "…" : fullName(student)}</bdi>, <bdi>{className}</bdi>
            </li>
          ))}
        </ul>
      )}
      {to !== null && rows.length > 0 && (
        <table>
          <thead>
            <tr>
              {head("name", t("name"))}
              {head("class", t("school_class"))}
              {head("code", t("school_code"))}
              {periods && <th scope="col">{t("school_periods")}</th>}
              <th scope="col">{t("school_note")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ absence, student }) => (
              <tr key={`${absence.mark.class_id} ${absence.mark.student_id}`}>
                <th scope="row">
                  <bdi>{student === undefined ? "…" : fullName(student)}</bdi>
                </th>
                <td>
                  <a href={to(absence)}>
                    <bdi>{absence.className}</bdi>
                  </a>
                </td>
                <td>
                  <CodeName letter={absence.mark.code} codes={codes} />
                </td>
                {periods && <td>{absence.periods.map(({ name }) => name).join(", ")}</td>}
                <td>
                  {absence.mark.source === "planned" && t("reg_planned")} <bdi>{absence.mark.note}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function byCode({ mark: one }: Absence, { mark: other }: Absence, codes: Codes): number {
  const rank = ({ code }: Absence["mark"]): number => Number(codes.get(code ?? "")?.category !== "unauthorised");
  const [mine, theirs] = [one.code ?? "", other.code ?? ""];
  return rank(one) - rank(other) || (mine === theirs ? 0 : mine < theirs ? -1 : 1);
}

/** A code with what it means; null: the mark was cleared. */
export function CodeName({ letter, codes }: { readonly letter: string | null; readonly codes: Codes }) {
  if (letter === null) return <>{t("school_no_mark")}</>;
  const code = codes.get(letter);
  return (
    <span class="code">
      <b style={{ background: code?.colour ?? "#525b6b" }}>{letter}</b> <bdi>{code?.label ?? ""}</bdi>
    </span>
  );
}
