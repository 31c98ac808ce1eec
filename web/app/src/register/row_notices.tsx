/** What a row has to say about marks that met: nobody's is lost or won without being seen. */

import { dismiss } from "../live";
import { t, timeOf } from "../messages";
import { marker } from "../parts/people";
import { reason } from "../parts/reason";
import type { Mark, Register } from "../records";
import { sendAgain, type Value } from "./acts";
import { forgetReplaced, replaced } from "./replaced";
import { givesWay } from "./rights";
import type { Row } from "./rows";
import type { SheetView } from "./sheet_view";
import { inWords } from "./values";

interface NoticeProps {
  readonly row: Row;
  readonly view: SheetView;
}

/** Somebody else's mark that came while an own one waits. */
export function Also({ row: { also }, view }: NoticeProps) {
  if (also === null) return null;
  return (
    <p class="notice" role="status">
      <span aria-hidden="true">⇄</span> {t("reg_also", { value: inWords(also, view.school.codes), name: marker(also) })}
    </p>
  );
}

/** An own mark that the server did not take. */
export function Refusal({ row, view }: NoticeProps) {
  const { refused, mark } = row;
  const last = refused.at(-1);
  if (last?.error === undefined) return null;
  const { current } = last.error;
  const { payload } = last.action;
  const mine: Value = {
    code: (payload["code"] as string | undefined) ?? null,
    minutes_late: (payload["minutes_late"] as number | undefined) ?? null,
    note: null,
  };
  // The topic may know more by now than the refusal did.
  const told = current?.kind === "mark" ? (current as Mark) : null;
  const there = told !== null && told.seq > (mark?.seq ?? 0) ? told : mark;
  const register = current?.kind === "register" ? (current as Register) : null;
  return (
    <div class="notice refused" role="alert">
      <p>
        <span aria-hidden="true">!</span>{" "}
        {t("reg_refused", { value: mine.code === null ? t("reg_cleared") : inWords(mine, view.school.codes), reason: reason(last.error) })}
      </p>
      <p>
        {t("reg_there", { value: inWords(there, view.school.codes) })}
        {there !== null && there.code !== null && ` ${t("reg_by", { name: marker(there) })}`}
        {register?.state === "taken" && ` – ${t("reg_taken")}`}
      </p>
      <div class="buttons">
        <button type="button" onClick={() => dismiss(refused)}>
          {t("reg_keep_theirs")}
        </button>
        {view.isOpen && givesWay(there, view.rights) && (
          <button type="button" onClick={() => sendAgain(refused, there)}>
            {t("reg_send_again")}
          </button>
        )}
      </div>
    </div>
  );
}

/** A mark of somebody else that an own one, made without a connection, has replaced. */
export function Replaced({ row, view }: NoticeProps) {
  const lost = replaced.value.find(({ id, student_id }) => id === row.mark?.id && student_id === row.student.id);
  if (lost === undefined) return null;
  const back = (): void => {
    view.set(row, lost);
    forgetReplaced(lost);
  };
  return (
    <div class="notice" role="status">
      <p>
        <span aria-hidden="true">⇄</span>{" "}
        {t("reg_replaced", {
          value: inWords(lost, view.school.codes),
          name: marker(lost),
          time: timeOf(lost.at),
        })}
      </p>
      <div class="buttons">
        <button type="button" onClick={() => forgetReplaced(lost)}>
          {t("reg_keep_mine")}
        </button>
        {view.mayChange(row) && (
          <button type="button" onClick={back}>
            {t("reg_put_back")}
          </button>
        )}
      </div>
    </div>
  );
}
