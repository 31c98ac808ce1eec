/** Who has no mark, before a register is taken. */

import { t } from "../messages";
import { Dialog } from "../parts/dialog";
import { take } from "./acts";
import { absentCode } from "./rights";
import { withCode } from "./row";
import type { SheetView } from "./sheet_view";

interface TakeDialogProps {
  readonly view: SheetView;
  readonly onClose: () => void;
}

export function TakeDialog({ view, onClose }: TakeDialogProps) {
  const unmarked = view.rows.filter(({ value }) => value === null);
  const absent = absentCode(view.codes);
  const submit = (event: SubmitEvent): void => {
    if ((event.submitter as HTMLButtonElement | null)?.value === "take") take(view.place);
  };
  return (
    <Dialog title={t("reg_take")} onClose={onClose}>
      <form method="dialog" onSubmit={submit}>
        <p role="status">{unmarked.length === 0 ? t("reg_all_marked") : t("reg_without", { count: unmarked.length })}</p>
        <ul class="unmarked">
          {unmarked.map((row) => (
            <li key={row.student.id}>
              <bdi>{row.name}</bdi>
              {absent !== undefined && (
                <button type="button" aria-label={t("reg_mark_as", { label: absent.label, name: row.name })} onClick={() => view.set(row, withCode(row, absent))}>
                  {absent.label}
                </button>
              )}
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
