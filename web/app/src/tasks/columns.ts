/** How tasks are grouped and ordered, and which actions bring one to another place. */

import type { StoredAction } from "rollcall-client";

import { STATUSES, type ShownTask, type TaskStatus } from "./records";

export type By = "section" | "status";

export interface Column {
  readonly key: string;
  readonly by: By;
  /** The section of the column; null also where columns are statuses. */
  readonly section: string | null;
  readonly status: TaskStatus | null;
  /** In their order. */
  readonly tasks: readonly ShownTask[];
}

/** A place in a column: before one of its tasks, or at its end. */
export interface Place {
  readonly column: Column;
  readonly before: string | null;
}

export interface Act {
  readonly type: string;
  readonly payload: StoredAction["payload"];
}

/** Sections have no order of their own; everybody sees them by name, and tasks without one first. */
export function sectionsOf(tasks: readonly ShownTask[]): string[] {
  const names = new Set(tasks.flatMap(({ section }) => (section === null ? [] : [section])));
  return [...names].sort(compareNames);
}

/** `tasks`: those to show; `sections`: the columns by section, also where all their tasks are hidden. */
export function columnsOf(tasks: readonly ShownTask[], by: By, sections: readonly string[]): Column[] {
  const ordered = [...tasks].sort(compareTasks);
  if (by === "status") {
    return STATUSES.map((status) => ({
      key: `status-${status}`,
      by,
      section: null,
      status,
      tasks: ordered.filter((task) => task.status === status),
    }));
  }
  const column = (section: string | null): Column => ({
    key: section === null ? "none" : `section-${section}`,
    by,
    section,
    status: null,
    tasks: ordered.filter((task) => task.section === section),
  });
  const without = column(null);
  const named = sections.map(column);
  return without.tasks.length > 0 || named.length === 0 ? [without, ...named] : named;
}

/** The actions that bring a task to a place; none where it is there already. `all`: the team's, hidden ones too. */
export function actsFor(task: ShownTask, { column, before }: Place, all: readonly ShownTask[]): Act[] {
  const shown = column.tasks.filter(({ id, isNew }) => id !== task.id && !isNew);
  const index = shown.findIndex(({ id }) => id === before);
  const split = index < 0 ? shown.length : index;
  if (column.by === "section") return moveBetween(task, column.section, shown[split - 1], shown[split], all);
  // Columns by status hold several sections, one below the other: a task stays within its own.
  const mine = (other: ShownTask): boolean => other.section === task.section;
  const status = statusAct(task, column.status as TaskStatus);
  const prev = shown.slice(0, split).filter(mine).at(-1);
  const next = shown.slice(split).find(mine);
  return [...(status === null ? [] : [status]), ...moveBetween(task, task.section, prev, next, all)];
}

/** The action that gives a task a status; null where it has it. */
export function statusAct(task: ShownTask, status: TaskStatus): Act | null {
  if (status === task.status) return null;
  const payload = { task_id: task.id };
  if (status === "done") return { type: "task.complete", payload };
  if (status === "open" && task.status === "done") return { type: "task.reopen", payload };
  return { type: "task.update", payload: { ...payload, set: { status }, base_seq: task.seq } };
}

function moveBetween(
  task: ShownTask,
  section: string | null,
  prev: ShownTask | undefined,
  next: ShownTask | undefined,
  all: readonly ShownTask[],
): Act[] {
  const stays = section === task.section;
  const fits = (prev === undefined || compareTasks(prev, task) < 0) && (next === undefined || compareTasks(task, next) < 0);
  if (stays && fits) return [];
  const siblings = all.filter((other) => other.section === section && other.id !== task.id && !other.isNew).sort(compareTasks);
  // Above the first that is shown there may be hidden ones, which stay above.
  const behind = prev ?? (next === undefined ? siblings.at(-1) : siblings[siblings.findIndex(({ id }) => id === next.id) - 1]);
  const payload = { task_id: task.id, after: behind?.id ?? null, ...(stays ? {} : { section }) };
  return [{ type: "task.move", payload }];
}

function compareTasks(one: ShownTask, other: ShownTask): number {
  if (one.section !== other.section) {
    if (one.section === null) return -1;
    return other.section === null ? 1 : compareNames(one.section, other.section);
  }
  return one.rank - other.rank || (one.id < other.id ? -1 : 1);
}

// One language for all users, so that all see the same order.
const names = new Intl.Collator("en", { numeric: true });

function compareNames(one: string, other: string): number {
  return names.compare(one, other) || (one < other ? -1 : 1);
}
