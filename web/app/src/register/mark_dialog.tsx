/** All codes for one student, with minutes and a note. */

import { useState } from "preact/hooks";

import { t } from "../messages";
import { Dialog } from "../parts/dialog";
import type { Code } from "../records";
import { isPlanned, type Row } from "./rows";
import type { SheetView } from "./sheet_view";
import { Badge, withShown } from "./values";

const MOST_MINUTES = 600;
const LONGEST_NOTE = 1000;

interface MarkDialogProps {
  readonly row: Row;
  readonly view: SheetView;
  /** What is set. */
  readonly shown: Code | undefined;
  readonly onClose: () => void;
}

export function MarkDialog({ row, view, shown, onClose }: MarkDialogProps) {
  const { value } = row;
  const [chosen, choose] = useState(value?.code ?? "");
  const codes = withShown(view.codes, shown);
  const takesMinutes = codes.find(({ code }) => code === chosen)?.late === true;

  // `method="dialog"` closes the dialog, which gives the focus back to where it was.
  const submit = (event: SubmitEvent): void => {
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const minutes = String(form.get("minutes") ?? "");
    const note = String(form.get("note") ?? "").trim();
    const button = (event.submitter as HTMLButtonElement | null)?.value;
    if (button === "clear") view.set(row, null);
    else if (button === "save" && chosen !== "") {
      view.set(row, { code: chosen, minutes_late: takesMinutes && minutes !== "" ? Number(minutes) : null, note: note === "" ? null : note });
    }
  };

  return (
    <Dialog title={<bdi>{row.name}</bdi>} onClose={onClose}>
      <form method="dialog" class="mark" onSubmit={submit}>
        <fieldset>
          <legend>{t("reg_code")}</legend>
          {codes.map((code) => (
            <label key={code.code} class="choice">
              <input type="radio" name="code" value={code.code} checked={chosen === code.code} onChange={() => choose(code.code)} />
              <Badge code={code} /> {code.label}
            </label>
          ))}
        </fieldset>
        {takesMinutes && (
          <label>
            {t("reg_minutes_late")}
            <input type="number" name="minutes" min={0} max={MOST_MINUTES} step={1} inputMode="numeric" defaultValue={String(value?.minutes_late ?? "")} />
          </label>
        )}
        <label>
          {t("reg_note")}
          <textarea name="note" maxLength={LONGEST_NOTE} rows={2} dir="auto" defaultValue={isPlanned(row) ? "" : (value?.note ?? "")} />
        </label>
        <div class="buttons">
          <button type="submit" value="cancel" formNoValidate>
            {t("cancel")}
          </button>
          {value !== null && (
            <button type="submit" value="clear" formNoValidate>
              {t("reg_clear")}
            </button>
          )}
          <button type="submit" value="save" class="primary" disabled={chosen === ""}>
            {t("reg_save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
