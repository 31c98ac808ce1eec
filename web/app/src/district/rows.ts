/** The rows of the monitor: one for each school, with signals of its own, so that an update touches its row alone. */

import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Client, Topic } from "rollcall-client";

import type { Summary } from "../records";
import { clockIn, type Moment } from "../school/clock";
import { countsOf, figuresOf, rateOf, type Codes } from "../school/figures";
import { together } from "../parts/together";
import { serverNow } from "../server_time";
import { countClasses, type AllSchools, type ListedSchool } from "./schools";

const CLASSES_AT_ONCE = 3;

/** What a row shows. */
export interface Row {
  readonly school: ListedSchool;
  /** By the school's own clock. */
  readonly moment: Signal<Moment>;
  readonly summary: Signal<Summary | null>;
  /** Null: not known yet. */
  readonly classes: Signal<number | null>;
  /** 0 to 1; null: nobody is marked. */
  readonly rate: ReadonlySignal<number | null>;
  readonly absent: ReadonlySignal<number>;
  readonly open: ReadonlySignal<number>;
  readonly taken: ReadonlySignal<number>;
  /** Registers of lessons that have begun and that are not taken; null: not known yet. */
  readonly missing: ReadonlySignal<number | null>;
}

export function rowsOf({ schools, codes }: AllSchools): Row[] {
  return schools.map((school) => rowOf(school, codes.get(school.code_set) ?? new Map()));
}

function rowOf(school: ListedSchool, codes: Codes): Row {
  const moment = signal(nowIn(school.time_zone));
  const summary = signal<Summary | null>(null);
  const classes = signal<number | null>(null);
  const begun = computed(() => school.periods.filter(({ start }) => start <= moment.value.time).length);
  const taken = computed(() => summary.value?.registers.taken ?? 0);
  return {
    school,
    moment,
    summary,
    classes,
    rate: computed(() => rateOf(countsOf(summary.value), codes)),
    absent: computed(() => figuresOf(summary.value?.counts ?? {}, codes).absent),
    open: computed(() => summary.value?.registers.open ?? 0),
    taken,
    missing: computed(() => (classes.value === null ? null : Math.max(0, classes.value * begun.value - taken.value))),
  };
}

/**
 * Keeps the rows current until what it gives is called. Updates are collected, and shown together at most once
 * a frame; then `shown` is called.
 */
export function follow(client: Client, rows: readonly Row[], shown: () => void): () => void {
  const due = new Set<() => void>();
  let frame: number | null = null;
  const show = (): void => {
    frame = null;
    batch(() => due.forEach((one) => one()));
    due.clear();
    shown();
  };
  const want = (one: () => void): void => {
    due.add(one);
    frame ??= requestAnimationFrame(show);
  };
  const ends = rows.map((row) => followOne(client, row, want));
  let wanted = true;
  void together(rows, CLASSES_AT_ONCE, () => wanted, async ({ school, classes }) => {
    if (classes.peek() !== null) return;
    const count = await countClasses(school.id);
    want(() => (classes.value = count));
  });
  let minute = 0;
  const clock = setInterval(() => {
    const now = Math.floor(serverNow() / 60_000);
    if (now !== minute) batch(() => ends.forEach(({ tick }) => tick()));
    minute = now;
  }, 1000);
  return () => {
    wanted = false;
    clearInterval(clock);
    if (frame !== null) cancelAnimationFrame(frame);
    for (const { end } of ends) end();
  };
}

interface Followed {
  /** A minute is over. */
  readonly tick: () => void;
  readonly end: () => void;
}

function followOne(client: Client, row: Row, want: (show: () => void) => void): Followed {
  const name = `summary:${row.school.id}`;
  const topic = client.subscribe(name, { date: row.moment.peek().date });
  const show = (): void => {
    row.summary.value = ofDay(topic, row.moment.peek().date);
  };
  const remove = topic.onChange(() => want(show));
  want(show);
  return {
    tick: () => tick(client, row, topic),
    end() {
      remove();
      if (client.status.state !== "stopped") client.unsubscribe(name);
    },
  };
}

/** Once a school's day is over, the next one is shown. */
function tick(client: Client, row: Row, topic: Topic): void {
  const now = nowIn(row.school.time_zone);
  const before = row.moment.peek();
  if (now.time === before.time && now.date === before.date) return;
  row.moment.value = now;
  if (now.date === before.date || client.status.state === "stopped") return;
  client.subscribe(topic.name, { date: now.date });
  row.summary.value = ofDay(topic, now.date);
}

const clocks = new Map<string, (at: Date) => Moment>();

/** A formatter is dear, and many schools have the same time zone. */
function nowIn(timeZone: string): Moment {
  const clock = clocks.get(timeZone) ?? clockIn(timeZone);
  clocks.set(timeZone, clock);
  return clock(new Date(serverNow()));
}

function ofDay(topic: Topic, date: string): Summary | null {
  return (topic.records("summary") as Summary[]).find((summary) => summary.date === date) ?? null;
}
