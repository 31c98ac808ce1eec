/** What the server has refused: with the reason, until somebody has seen it. */

import type { QueuedAction } from "rollcall-client";

import { dismiss, queue } from "../live";
import { t } from "../messages";
import { reason } from "../parts/reason";
import { clashingFields, notQueued } from "./acts";
import { useBoard } from "./board_context";
import type { Member, TaskFields } from "./records";
import { fieldWord, valueWord } from "./words";

/** The refused actions of a team, as far as they say which they are of. */
export function refusedOf(teamId: string): QueuedAction[] {
  return queue.value.filter(({ action, state, error }) => {
    if (state !== "refused" || !action.type.startsWith("task.")) return false;
    const team = action.payload["team_id"] ?? error?.current?.["team_id"] ?? teamId;
    return team === teamId;
  });
}

/** Those of the whole team, above its tasks; clashes lead to the task. */
export function RefusedActions() {
  const { teamId, tasks, members } = useBoard();
  const refused = refusedOf(teamId);
  if (refused.length === 0 && notQueued.value === "") return null;
  return (
    <section class="task-refused" aria-label={t("task_refused_title")}>
      <h2>{t("task_refused_title")}</h2>
      {notQueued.value !== "" && <p class="error">{t("failed", { reason: notQueued.value })}</p>}
      <ul>
        {refused.map((step) => {
          const id = String(step.action.payload["task_id"] ?? "");
          const task = tasks.find((one) => one.id === id);
          const title = task?.title ?? String(step.action.payload["title"] ?? "");
          return clashingFields(step).length > 0 && task !== undefined ? (
            <li key={step.action.op_id}>
              <p>
                <bdi>{title}</bdi>: {t("task_clash")}
              </p>
              <a class="task-link" href={`/teams/${encodeURIComponent(teamId)}?task=${encodeURIComponent(id)}`}>
                {t("task_compare")}
              </a>
            </li>
          ) : (
            <Refusal key={step.action.op_id} step={step} title={title} members={members} />
          );
        })}
      </ul>
    </section>
  );
}

interface RefusalProps {
  readonly step: QueuedAction;
  readonly title: string;
  readonly members: readonly Member[];
}

/** One that cannot be repeated: its reason, and what was entered, so that it is not lost. */
export function Refusal({ step, title, members }: RefusalProps) {
  return (
    <li>
      <p>
        <bdi>{title}</bdi> {t("task_refused", { reason: step.error === undefined ? "" : reason(step.error) })}
      </p>
      <p class="task-entered" dir="auto">
        {entered(step, members)}
      </p>
      <button type="button" onClick={() => dismiss([step])}>
        {t("task_dismiss")}
      </button>
    </li>
  );
}

function entered({ action }: QueuedAction, members: readonly Member[]): string {
  const { type, payload } = action;
  if (type === "task.comment") return String(payload["text"]);
  if (type !== "task.update") return "";
  const set = payload["set"] as Partial<TaskFields>;
  return Object.entries(set)
    .map(([field, value]) => `${fieldWord(field)}: ${valueWord(field, value, members)}`)
    .join("; ");
}
