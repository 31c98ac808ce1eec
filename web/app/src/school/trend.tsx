/** The attendance rate of the last days, as a line and as a table. */

import { useEffect, useMemo, useRef } from "preact/hooks";

import { day, language, LANGUAGES, number, percent, t } from "../messages";
import type { Summary } from "../records";
import { theme } from "../theme";
import type { Chart, Point } from "./chart";
import { countsOf, rateOf, type Codes } from "./figures";
import { DAYS, datesUpTo, type DaysRead } from "./trend_days";

interface TrendProps {
  readonly today: string;
  readonly days: DaysRead;
  /** Today's, pushed. */
  readonly live: Summary | undefined;
  readonly codes: Codes;
  /** Whether the numbers can be unfolded. */
  readonly table: boolean;
}

export function Trend({ today, days, live, codes, table }: TrendProps) {
  const now = live ?? days.today;
  const rows = useMemo(
    () =>
      datesUpTo(today).map((date) => {
        const counts = countsOf(date === today ? now : days.past.get(date));
        return { date, rate: rateOf(counts, codes), marks: Object.values(counts).reduce((all, count) => all + count, 0) };
      }),
    [today, days, now, codes],
  );
  const known = rows.filter(({ rate }) => rate !== null);
  const newest = known.at(-1);
  const told =
    newest === undefined
      ? t("school_trend_none")
      : t("school_trend_told", {
          days: known.length,
          rate: percent(newest.rate ?? 0),
          day: day(newest.date),
          low: percent(Math.min(...known.map(({ rate }) => rate ?? 1))),
          high: percent(Math.max(...known.map(({ rate }) => rate ?? 0))),
        });
  return (
    <section class="trend" aria-labelledby="trend">
      <h2 id="trend">{t("school_trend", { days: DAYS })}</h2>
      {newest === undefined ? <p class="quiet">{told}</p> : <Line points={rows} label={told} />}
      {table && newest !== undefined && (
        <details>
          <summary>{t("school_trend_numbers")}</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("school_day")}</th>
                <th scope="col">{t("school_rate")}</th>
                <th scope="col">{t("school_marks")}</th>
              </tr>
            </thead>
            <tbody>
              {known.map(({ date, rate, marks }) => (
                <tr key={date}>
                  <th scope="row">{day(date)}</th>
                  <td>{percent(rate ?? 0)}</td>
                  <td>{number(marks)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

function Line({ points, label }: { readonly points: readonly Point[]; readonly label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const newest = useRef(points);
  newest.current = points;
  const code = language.value;
  useEffect(() => {
    let wanted = true;
    // A frame later: the colours of another theme are there after those who follow it were told.
    const repaint = (): void => void requestAnimationFrame(() => chart.current?.repaint());
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", repaint);
    const unfollow = theme.subscribe(repaint);
    void import("./chart").then(({ drawIn }) => {
      if (!wanted || place.current === null) return;
      chart.current = drawIn(place.current, LANGUAGES[code]?.direction === "rtl");
      chart.current.show(newest.current);
    });
    return () => {
      wanted = false;
      dark.removeEventListener("change", repaint);
      unfollow();
      chart.current?.close();
      chart.current = null;
    };
  }, [code]);
  const drawn = points.map(({ rate }) => rate).join();
  useEffect(() => chart.current?.show(points), [drawn, points[0]?.date]);
  return <div ref={place} class="line" dir="ltr" role="img" aria-label={label} />;
}
