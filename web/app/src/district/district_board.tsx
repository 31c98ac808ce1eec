/** The monitor of a district: a row for each school, to be sorted and filtered while figures move. */

import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import { memo } from "preact/compat";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { client, status } from "../live";
import { language, number, percent, t } from "../messages";
import { Freshness } from "../parts/freshness";
import { useKeptFocus } from "../school/kept_focus";
import { arranged, FIRST, type Choice, type Column } from "./order";
import { follow, rowsOf, type Row } from "./rows";
import type { AllSchools } from "./schools";

/** Milliseconds: rows change places no more often, and not while somebody is at them. */
const CALM = 2000;

export function DistrictBoard(all: AllSchools) {
  const rows = useMemo(() => rowsOf(all), [all.schools, all.codes]);
  const compare = useMemo(() => new Intl.Collator(language.value, { numeric: true }).compare, [language.value]);
  const [choice, setChoice] = useState<Choice>({ column: "missing", descending: true, text: "", onlyMissing: false });
  const shown = useSignal<readonly Row[]>([]);
  const arrange = useRef(() => {});
  arrange.current = () => {
    const next = arranged(rows, choice, compare);
    if (next.length !== shown.peek().length || next.some((row, n) => row !== shown.peek()[n])) shown.value = next;
  };
  // What the user asks for is there at once.
  useMemo(() => arrange.current(), [rows, choice, compare]);
  const place = useRef<HTMLDivElement>(null);
  const now = client.value;
  useEffect(() => {
    if (now === null || place.current === null) return undefined;
    const calm = calmly(() => arrange.current(), place.current);
    const unfollow = follow(now, rows, calm.want);
    return () => {
      unfollow();
      calm.end();
    };
  }, [now, rows]);
  return (
    <div class="district">
      <header>
        <h1>{t("district")}</h1>
        <Freshness status={status.value} />
        <Totals rows={rows} />
      </header>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t("district_search")}
          <input type="search" value={choice.text} onInput={(event) => setChoice({ ...choice, text: event.currentTarget.value })} />
        </label>
        <button type="button" aria-pressed={choice.onlyMissing} onClick={() => setChoice({ ...choice, onlyMissing: !choice.onlyMissing })}>
          {t("district_only_missing")}
        </button>
      </form>
      <div role="table" aria-label={t("district")} ref={place}>
        <Head choice={choice} onChoice={setChoice} />
        <Rows shown={shown} />
      </div>
    </div>
  );
}

function Totals({ rows }: { readonly rows: readonly Row[] }) {
  const text = useComputed(() => {
    const all = rows.map(({ missing }) => missing.value);
    const missing = all.includes(null) ? "…" : all.reduce((sum: number, count) => sum + (count ?? 0), 0);
    return t("district_totals", { schools: rows.length, missing });
  });
  return <p class="totals">{text}</p>;
}

interface HeadProps {
  readonly choice: Choice;
  readonly onChoice: (choice: Choice) => void;
}

function Head({ choice, onChoice }: HeadProps) {
  const head = (column: Column, label: string) => {
    const isChosen = choice.column === column;
    const sorted = isChosen ? (choice.descending ? "descending" : "ascending") : "none";
    return (
      <span role="columnheader" aria-sort={sorted} class={column}>
        <button
          type="button"
          class="plain"
          onClick={() => onChoice({ ...choice, column, descending: isChosen ? !choice.descending : FIRST[column] })}
        >
          {label} <span aria-hidden="true">{isChosen ? (choice.descending ? "▼" : "▲") : ""}</span>
        </button>
      </span>
    );
  };
  return (
    <div role="rowgroup">
      <div role="row" class="row head">
        {head("name", t("district_school"))}
        {head("rate", t("school_rate"))}
        {head("missing", t("district_missing"))}
        <span role="columnheader">{t("district_absent")}</span>
        <span role="columnheader">{t("district_open")}</span>
        <span role="columnheader">{t("district_taken")}</span>
      </div>
    </div>
  );
}

/** Rendered anew only when rows come, go or change places. */
function Rows({ shown }: { readonly shown: ReadonlySignal<readonly Row[]> }) {
  const list = useRef<HTMLDivElement>(null);
  useKeptFocus(list);
  return (
    <div role="rowgroup" class="rows" ref={list}>
      {shown.value.map((row) => (
        <SchoolRow key={row.school.id} row={row} />
      ))}
    </div>
  );
}

/** Its figures are texts that are signals: they change without any component. */
const SchoolRow = memo(function SchoolRow({ row }: { readonly row: Row }) {
  const rate = useComputed(() => (row.rate.value === null ? "–" : percent(row.rate.value)));
  const missing = useComputed(() => (row.missing.value === null ? "…" : number(row.missing.value)));
  const look = useComputed(() => `row${(row.missing.value ?? 0) > 0 ? " some" : ""}`);
  const absent = useComputed(() => number(row.absent.value));
  const open = useComputed(() => number(row.open.value));
  const taken = useComputed(() => number(row.taken.value));
  return (
    <div role="row" class={look} data-school={row.school.id}>
      <span role="rowheader" class="name">
        <a href={`/schools/${row.school.id}`}>
          <bdi>{row.school.name}</bdi>
        </a>
      </span>
      <span role="cell" class="rate" data-label={t("school_rate")}>{rate}</span>
      <span role="cell" class="missing" data-label={t("district_missing")}>{missing}</span>
      <span role="cell" data-label={t("district_absent")}>{absent}</span>
      <span role="cell" data-label={t("district_open")}>{open}</span>
      <span role="cell" data-label={t("district_taken")}>{taken}</span>
    </div>
  );
});

/** Does something when it is wanted: at most once in `CALM`, and only once nobody has been at the place for so long. */
function calmly(work: () => void, place: HTMLElement): { want: () => void; end: () => void } {
  let timer: number | undefined;
  let touched = -CALM;
  let worked = -CALM;
  const touch = (): void => {
    touched = performance.now();
  };
  const look = (): void => {
    const rest = Math.max(touched, worked) + CALM - performance.now();
    if (rest > 0) {
      timer = window.setTimeout(look, rest);
      return;
    }
    timer = undefined;
    worked = performance.now();
    work();
  };
  const events = ["pointermove", "pointerdown", "keydown", "focusin", "wheel", "touchmove"] as const;
  for (const event of events) place.addEventListener(event, touch, { passive: true });
  document.addEventListener("scroll", touch, { passive: true });
  return {
    want() {
      if (timer === undefined) look();
    },
    end() {
      clearTimeout(timer);
      for (const event of events) place.removeEventListener(event, touch);
      document.removeEventListener("scroll", touch);
    },
  };
}
