/** What went wrong on a sheet and belongs to no row. */

import { acts, dismiss } from "../live";
import { t } from "../messages";
import { reason } from "../parts/reason";
import { isOn, trouble } from "./acts";
import type { SheetView } from "./sheet_view";

export function Problems({ view }: { readonly view: SheetView }) {
  const rows = new Set(view.rows.map(({ student }) => student.id));
  const refused = acts.value.filter(
    ({ action, state }) => state === "refused" && isOn(action, view.place) && !rows.has(String(action.payload["student_id"])),
  );
  return (
    <>
      {trouble.value !== "" && (
        <p class="notice refused" role="alert">
          <span aria-hidden="true">!</span> {trouble.value}
        </p>
      )}
      {refused.map((one) => (
        <div key={one.action.op_id} class="notice refused" role="alert">
          <p>
            <span aria-hidden="true">!</span> {t("failed", { reason: one.error === undefined ? "" : reason(one.error) })}
          </p>
          <div class="buttons">
            <button type="button" onClick={() => dismiss([one])}>
              {t("ok")}
            </button>
          </div>
        </div>
      ))}
    </>
  );
}
