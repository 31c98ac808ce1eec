/** The field of a moment: a day, and a time that is offered with it. */

import type { JSX } from "preact";
import { useId } from "preact/hooks";

import { t } from "../messages";
import { send } from "./acts";
import { fromInput, toInput } from "./dates";
import { useDraft } from "./draft";
import type { ShownTask } from "./records";
import { fieldWord } from "./words";

/** The time of a day that was entered alone. */
const USUAL = { start: "08:00", due: "17:00" } as const;

/** In the place of a day or time of which only some is entered. */
const PART = "?";

interface DateFieldProps {
  readonly task: ShownTask;
  readonly field: "start" | "due";
}

/** Saved when it is left. What is not complete stays as it was typed, and the field says that it is not saved. */
export function DateField({ task, field }: DateFieldProps) {
  const said = useId();
  const draft = useDraft(toInput(task[field]), task.seq, (text, base) => {
    if (!isComplete(text)) return;
    send("task.update", { task_id: task.id, set: { [field]: momentIn(text, USUAL[field]) }, base_seq: base });
  });
  const [date = "", time = ""] = draft.value.split("T");
  const edit = (day: string, at: string): void => draft.edit(day === "" && at === "" ? "" : `${day}T${at}`);
  // Also at each key: as long as only a part is entered, browsers tell of no input.
  const enterDay = ({ currentTarget }: JSX.TargetedEvent<HTMLInputElement>): void => {
    const day = entered(currentTarget);
    if (day !== date) edit(day, day === "" ? "" : time === "" ? USUAL[field] : time);
  };
  const enterTime = ({ currentTarget }: JSX.TargetedEvent<HTMLInputElement>): void => {
    const at = entered(currentTarget);
    if (at !== time) edit(date, at);
  };
  const leave = ({ currentTarget, relatedTarget }: JSX.TargetedFocusEvent<HTMLElement>): void => {
    if (!currentTarget.contains(relatedTarget as Node | null) && isComplete(draft.value)) draft.commit();
  };
  const isWhole = isComplete(draft.value);
  const described = { "aria-describedby": said, "aria-invalid": !isWhole };
  return (
    <div class="task-moment" onFocusOut={leave}>
      <label>
        {fieldWord(field)}
        <input
          type="date"
          max="9999-12-31"
          value={date === PART ? "" : date}
          {...described}
          onInput={enterDay}
          onKeyUp={enterDay}
        />
      </label>
      <label>
        {t("task_time_of", { field: fieldWord(field) })}
        <input type="time" value={time === PART ? "" : time} {...described} onInput={enterTime} onKeyUp={enterTime} />
      </label>
      <p class="error" id={said} role="status">
        {!isWhole && t("task_date_incomplete")}
      </p>
    </div>
  );
}

function entered({ value, validity }: HTMLInputElement): string {
  return validity.badInput ? PART : value;
}

/** Whether there is a day, with a time or without; or nothing, which takes the moment away. */
function isComplete(text: string): boolean {
  return text === "" || (!text.startsWith("T") && !text.includes(PART));
}

function momentIn(text: string, usual: string): string | null {
  const [date = "", time = ""] = text.split("T");
  return date === "" ? null : fromInput(`${date}T${time === "" ? usual : time}`);
}
