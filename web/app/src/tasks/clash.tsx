/** Two people have given the same field of a task different values: both are shown, and one is chosen. */

import { useEffect, useId } from "preact/hooks";
import type { QueuedAction } from "rollcall-client";

import { dismiss } from "../live";
import { t } from "../messages";
import { clashingFields } from "./acts";
import { useBoard } from "./board_context";
import { update } from "./fields";
import type { ShownTask, TaskFields } from "./records";
import { say } from "./say";
import { fieldWord, valueWord } from "./words";

interface ClashProps {
  readonly task: ShownTask;
  /** The task's updates that clash, in the order in which they were made. */
  readonly refused: readonly QueuedAction[];
}

export function Clash({ task, refused }: ClashProps) {
  const { members } = useBoard();
  const heading = useId();
  const mine = Object.assign({}, ...refused.map(({ action }) => action.payload["set"])) as Partial<TaskFields>;
  const fields = [...new Set(refused.flatMap(clashingFields))] as (keyof TaskFields)[];
  useEffect(() => say(t("task_clash_said", { fields: fields.map(fieldWord).join(", ") })), [fields.join()]);
  // An update is refused as a whole: those of its fields that do not clash are still to be sent.
  const settle = (set: Partial<TaskFields>): void => {
    dismiss(refused);
    if (Object.keys(set).length > 0) update(task, set, task.seq);
  };
  const others = Object.fromEntries(Object.entries(mine).filter(([field]) => !fields.includes(field as keyof TaskFields)));
  return (
    <section class="task-clash" aria-labelledby={heading}>
      <h3 id={heading}>{t("task_clash")}</h3>
      {fields.map((field) => (
        <div key={field} class="task-versions">
          <h4>{fieldWord(field)}</h4>
          <Version name={t("task_theirs")} text={valueWord(field, task[field], members)} />
          <Version name={t("task_mine")} text={valueWord(field, mine[field], members)} />
        </div>
      ))}
      <div class="buttons">
        <button type="button" onClick={() => settle(others)}>
          {t("task_keep_theirs")}
        </button>
        <button type="button" class="primary" onClick={() => settle(mine)}>
          {t("task_use_mine")}
        </button>
      </div>
    </section>
  );
}

function Version({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div>
      <h5>{name}</h5>
      <p dir="auto">{text}</p>
    </div>
  );
}
