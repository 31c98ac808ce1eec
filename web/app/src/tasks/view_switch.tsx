/** Board or list, by section or by status. */

import { t } from "../messages";
import type { Layout } from "./board";
import type { By } from "./columns";

interface ViewSwitchProps {
  readonly layout: Layout;
  readonly by: By;
  readonly onChange: (part: { readonly layout?: Layout; readonly by?: By }) => void;
}

export function ViewSwitch({ layout, by, onChange }: ViewSwitchProps) {
  return (
    <div class="task-switches">
      <div role="group" aria-label={t("task_view")}>
        <Choice isOn={layout === "board"} words={t("task_board")} onChoose={() => onChange({ layout: "board" })} />
        <Choice isOn={layout === "list"} words={t("task_list")} onChoose={() => onChange({ layout: "list" })} />
      </div>
      <div role="group" aria-label={t("task_group")}>
        <Choice isOn={by === "section"} words={t("task_by_section")} onChoose={() => onChange({ by: "section" })} />
        <Choice isOn={by === "status"} words={t("task_by_status")} onChoose={() => onChange({ by: "status" })} />
      </div>
    </div>
  );
}

function Choice({ isOn, words, onChoose }: { readonly isOn: boolean; readonly words: string; readonly onChoose: () => void }) {
  return (
    <button type="button" aria-pressed={isOn} onClick={onChoose}>
      {words}
    </button>
  );
}
