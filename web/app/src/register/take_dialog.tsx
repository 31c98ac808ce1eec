/** Who has no mark, before a register is taken. */

import { useState } from "preact/hooks";

import { t } from "../messages";
import { Dialog } from "../parts/dialog";
import type { Code } from "../records";
import { take } from "./acts";
import { absentCode } from "./rights";
import { withCode } from "./row";
import type { Row } from "./rows";
import type { SheetView } from "./sheet_view";
import { Badge, inWords } from "./values";

interface TakeDialogProps {
  readonly view: SheetView;
  readonly onClose: () => void;
}

export function TakeDialog({ view, onClose }: TakeDialogProps) {
  const unmarked = view.rows.filter(({ value }) => value === null);
  // Those who were without a mark at first: were a marked one to go, the next would come under the finger.
  const [asked] = useState<ReadonlySet<string>>(() => new Set(unmarked.map(({ student }) => student.id)));
  const submit = (event: SubmitEvent): void => {
    if ((event.submitter as HTMLButtonElement | null)?.value === "take") take(view.place);
  };
  return (
    <Dialog title={t("reg_take")} onClose={onClose}>
      <form method="dialog" onSubmit={submit}>
        <p role="status">{unmarked.length === 0 ? t("reg_all_marked") : t("reg_without", { count: unmarked.length })}</p>
        {!view.rights.isOffice && <p>{t("reg_will_lock")}</p>}
        <ul class="unmarked">
          {view.rows
            .filter(({ student }) => asked.has(student.id))
            .map((row) => (
              <li key={row.student.id}>
                <bdi>{row.name}</bdi>
                <AskedMark row={row} view={view} absent={absentCode(view.codes)} />
              </li>
            ))}
        </ul>
        <div class="buttons">
          <button type="submit" value="cancel">
            {t("cancel")}
          </button>
          <button type="submit" value="take" class="primary">
            {unmarked.length === 0 ? t("reg_take") : t("reg_take_anyway")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface AskedMarkProps {
  readonly row: Row;
  readonly view: SheetView;
  readonly absent: Code | undefined;
}

/** Marks the student absent, once; another mark that has come meanwhile stays. */
function AskedMark({ row, view, absent }: AskedMarkProps) {
  const { value } = row;
  const shown = view.school.codes.find(({ code }) => code === value?.code);
  if (absent === undefined || (value !== null && value.code !== absent.code)) {
    return (
      <span>
        {shown !== undefined && <Badge code={shown} />} {inWords(value, view.school.codes)}
      </span>
    );
  }
  const isSet = value !== null;
  return (
    <button
      type="button"
      class={isSet ? "code set" : "code"}
      style={{ "--code": absent.colour }}
      aria-label={t("reg_mark_as", { label: absent.label, name: row.name })}
      aria-pressed={isSet}
      onClick={() => !isSet && view.set(row, withCode(row, absent))}
    >
      <Badge code={absent} /> {absent.label}
    </button>
  );
}
