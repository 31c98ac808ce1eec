/** One student on the sheet. */

import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";

import { mayWithdraw, withdraw } from "../live";
import { t } from "../messages";
import { marker } from "../parts/people";
import type { Code } from "../records";
import type { Value } from "./acts";
import { isWide } from "./device";
import { focusFrom, rowOf } from "./focus";
import { usePress } from "./press";
import { Also, Refusal, Replaced } from "./row_notices";
import { isPlanned, type Row } from "./rows";
import type { SheetView } from "./sheet_view";
import { MarkDialog } from "./mark_dialog";
import { Badge, withShown } from "./values";

const SHAPES = { none: "○", queued: "◷", sent: "↑", saved: "✓" } as const;

const QUICK = 4;

interface RowProps {
  readonly row: Row;
  readonly view: SheetView;
}

export function StudentRow({ row, view }: RowProps) {
  const [isOpen, setOpen] = useState(false);
  const [nameId, lineId] = [useId(), useId()];
  const { student, value } = row;
  const quick = view.codes.slice(0, QUICK);
  const mayChange = view.mayChange(row);
  const shown = view.school.codes.find(({ code }) => code === value?.code);
  const set = (next: Value): void => view.set(row, next);
  const button = { row, view, describedBy: lineId, set, onMore: () => setOpen(true) };
  return (
    <li class={`row ${row.state}`} data-student={student.id}>
      <div class="row-line" role="group" aria-labelledby={nameId}>
        <div class="who">
          <bdi id={nameId} class="name">
            {row.name}
          </bdi>
          <div class="what">
            <StateLine row={row} id={lineId} isHeld={view.isOpen && !mayChange} />
            <Withdraw row={row} />
          </div>
        </div>
        {!mayChange ? (
          <button type="button" class="fixed" disabled aria-pressed={shown !== undefined} aria-describedby={lineId}>
            {shown !== undefined && <Badge code={shown} />} {shown?.label ?? t("reg_no_mark")}
          </button>
        ) : isWide.value ? (
          <div class="quick">
            {withShown(quick, shown).map((code) => (
              <QuickButton key={code.code} code={code} {...button} />
            ))}
          </div>
        ) : (
          <MainButton quick={quick} shown={shown} {...button} />
        )}
        {mayChange && (
          <button type="button" class="more" aria-haspopup="dialog" aria-label={t("reg_more")} title={t("reg_more")} onClick={() => setOpen(true)}>
            <span aria-hidden="true">⋯</span>
          </button>
        )}
      </div>
      <Also row={row} view={view} />
      <Refusal row={row} view={view} />
      <Replaced row={row} view={view} />
      {isOpen && <MarkDialog row={row} view={view} shown={shown} onClose={() => setOpen(false)} />}
    </li>
  );
}

interface ButtonProps extends RowProps {
  readonly describedBy: string;
  readonly set: (value: Value) => void;
  readonly onMore: () => void;
}

/** One code; pressed it is what is shown. A tap then does nothing: somebody else may have set it a moment before. */
function QuickButton({ row, code, describedBy, set, onMore }: ButtonProps & { readonly code: Code }) {
  const isSet = row.value?.code === code.code;
  const press = usePress(() => !isSet && set(withCode(row, code)), onMore);
  return (
    <button type="button" class={isSet ? "code set" : "code"} style={{ "--code": code.colour }} aria-pressed={isSet} aria-describedby={describedBy} {...press}>
      <Badge code={code} /> {code.label}
    </button>
  );
}

interface MainProps extends ButtonProps {
  readonly quick: readonly Code[];
  readonly shown: Code | undefined;
}

/** The whole row on a narrow screen: each tap sets the next of the quick codes. It is named by what is set, or would be. */
function MainButton({ row, quick, shown, describedBy, set, onMore }: MainProps) {
  const next = quick[(quick.findIndex((code) => code === shown) + 1) % quick.length];
  const press = usePress(() => next !== undefined && set(withCode(row, next)), onMore);
  const code = shown ?? next;
  if (code === undefined) return null;
  const isSet = shown !== undefined;
  return (
    <button type="button" class={isSet ? "code main set" : "code main"} style={{ "--code": code.colour }} aria-pressed={isSet} aria-describedby={describedBy} {...press}>
      <Badge code={code} /> {code.label}
    </button>
  );
}

/** A tap changes the code alone: a note stays, and minutes where the code takes any. The reason of a plan goes with it. */
export function withCode(row: Row, code: Code): Value {
  const value = isPlanned(row) ? null : row.value;
  return { code: code.code, minutes_late: code.late ? (value?.minutes_late ?? null) : null, note: value?.note ?? null };
}

/** Takes the last waiting act back; the focus then goes to the row's own buttons, or below where they are held. */
function Withdraw({ row: { waiting } }: { readonly row: Row }) {
  if (waiting === null || !mayWithdraw(waiting)) return null;
  const back = (event: JSX.TargetedMouseEvent<HTMLButtonElement>): void => {
    const here = rowOf(event.currentTarget);
    withdraw(waiting);
    focusFrom(here, true, 0);
  };
  return (
    <button type="button" class="withdraw" onClick={back}>
      {t("reg_withdraw")}
    </button>
  );
}

/** What has become of the mark, and what else it says. `isHeld`: others alone may change it. */
function StateLine({ row, id, isHeld }: { readonly row: Row; readonly id: string; readonly isHeld: boolean }) {
  const { state, value, mark } = row;
  const isOthers = state === "saved" && mark !== null;
  return (
    <span class="line" id={id}>
      <span class={`state ${state}`}>
        <span aria-hidden="true">{SHAPES[state]}</span> {t(`reg_state_${state}`)}
      </span>
      {isOthers && <span>{t("reg_by", { name: marker(mark) })}</span>}
      {value !== null && value.minutes_late !== null && <span>{t("reg_minutes", { minutes: value.minutes_late })}</span>}
      {value !== null && value.note !== null && !isPlanned(row) && <bdi class="note">{value.note}</bdi>}
      {value !== null && isPlanned(row) && (
        <span class="planned note">
          <span aria-hidden="true">▣</span> {t("reg_planned")} <bdi>{value.note}</bdi>
        </span>
      )}
      {isHeld && isPlanned(row) && <span>{t("reg_planned_here")}</span>}
    </span>
  );
}
