/** The last task that was deleted, until it is brought back or the note is closed. */

import { signal } from "@preact/signals";

import { t } from "../messages";
import { send } from "./acts";
import type { ShownTask } from "./records";

const deleted = signal<ShownTask | null>(null);

export function remove(task: ShownTask): void {
  send("task.delete", { task_id: task.id });
  deleted.value = task;
}

export function Undo({ teamId }: { readonly teamId: string }) {
  const task = deleted.value;
  const isHere = task?.team_id === teamId;
  const undo = (): void => {
    send("task.restore", { task_id: task?.id });
    deleted.value = null;
  };
  return (
    <div class={isHere ? "task-undo" : ""} role="status">
      {isHere && (
        <>
          <span>
            {t("task_deleted")} <bdi>{task.title}</bdi>
          </span>
          <button type="button" class="plain" onClick={undo}>
            {t("task_undo")}
          </button>
          <button type="button" class="plain" aria-label={t("close")} onClick={() => (deleted.value = null)}>
            <span aria-hidden="true">×</span>
          </button>
        </>
      )}
    </div>
  );
}
