/** How far the user's own change of a task is: in words, with a shape of its own for each. */

import { t } from "../messages";
import type { ShownTask } from "./records";

const SHAPES = { queued: "◷", sent: "↑", saved: "✓" } as const;
const WORDS = { queued: "task_queued", sent: "task_sent", saved: "task_saved" } as const;

export function State({ state }: { readonly state: ShownTask["state"] }) {
  if (state === null) return null;
  return (
    <span class={`task-state ${state}`}>
      <span aria-hidden="true">{SHAPES[state]}</span> {t(WORDS[state])}
    </span>
  );
}
