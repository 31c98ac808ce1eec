/** The periods of a school's day. */

import { useRef, useState } from "preact/hooks";

import { t } from "../messages";
import type { Period } from "../records";
import { Choice, Input } from "./form";

const MOST = 20;

/** A day to begin with. */
const USUAL: readonly Period[] = [
  { id: "1", name: "1", start: "08:30", end: "09:15" },
  { id: "2", name: "2", start: "09:20", end: "10:05" },
  { id: "3", name: "3", start: "10:25", end: "11:10" },
  { id: "4", name: "4", start: "11:15", end: "12:00" },
];

interface PeriodFieldsProps {
  readonly prefix: string;
  readonly periods: readonly Period[] | null;
}

export function PeriodFields({ prefix, periods }: PeriodFieldsProps) {
  const [rows, setRows] = useState<readonly Period[]>(periods ?? USUAL);
  // Marks name periods by id: one that was taken away must not come back for another.
  const used = useRef(new Set(rows.map(({ id }) => id)));
  const add = (): void => {
    let number = rows.length + 1;
    while (used.current.has(String(number))) number += 1;
    const id = String(number);
    used.current.add(id);
    setRows([...rows, { id, name: id, start: "", end: "" }]);
  };
  return (
    <Choice name={prefix} label={t("admin_periods")} look="periods">
      {rows.map(({ id, name, start, end }, row) => (
        <div class="period" key={id} role="group" aria-label={t("admin_period", { number: row + 1 })}>
          <input type="hidden" name={`${prefix}.${row}.id`} value={id} />
          <Input name={`${prefix}.${row}.name`} label={t("name")} value={name} required autocomplete="off" />
          <Input name={`${prefix}.${row}.start`} type="time" label={t("admin_start")} value={start} required />
          <Input name={`${prefix}.${row}.end`} type="time" label={t("admin_end")} value={end} required />
          <button
            type="button"
            class="plain"
            aria-label={`${t("admin_remove")}: ${t("admin_period", { number: row + 1 })}`}
            disabled={rows.length === 1}
            onClick={() => setRows(rows.filter((one) => one.id !== id))}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </div>
      ))}
      <button type="button" onClick={add} disabled={rows.length >= MOST}>
        {t("admin_add_period")}
      </button>
    </Choice>
  );
}

/** What the fields say. */
export function enteredPeriods(data: FormData, prefix: string): Period[] {
  const periods: Period[] = [];
  for (let row = 0; data.has(`${prefix}.${row}.id`); row += 1) {
    const text = (field: string): string => String(data.get(`${prefix}.${row}.${field}`) ?? "");
    periods.push({ id: text("id"), name: text("name"), start: text("start"), end: text("end") });
  }
  return periods;
}
