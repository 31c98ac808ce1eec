/** One class in one period: its students with their marks, and the way to each mark's history. */

import { useEffect, useRef, useState } from "preact/hooks";

import { useTopic } from "../live";
import { number, t } from "../messages";
import { Freshness } from "../parts/freshness";
import { marker, taker } from "../parts/people";
import { fullName, of, onRoll, type Class, type Mark, type Period, type Register, type School } from "../records";
import { CodeName } from "./absences";
import { clockTime, momentIn } from "./clock";
import { byLetter } from "./figures";
import { History, markers } from "./history";
import { sortedName } from "./rosters";

interface SheetProps {
  readonly school: School;
  readonly classId: string;
  readonly date: string;
  readonly period: Period;
  readonly back: string;
  readonly compare: (one: string, other: string) => number;
  /** Whether the user may read the school's journal. */
  readonly histories: boolean;
}

export function Sheet({ school, classId, date, period, back, compare, histories }: SheetProps) {
  const { records, status } = useTopic(`class:${classId}`, date);
  const [open, setOpen] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [classId]);
  const all = records.value;
  const codes = byLetter(school.codes);
  const isShown = (record: Mark | Register): boolean => record.period === period.id && record.date === date;
  const register = of<Register>(all, "register").find(isShown);
  const marks = new Map(of<Mark>(all, "mark").filter(isShown).map((mark) => [mark.student_id, mark]));
  const students = onRoll(all, classId, date).sort((one, other) => compare(sortedName(one), sortedName(other)));
  const shown = students.find(({ id }) => id === open);
  const shownMark = open === null ? undefined : marks.get(open);
  return (
    <section class="sheet" aria-labelledby="sheet">
      <header>
        <a class="back" href={back}>
          {t("school_back")}
        </a>
        <h2 id="sheet" tabIndex={-1} ref={heading}>
          <bdi>{of<Class>(all, "class")[0]?.name ?? classId}</bdi>, {period.name} ({clockTime(period.start)}–{clockTime(period.end)})
        </h2>
        {status.value.state === "refused" && <Freshness status={status.value} />}
      </header>
      <p>{stateOf(register, school.time_zone)}</p>
      {students.length === 0 ? (
        <p class="quiet">{status.value.state === "live" ? t("school_nobody") : t("loading")}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{t("name")}</th>
              <th scope="col">{t("school_mark")}</th>
              {histories && <th scope="col">{t("school_history")}</th>}
            </tr>
          </thead>
          <tbody>
            {students.map((student) => {
              const mark = marks.get(student.id);
              return (
                <tr key={student.id} data-student={student.id}>
                  <th scope="row">
                    <bdi>{fullName(student)}</bdi>
                  </th>
                  <td>
                    <CodeName letter={mark?.code ?? null} codes={codes} />
                    {typeof mark?.minutes_late === "number" && <> {t("school_minutes", { count: mark.minutes_late })}</>}
                    {typeof mark?.note === "string" && <bdi class="note">{mark.note}</bdi>}
                    {typeof mark?.code === "string" && <span class="quiet"> {t("reg_by", { name: marker(mark) })}</span>}
                  </td>
                  {histories && (
                    <td>
                      {mark !== undefined && (
                        <button type="button" aria-label={t("school_history_of", { name: fullName(student) })} onClick={() => setOpen(student.id)}>
                          {t("school_history")}
                        </button>
                      )}
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {shown !== undefined && shownMark !== undefined && (
        <History
          school={school}
          mark={shownMark}
          name={fullName(shown)}
          known={markers(of<Mark>(all, "mark"))}
          onClose={() => setOpen(null)}
        />
      )}
    </section>
  );
}

function stateOf(register: Register | undefined, timeZone: string): string {
  if (register === undefined) return t("school_state_none");
  if (register.state === "open") return t("school_state_open");
  const at = register.taken_at === null ? "" : momentIn(timeZone, register.taken_at);
  return t("school_taken_at", { name: taker(register), time: at, count: number(register.unmarked ?? 0) });
}
