/** The fields of a planned absence. */

import { useState } from "preact/hooks";

import { Choice, Input, Select, Unfilled } from "../admin/form";
import { t } from "../messages";
import { fullName, type Class, type Code, type Period, type Student } from "../records";
import { sortedName, type Rosters } from "./rosters";

/** Students who are offered at once. */
const OFFERED = 30;

interface PlanFieldsProps {
  readonly classes: readonly Class[];
  readonly rosters: Rosters;
  readonly codes: readonly Code[];
  /** In the order of the day. */
  readonly periods: readonly Period[];
  /** The day that is offered first. */
  readonly date: string;
  readonly compare: (one: string, other: string) => number;
}

export function PlanFields({ classes, rosters, codes, periods, date, compare }: PlanFieldsProps) {
  const away = codes.filter(({ direction, category }) => direction === "out" || category === "approved_activity");
  return (
    <>
      <StudentChoice classes={classes} rosters={rosters} compare={compare} />
      <Days date={date} />
      <PeriodChoice periods={periods} />
      <Select
        name="code"
        label={t("school_code")}
        none={t("school_plan_usual")}
        options={away.map(({ code, label }) => [code, `${code} – ${label}`])}
      />
      <Input name="reason" label={t("school_reason")} hint={t("school_reason_hint")} required autocomplete="off" />
    </>
  );
}

/** The last day is the first one, until somebody chooses a later one. */
function Days({ date }: Pick<PlanFieldsProps, "date">) {
  const [first, setFirst] = useState(date);
  const [offered, setOffered] = useState({ last: date, times: 0 });
  const [chosen, setChosen] = useState<string | null>(null);
  const begin = (day: string): void => {
    setFirst(day);
    // Nothing is there while the day is typed.
    if (day === "" || (chosen !== null && chosen >= day)) return;
    setChosen(null);
    setOffered({ last: day, times: offered.times + 1 });
  };
  return (
    <div class="range">
      <Input name="from" type="date" label={t("school_plan_from")} value={date} required onInput={begin} />
      <Input
        key={offered.times}
        name="to"
        type="date"
        label={t("school_plan_to")}
        value={offered.last}
        min={first}
        required
        onInput={setChosen}
      />
    </div>
  );
}

/** What the fields say, as `attendance.plan` takes it. Unfilled. */
export function enteredPlan(data: FormData): object {
  const text = (name: string): string => String(data.get(name) ?? "").trim();
  const all = (name: string, none: string): string[] => {
    const values = data.getAll(name).map(String);
    if (values.length === 0) throw new Unfilled(name, none);
    return values;
  };
  const student_ids = all("student_ids", t("school_plan_nobody"));
  const periods = data.has("all_day") ? {} : { periods: all("periods", t("school_plan_no_period")) };
  return {
    student_ids,
    from: text("from"),
    to: text("to"),
    // Which code is the usual one the server knows.
    ...(text("code") === "" ? {} : { code: text("code") }),
    reason: text("reason"),
    ...periods,
  };
}

/** Those who were chosen stay in sight, whatever is searched for. */
function StudentChoice({ classes, rosters, compare }: Pick<PlanFieldsProps, "classes" | "rosters" | "compare">) {
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const all = [...new Map([...rosters.values()].flatMap((roster) => [...roster])).values()];
  all.sort((one, other) => compare(sortedName(one), sortedName(other)));
  const found = all.filter((student) => !student.archived && !chosen.has(student.id) && isFound(student, search));
  const shown = [...all.filter(({ id }) => chosen.has(id)), ...(search.trim() === "" ? [] : found.slice(0, OFFERED))];
  const classesOf = (id: string): string =>
    classes
      .filter((one) => rosters.get(one.id)?.has(id))
      .map(({ name }) => name)
      .join(", ");
  const choose = (id: string, isChosen: boolean): void => {
    const next = new Set(chosen);
    if (isChosen) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <Choice name="student_ids" label={t("school_plan_students", { count: chosen.size })} look="choice">
      <label>
        {t("school_plan_search")}
        <input
          type="search"
          value={search}
          autocomplete="off"
          // A search that is ended by Enter sends nothing yet.
          onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </label>
      <div class="options">
        {shown.map((student) => (
          <label key={student.id}>
            <input
              type="checkbox"
              name="student_ids"
              value={student.id}
              checked={chosen.has(student.id)}
              onChange={(event) => choose(student.id, event.currentTarget.checked)}
            />{" "}
            <bdi>{fullName(student)}</bdi> <bdi class="quiet">{classesOf(student.id)}</bdi>
          </label>
        ))}
      </div>
      <p class="hint" role="status">
        {found.length > OFFERED && search.trim() !== "" && t("school_plan_more", { count: found.length - OFFERED })}
        {search.trim() !== "" && !all.some((student) => !student.archived && isFound(student, search)) && t("reg_nobody_found")}
      </p>
    </Choice>
  );
}

function PeriodChoice({ periods }: Pick<PlanFieldsProps, "periods">) {
  const [isWhole, setWhole] = useState(true);
  return (
    <Choice name="periods" label={t("school_periods")} look="choice">
      <label>
        <input type="checkbox" name="all_day" checked={isWhole} onChange={(event) => setWhole(event.currentTarget.checked)} /> {t("school_plan_all_day")}
      </label>
      {!isWhole && (
        <div class="options">
          {periods.map(({ id, name }) => (
            <label key={id}>
              <input type="checkbox" name="periods" value={id} /> <bdi>{name}</bdi>
            </label>
          ))}
        </div>
      )}
    </Choice>
  );
}

/** Whether each word of the search begins a word of the name, whatever its case and accents. */
function isFound(student: Student, search: string): boolean {
  const words = plain(`${fullName(student)} ${student.given_name}`).split(/\s+/);
  return plain(search)
    .split(/\s+/)
    .every((part) => words.some((word) => word.startsWith(part)));
}

function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase().trim();
}
