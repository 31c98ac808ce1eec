/** A school's day: its figures, its classes, who is absent, and how it was before. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { useTopic } from "../live";
import { day, language, t } from "../messages";
import { useInLanguage } from "../parts/code_labels";
import { Freshness } from "../parts/freshness";
import { of, type PlannedAbsence, type School, type Student } from "../records";
import { Absences } from "./absences";
import { periodOf, useAddress } from "./address";
import { boardOf, type Tile } from "./board";
import { Chooser } from "./chooser";
import { clockTime, inOrder, useMoment } from "./clock";
import { byLetter } from "./figures";
import { Grid } from "./grid";
import { Panel } from "./panel";
import { Planned } from "./planned";
import { holds } from "./rights";
import { useRosters } from "./rosters";
import { Sheet } from "./sheet";
import { Trend } from "./trend";
import { useDays } from "./trend_days";

export function SchoolBoard({ school: given }: { readonly school: School }) {
  const read = useInLanguage(given);
  const { date, time } = useMoment(read.time_zone);
  const { records, status } = useTopic(`school:${read.id}`, date);
  const pushed = of<School>(records.value, "school")[0];
  // The topic's school has no codes.
  const school: School = pushed === undefined ? read : { ...pushed, codes: read.codes };
  const address = useAddress();
  const compare = useMemo(() => new Intl.Collator(language.value, { numeric: true }).compare, [language.value]);
  const codes = useMemo(() => byLetter(read.codes), [read.codes]);
  const periods = useMemo(() => inOrder(school.periods), [school.periods]);
  const period = periodOf(address, periods, time);
  const board = useMemo(
    () => boardOf(records.value, { date, period, periods, time, codes, compare }),
    [records.value, date, period, periods, time, codes, compare],
  );
  const changed = useMemo(
    () => new Map(of<Student>(records.value, "student").map((student) => [student.id, student])),
    [records.value],
  );
  const classes = board.tiles.map(({ one }) => one);
  const [strangers, setStrangers] = useState<readonly string[]>([]);
  const rosters = useRosters(date, classes, strangers).value;
  useEffect(() => {
    const found = board.absences
      .filter(({ mark }) => rosters.get(mark.class_id)?.has(mark.student_id) === false)
      .map(({ mark }) => `${mark.class_id} ${mark.student_id}`);
    setStrangers((before) => (before.join() === found.join() ? before : found));
  }, [board.absences, rosters]);
  const days = useDays(school.id, date);
  const onRoll = (board.summary ?? days.today)?.on_roll ?? null;

  const isWall = address.wall !== null;
  useWayBack(address.one);
  const shown = { period: address.period, day: address.day };
  const isSheet = address.one !== undefined && !isWall;
  const shownName = period === null ? t("school_day_whole") : period.name;
  return (
    <div class={isWall ? "school wall" : "school"}>
      <header class="title">
        <h1>
          <bdi>{school.name}</bdi>
        </h1>
        <p>
          {day(date)}, {clockTime(time)}
          {isWall && <>, {shownName}</>}
        </p>
        {/* Elsewhere the frame has it. */}
        {(isWall || status.value.state === "refused") && <Freshness status={status.value} />}
        {!isWall && <Chooser address={address} periods={periods} time={time} day={!isSheet} />}
      </header>
      {isSheet && address.one !== undefined ? (
        <Sheet
          key={address.one}
          school={school}
          classId={address.one}
          date={date}
          period={period ?? periodOf({}, periods, time) ?? school.periods[0]!}
          back={address.to(shown)}
          compare={compare}
          histories={holds(school.id, ["school_admin", "office"])}
        />
      ) : (
        <>
          <Panel board={board} period={period} onRoll={onRoll} />
          <Classes
            tiles={board.tiles}
            missing={board.missing}
            isEmpty={records.value.length === 0}
            rollOf={(id) => rosters.get(id)?.size}
            to={isWall ? null : ({ one, missing }) => address.to({ one: one.id, period: period?.id ?? missing[0]?.id })}
          />
          {address.wall !== "" && (
            <Absences
              absences={board.absences}
              rosters={rosters}
              changed={changed}
              codes={codes}
              compare={compare}
              title={`${school.name}, ${day(date)}, ${clockTime(time)}, ${shownName}`}
              periods={period === null}
              to={isWall ? null : ({ mark }) => address.to({ one: mark.class_id, period: mark.period })}
            />
          )}
          {!isWall && holds(school.id, ["school_admin", "office"]) && (
            <Planned
              school={school}
              classes={classes}
              periods={periods}
              absences={of<PlannedAbsence>(records.value, "absence")}
              rosters={rosters}
              changed={changed}
              codes={codes}
              date={date}
              compare={compare}
            />
          )}
          <Trend today={date} days={days} live={board.summary} codes={codes} table={!isWall} />
        </>
      )}
    </div>
  );
}

/** Puts the focus back on the tile of the class whose sheet was left. */
function useWayBack(one: string | undefined): void {
  const before = useRef(one);
  useEffect(() => {
    if (one === undefined && before.current !== undefined) document.getElementById(`tile-${before.current}`)?.focus();
    before.current = one;
  }, [one]);
}

interface ClassesProps {
  readonly tiles: readonly Tile[];
  readonly missing: number;
  readonly isEmpty: boolean;
  readonly rollOf: (classId: string) => number | undefined;
  readonly to: ((tile: Tile) => string) | null;
}

function Classes({ tiles, missing, isEmpty, rollOf, to }: ClassesProps) {
  const [only, setOnly] = useState(false);
  const shown = only ? tiles.filter((tile) => tile.missing.length > 0) : tiles;
  return (
    <section class="classes" aria-labelledby="classes">
      <header>
        <h2 id="classes">{t("school_classes")}</h2>
        {to !== null && (
          <button type="button" aria-pressed={only} onClick={() => setOnly(!only)}>
            {t("school_only_missing", { count: missing })}
          </button>
        )}
      </header>
      {isEmpty && <p class="quiet">{t("loading")}</p>}
      {!isEmpty && shown.length === 0 && <p class="quiet">{t(only ? "school_none_missing" : "school_no_classes")}</p>}
      <Grid tiles={shown} rollOf={rollOf} to={to} />
    </section>
  );
}
