/** The fields of a school, to make one or to change it. */

import { useMemo } from "preact/hooks";

import { t } from "../messages";
import { USUAL_DAYS, weekday, WEEKDAYS } from "../parts/weekdays";
import { Choice, Input, Select } from "./form";
import { enteredPeriods, PeriodFields } from "./periods";
import type { SchoolRecord } from "./records";

interface SchoolFieldsProps {
  /** What stands before the names of the fields: where the server's refusals point to. */
  readonly prefix: "" | "set.";
  /** What there is; null: a new school. */
  readonly school: SchoolRecord | null;
}

export function SchoolFields({ prefix, school }: SchoolFieldsProps) {
  const zones = useMemo(() => timeZones(school?.time_zone), [school?.time_zone]);
  return (
    <>
      <Input name={`${prefix}name`} label={t("name")} value={school?.name} required autocomplete="off" />
      <Select
        name={`${prefix}time_zone`}
        label={t("admin_time_zone")}
        required
        value={school?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone}
        options={zones.map((zone) => [zone, zone.replaceAll("_", " ")])}
      />
      <Select
        name={`${prefix}code_set`}
        label={t("admin_code_set")}
        required
        value={school?.code_set ?? "simple"}
        options={[
          ["simple", t("admin_codes_simple")],
          ["england", t("admin_codes_england")],
        ]}
      />
      <Input
        name={`${prefix}mark_days_back`}
        type="number"
        label={t("admin_days_back")}
        hint={t("admin_days_back_hint")}
        value={school?.mark_days_back ?? 7}
        required
      />
      <Choice name={`${prefix}days`} label={t("admin_days")} look="days">
        {WEEKDAYS.map((number) => (
          <label key={number}>
            <input
              type="checkbox"
              name={`${prefix}days`}
              value={number}
              defaultChecked={(school?.days ?? USUAL_DAYS).includes(number)}
            />{" "}
            {weekday(number)}
          </label>
        ))}
      </Choice>
      <PeriodFields prefix={`${prefix}periods`} periods={school?.periods ?? null} />
    </>
  );
}

/** What the fields say, as `school.create` takes it. */
export function entered(data: FormData, prefix: "" | "set.") {
  const text = (name: string): string => String(data.get(prefix + name) ?? "");
  return {
    name: text("name"),
    time_zone: text("time_zone"),
    code_set: text("code_set"),
    mark_days_back: Number(text("mark_days_back")),
    days: data.getAll(`${prefix}days`).map(Number),
    periods: enteredPeriods(data, `${prefix}periods`),
  };
}

/** The zones that the browser knows, UTC, and the school's, which may have an older name. */
function timeZones(own: string | undefined): string[] {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), here, ...(own === undefined ? [] : [own])])].sort();
}
