/** Whether the register is taken, and taking it. */

import { useId, useState } from "preact/hooks";

import { acts, client } from "../live";
import { t, timeOf } from "../messages";
import { taker } from "../parts/people";
import { isOn, reopen, take } from "./acts";
import { dayIn } from "./device";
import { isOpenDay } from "./rights";
import type { SheetView } from "./sheet_view";
import { TakeDialog } from "./take_dialog";

export function State({ view }: { readonly view: SheetView }) {
  const { place, register, rights, rows, school } = view;
  const [isAsking, setAsking] = useState(false);
  const hint = useId();
  const isWaiting = acts.value.some(
    ({ action, state }) =>
      state !== "refused" && isOn(action, place) && ["attendance.take", "attendance.reopen"].includes(action.type),
  );
  const isOpenNow = isOpenDay(place.date, dayIn(school.time_zone), school, rights);
  if (!rights.mayMark) return <p class="closed">{t("reg_read_only")}</p>;
  if (!isOpenNow) return <p class="closed">{t("reg_day_closed")}</p>;
  if (isWaiting) {
    return (
      <p class="closed" role="status">
        <span aria-hidden="true">◷</span> {t("reg_take_waits")}
      </p>
    );
  }
  if (register?.state === "taken") {
    return (
      <div class="closed taken" role="status">
        <p>
          <span aria-hidden="true">●</span>{" "}
          {t("reg_taken_by", { name: taker(register), time: register.taken_at === null ? "" : timeOf(register.taken_at) })}
          {(register.unmarked ?? 0) > 0 && ` ${t("reg_without", { count: register.unmarked ?? 0 })}`}
          {!rights.isOffice && ` ${t("reg_locked")}`}
        </p>
        {rights.isOffice && (
          <button type="button" onClick={() => reopen(place)}>
            {t("reg_reopen")}
          </button>
        )}
      </div>
    );
  }
  const isComplete = rows.every(({ value }) => value !== null);
  return (
    <>
      <div class="take">
        <button
          type="button"
          class="primary"
          aria-describedby={rights.isOffice ? undefined : hint}
          disabled={client.value === null}
          onClick={() => (isComplete ? take(place) : setAsking(true))}
        >
          {t("reg_take")}
        </button>
        {isAsking && <TakeDialog view={view} onClose={() => setAsking(false)} />}
      </div>
      {!rights.isOffice && (
        <p class="hint" id={hint}>
          {t("reg_will_lock")}
        </p>
      )}
    </>
  );
}
