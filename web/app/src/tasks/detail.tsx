/** One task: all that is known of it, to be changed where it stands. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { StoredRecord } from "rollcall-client";

import { t } from "../messages";
import { user } from "../session";
import { clashingFields, notQueued } from "./acts";
import { useBoard } from "./board_context";
import { Clash } from "./clash";
import { Comments } from "./comments";
import { moment } from "./dates";
import { Fields } from "./fields";
import type { ShownTask } from "./records";
import { Refusal, refusedOf } from "./refused";
import { Said } from "./say";
import { State } from "./state";
import { nameOf } from "./words";

interface DetailProps {
  readonly task: ShownTask | null;
  /** Whether all tasks are here, so that one that is not among them is gone. */
  readonly isComplete: boolean;
  readonly records: readonly StoredRecord[];
  readonly onClose: () => void;
}

export function Detail({ task, isComplete, records, onClose }: DetailProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="task-detail"
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      <div class="task-sheet">
        <header>
          <h2 id={heading}>{task === null ? t("task_task") : <bdi>{task.title}</bdi>}</h2>
          <button type="button" class="plain" onClick={() => dialog.current?.close()}>
            {t("close")}
          </button>
        </header>
        {task === null ? (
          <p class="empty">{isComplete ? t("task_gone") : t("loading")}</p>
        ) : (
          <Content task={task} records={records} onRemoved={() => dialog.current?.close()} />
        )}
        <Said />
      </div>
    </dialog>
  );
}

interface ContentProps {
  readonly task: ShownTask;
  readonly records: readonly StoredRecord[];
  readonly onRemoved: () => void;
}

function Content({ task, records, onRemoved }: ContentProps) {
  const { members, teamId, canAct, isLead, remove } = useBoard();
  const refused = refusedOf(teamId).filter(({ action }) => action.payload["task_id"] === task.id);
  const clashes = refused.filter((step) => clashingFields(step).length > 0);
  const others = refused.filter((step) => !clashes.includes(step));
  const mayDelete = canAct && (isLead || task.created_by === user.value?.id);
  return (
    <>
      <p class="task-state-line" role="status">
        <State state={task.state} />
      </p>
      {notQueued.value !== "" && <p class="error">{t("failed", { reason: notQueued.value })}</p>}
      {clashes.length > 0 && <Clash task={task} refused={clashes} />}
      {others.length > 0 && (
        <ul class="task-refused">
          {others.map((step) => (
            <Refusal key={step.action.op_id} step={step} title="" members={members} />
          ))}
        </ul>
      )}
      <ReadOnly when={!canAct}>
        <Fields key={task.id} task={task} />
      </ReadOnly>
      <p class="task-by">
        {t("task_created", { name: `\u2068${nameOf(members, task.created_by)}\u2069`, time: moment(task.created_at) })}
      </p>
      <Comments taskId={task.id} records={records} />
      {mayDelete && (
        <div class="buttons">
          <button
            type="button"
            class="danger"
            onClick={() => {
              onRemoved();
              remove(task);
            }}
          >
            {t("task_delete")}
          </button>
        </div>
      )}
    </>
  );
}

function ReadOnly({ when, children }: { readonly when: boolean; readonly children: ComponentChildren }) {
  return (
    <fieldset class="task-plain" disabled={when}>
      {children}
    </fieldset>
  );
}
