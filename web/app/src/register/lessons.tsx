/** A class of the user with its lessons of today. */

import { t, timeOf } from "../messages";
import { taker } from "../parts/people";
import { of, type Period, type Register, type School } from "../records";
import { dayIn, hours, now, timeIn } from "./device";
import { useClassDay } from "./use_sheet";

const SHAPES = { missing: "○", open: "◐", taken: "●" } as const;

interface LessonsProps {
  readonly id: string;
  readonly school: School;
}

export function Lessons({ id, school }: LessonsProps) {
  const date = dayIn(school.time_zone);
  const { cls, records } = useClassDay(id, date);
  if (cls === null || cls.archived) return null;
  const registers = of<Register>(records, "register");
  const time = timeIn(school.time_zone, now.value);
  const isNow = ({ start, end }: Period): boolean => start <= time && time < end;
  const periods = [...school.periods].sort((a, b) => Number(isNow(b)) - Number(isNow(a)) || a.start.localeCompare(b.start));
  return (
    <section class="lessons" aria-label={cls.name}>
      <h2>
        <bdi>{cls.name}</bdi>
      </h2>
      <ul>
        {periods.map((period) => {
          const register = registers.find((one) => one.period === period.id && one.date === date);
          return (
            <li key={period.id}>
              <a class={isNow(period) ? "lesson current" : "lesson"} href={`/register/${id}/${date}/${encodeURIComponent(period.id)}`}>
                <span class="lesson-name">
                  <bdi>{period.name}</bdi> {isNow(period) && <strong>{t("reg_now")}</strong>}
                </span>
                <bdi>{hours(period)}</bdi>
                <StateOf register={register} />
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function StateOf({ register }: { readonly register: Register | undefined }) {
  const state = register?.state ?? "missing";
  return (
    <span class={`register-state ${state}`}>
      <span aria-hidden="true">{SHAPES[state]}</span> {t(`reg_is_${state}`)}
      {register?.state === "taken" && register.taken_at !== null && ` ${t("reg_by_at", { name: taker(register), time: timeOf(register.taken_at) })}`}
    </span>
  );
}
