/** What stands around the rows: searching, sorting, marking all and undoing that, and help. */

import type { RefObject } from "preact";

import { acts, mayWithdraw, withdraw } from "../live";
import { t } from "../messages";
import type { Code } from "../records";
import { isOn, markAll, undo, undoAll } from "./acts";
import { hasShortcuts, order } from "./device";
import { presentCode } from "./rights";
import type { Order } from "./rows";
import type { SheetView } from "./sheet_view";

interface FindingProps {
  readonly search: string;
  readonly onSearch: (text: string) => void;
  readonly field: RefObject<HTMLInputElement>;
}

export function Finding({ search, onSearch, field }: FindingProps) {
  return (
    <div class="tools">
      <label class="find">
        <span>{t("reg_search")}</span>
        <input ref={field} type="search" value={search} onInput={(event) => onSearch(event.currentTarget.value)} />
      </label>
      <label class="sort">
        <span>{t("reg_sort")}</span>
        <select value={order.value} onChange={(event) => (order.value = event.currentTarget.value as Order)}>
          <option value="family">{t("reg_sort_family")}</option>
          <option value="given">{t("reg_sort_given")}</option>
        </select>
      </label>
    </div>
  );
}

export function AllPresent({ view: { place, codes, rows, isOpen } }: { readonly view: SheetView }) {
  const present = presentCode(codes);
  if (!isOpen || present === undefined) return null;
  const isComplete = rows.every(({ value }) => value !== null);
  return (
    <button type="button" class="all" disabled={isComplete} onClick={() => markAll(place, present.code)}>
      {t("reg_all_present")}
    </button>
  );
}

export function KeyboardHelp({ codes }: { readonly codes: readonly Code[] }) {
  const letters = codes.map(({ code }) => code).filter((code) => code.length === 1);
  return (
    <details class="keys">
      <summary>{t("reg_keys")}</summary>
      <p>{t("reg_keys_text", { letters: letters.join(" ") })}</p>
      <label class="choice">
        <input type="checkbox" checked={hasShortcuts.value} onChange={(event) => (hasShortcuts.value = event.currentTarget.checked)} />
        {t("reg_keys_on")}
      </label>
    </details>
  );
}

/** «All present» that was not sent yet. */
export function WaitingAll({ view: { place } }: { readonly view: SheetView }) {
  const waiting = acts.value.filter(
    ({ action, state }) => action.type === "attendance.mark_all" && state === "queued" && isOn(action, place) && mayWithdraw(action.op_id),
  );
  const last = waiting.at(-1);
  if (last === undefined) return null;
  return (
    <p class="undo" role="status">
      <span>{t("reg_all_waits")}</span>{" "}
      <button type="button" onClick={() => withdraw(last.action.op_id)}>
        {t("reg_withdraw")}
      </button>
    </p>
  );
}

export function UndoBar({ view }: { readonly view: SheetView }) {
  const now = undo.value;
  const { place, rows, isOpen } = view;
  if (now === null || !isOpen || !isOn({ op_id: "", type: "", payload: { ...now.place } }, place)) return null;
  const current = new Map(rows.flatMap(({ student, mark }) => (mark === null ? [] : [[student.id, mark] as const])));
  return (
    <p class="undo" role="status">
      <span>{t("reg_set", { count: now.marks.length })}</span>{" "}
      <button type="button" onClick={() => undoAll(now, current)}>
        {t("reg_undo")}
      </button>
    </p>
  );
}
