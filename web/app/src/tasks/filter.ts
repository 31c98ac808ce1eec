/** Which tasks are shown. */

import { isOverdue, type ShownTask, type TaskStatus } from "./records";

export interface Filter {
  readonly text: string;
  /** A user id; `-`: nobody; empty: whoever. */
  readonly assignee: string;
  readonly label: string;
  readonly status: TaskStatus | "";
  readonly overdue: boolean;
}

export const EVERYTHING: Filter = { text: "", assignee: "", label: "", status: "", overdue: false };
export const NOBODY = "-";

export function isFiltering(filter: Filter): boolean {
  return filter.overdue || [filter.text.trim(), filter.assignee, filter.label, filter.status].some((part) => part !== "");
}

export function filtered(tasks: readonly ShownTask[], filter: Filter, now: number): ShownTask[] {
  const text = filter.text.trim().toLocaleLowerCase();
  return tasks.filter(
    (task) =>
      (text === "" || `${task.title}\n${task.description ?? ""}`.toLocaleLowerCase().includes(text)) &&
      isAssignedAs(task, filter.assignee) &&
      (filter.label === "" || task.labels.includes(filter.label)) &&
      (filter.status === "" || task.status === filter.status) &&
      (!filter.overdue || isOverdue(task, now)),
  );
}

/** Every label that occurs, by name. */
export function labelsOf(tasks: readonly ShownTask[]): string[] {
  return [...new Set(tasks.flatMap(({ labels }) => labels))].sort((one, other) => one.localeCompare(other));
}

function isAssignedAs(task: ShownTask, assignee: string): boolean {
  if (assignee === "") return true;
  return assignee === NOBODY ? task.assignees.length === 0 : task.assignees.includes(assignee);
}
