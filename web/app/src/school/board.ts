/** What a school's board shows, from the records of its topic. All pure. */

import type { StoredRecord } from "rollcall-client";

import { of, type Class, type Mark, type Period, type Register, type Summary, type Tally } from "../records";
import { figuresOf, sum, whereabouts, type Codes, type Counts, type Figures } from "./figures";

/** `none`: nobody has begun it, `gaps`: taken, and somebody on roll has no mark. */
export type State = "none" | "open" | "taken" | "gaps";

export interface Tile {
  readonly one: Class;
  readonly state: State;
  readonly figures: Figures;
  /** Null: not known, for nobody has marked yet. */
  readonly onRoll: number | null;
  /** The lessons that have begun and whose registers are not taken, in their order. */
  readonly missing: readonly Period[];
  /** Whether somebody has begun the register of the first of these. */
  readonly isBegun: boolean;
}

/** A student who is absent, with their newest such mark. */
export interface Absence {
  readonly mark: Mark;
  readonly className: string;
  readonly periods: readonly Period[];
}

export interface Board {
  readonly tiles: readonly Tile[];
  /** Registers that are missing. */
  readonly missing: number;
  readonly counts: Counts;
  readonly figures: Figures;
  readonly absences: readonly Absence[];
  readonly summary: Summary | undefined;
}

/** Of what a board is. */
export interface View {
  readonly date: string;
  /** The period that is shown; null: the whole day. */
  readonly period: Period | null;
  /** The school's periods in their order, and its time of day. */
  readonly periods: readonly Period[];
  readonly time: string;
  readonly codes: Codes;
  readonly compare: (one: string, other: string) => number;
}

export function boardOf(records: readonly StoredRecord[], view: View): Board {
  const { date, period, periods, time, compare } = view;
  const shown = period === null ? periods : [period];
  const isShown = (record: { date: string; period: string }): boolean =>
    record.date === date && (period === null || record.period === period.id);
  const registers = bySheet(of<Register>(records, "register").filter(isShown));
  const tallies = bySheet(of<Tally>(records, "tally").filter(isShown));
  const classes = of<Class>(records, "class").filter(({ archived }) => !archived);
  const tiles = classes.map((one) => tileOf(one, shown, time, registers, tallies, view.codes));
  tiles.sort((one, other) => firstMissing(one, other) || compare(one.one.name, other.one.name));
  const summary = of<Summary>(records, "summary").find((each) => each.date === date);
  const counts = period === null ? (summary?.counts ?? {}) : sum([...tallies.values()].map((tally) => tally.counts));
  return {
    tiles,
    missing: tiles.reduce((count, tile) => count + tile.missing.length, 0),
    counts,
    figures: figuresOf(counts, view.codes),
    absences: absencesOf(of<Mark>(records, "mark").filter(isShown), classes, view),
    summary,
  };
}

function tileOf(
  one: Class,
  shown: readonly Period[],
  time: string,
  registers: ReadonlyMap<string, Register>,
  tallies: ReadonlyMap<string, Tally>,
  codes: Codes,
): Tile {
  const found = shown.flatMap(({ id }) => tallies.get(sheet(one.id, id)) ?? []);
  const figures = figuresOf(sum(found.map(({ counts }) => counts)), codes);
  const onRoll = found.length === 0 ? null : found.reduce((count, tally) => count + tally.on_roll, 0);
  const states = shown.map((period) => registers.get(sheet(one.id, period.id))?.state);
  const begun = shown.filter(({ start }) => start <= time);
  const missing = begun.filter((period) => registers.get(sheet(one.id, period.id))?.state !== "taken");
  const isBegun = missing[0] !== undefined && registers.has(sheet(one.id, missing[0].id));
  return { one, state: stateOf(states, figures.marked, onRoll, begun.length), figures, onRoll, missing, isBegun };
}

/** The state of one register, or of those of a day together: taken once all that have begun are. */
function stateOf(
  states: readonly (Register["state"] | undefined)[],
  marked: number,
  onRoll: number | null,
  begun: number,
): State {
  const taken = states.filter((state) => state === "taken").length;
  if (taken > 0 && taken >= Math.min(begun, states.length) && !states.includes("open")) {
    return onRoll !== null && marked < onRoll ? "gaps" : "taken";
  }
  return states.every((state) => state === undefined) ? "none" : "open";
}

function firstMissing(one: Tile, other: Tile): number {
  const [mine, theirs] = [one.missing[0]?.start, other.missing[0]?.start];
  if (mine === theirs) return 0;
  if (mine === undefined) return 1;
  return theirs === undefined || mine < theirs ? -1 : 1;
}

function absencesOf(marks: readonly Mark[], classes: readonly Class[], view: View): Absence[] {
  const names = new Map(classes.map(({ id, name }) => [id, name]));
  const places = new Map(view.periods.map((period, place) => [period.id, place]));
  const absent = marks.filter((mark) => {
    const code = mark.code === null ? undefined : view.codes.get(mark.code);
    return code !== undefined && whereabouts(code) === "absent" && names.has(mark.class_id);
  });
  absent.sort((one, other) => (places.get(one.period) ?? -1) - (places.get(other.period) ?? -1));
  const found = new Map<string, Absence>();
  for (const mark of absent) {
    const key = `${mark.class_id} ${mark.student_id}`;
    const period = view.periods[places.get(mark.period) ?? -1];
    const before = found.get(key)?.periods ?? [];
    const className = names.get(mark.class_id) ?? "";
    found.set(key, { mark, className, periods: period === undefined ? before : [...before, period] });
  }
  return [...found.values()];
}

function sheet(classId: string, period: string): string {
  return `${classId} ${period}`;
}

function bySheet<R extends { class_id: string; period: string }>(records: readonly R[]): Map<string, R> {
  return new Map(records.map((record) => [sheet(record.class_id, record.period), record]));
}
