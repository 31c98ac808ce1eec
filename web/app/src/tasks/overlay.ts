/** The tasks of a team as they will be once everything the user has done is saved. */

import type { QueuedAction, StoredAction, StoredRecord } from "rollcall-client";

import { serverNow } from "../server_time";
import { user } from "../session";
import type { Saved } from "./acts";
import type { ShownTask, Task, TaskFields, Trash } from "./records";

type Tasks = Map<string, ShownTask>;

/** What of the user's own is applied to. */
interface Base {
  readonly teamId: string;
  readonly tasks: Tasks;
  /** Deleted tasks as they were. */
  readonly trash: Map<string, Task>;
}

/** A topic's tasks under what was saved a moment ago and what is on its way, in no order. */
export function shownTasks(
  teamId: string,
  records: readonly StoredRecord[],
  saved: readonly Saved[],
  queue: readonly QueuedAction[],
): ShownTask[] {
  const base: Base = { teamId, tasks: new Map(), trash: new Map() };
  let newest = 0;
  for (const record of records) {
    newest = Math.max(newest, record.seq);
    if (record.kind === "task") base.tasks.set(record.id, { ...(record as Task), state: null, isNew: false });
    else if (record.kind === "trash") base.trash.set(record.id, (record as Trash).task);
  }
  for (const { data } of saved) applySaved(base, data, newest);
  for (const { action, state } of queue) {
    if (state === "queued" || state === "sent") apply(base, action, state);
  }
  return [...base.tasks.values()];
}

function applySaved({ teamId, tasks, trash }: Base, data: StoredRecord, newest: number): void {
  if (data.kind !== "task") return;
  const known = tasks.get(data.id);
  if (data.deleted) {
    if (known === undefined || known.seq > data.seq) return;
    tasks.delete(data.id);
    trash.set(data.id, known);
  } else if (data["team_id"] === teamId) {
    // A topic that is past the answer and has no such task has seen it deleted.
    if (known === undefined && newest >= data.seq) return;
    const task = known !== undefined && known.seq >= data.seq ? known : (data as Task);
    tasks.set(data.id, { ...task, state: "saved", isNew: false });
  }
}

function apply(base: Base, action: StoredAction, state: "queued" | "sent"): void {
  const { tasks, trash, teamId } = base;
  const { type, payload } = action;
  if (type === "task.create") {
    if (payload["team_id"] === teamId) tasks.set(`new-${action.op_id}`, created(tasks, action, state));
    return;
  }
  const id = String(payload["task_id"]);
  if (type === "task.restore") {
    const task = trash.get(id);
    if (task !== undefined) tasks.set(id, { ...task, state, isNew: false });
    return;
  }
  const task = tasks.get(id);
  if (task === undefined) return;
  if (type === "task.delete") {
    tasks.delete(id);
    trash.set(id, task);
  } else {
    tasks.set(id, { ...task, ...changes(tasks, task, type, payload), state });
  }
}

function changes(tasks: Tasks, task: Task, type: string, payload: StoredAction["payload"]): Partial<Task> {
  switch (type) {
    case "task.update": {
      const set = payload["set"] as Partial<TaskFields>;
      const section = set.section === undefined ? task.section : set.section;
      return section === task.section ? set : { ...set, rank: rankAtEnd(tasks, section) };
    }
    case "task.complete":
      return { status: "done" };
    case "task.reopen":
      return { status: task.status === "done" ? "open" : task.status };
    case "task.assign":
      return { assignees: payload["assignees"] as string[] };
    case "task.move": {
      const section = payload["section"] === undefined ? task.section : (payload["section"] as string | null);
      return { section, rank: rankBehind(tasks, task, section, payload["after"] as string | null) };
    }
    default:
      return {};
  }
}

function created(tasks: Tasks, { op_id, payload }: StoredAction, state: "queued" | "sent"): ShownTask {
  const section = (payload["section"] as string | undefined) ?? null;
  return {
    kind: "task",
    id: `new-${op_id}`,
    seq: 0,
    team_id: String(payload["team_id"]),
    title: String(payload["title"]),
    description: null,
    status: "open",
    priority: "normal",
    labels: [],
    assignees: [],
    start: null,
    due: null,
    section,
    rank: rankAtEnd(tasks, section),
    created_by: user.peek()?.id ?? "",
    created_at: new Date(serverNow()).toISOString(),
    completed_at: null,
    changed: {},
    state,
    isNew: true,
  };
}

function rankAtEnd(tasks: Tasks, section: string | null): number {
  return Math.max(0, ...ranks(tasks, section, null)) + 1;
}

/** Between the task `after`, or the start of the section, and what follows. The server's rank will be another. */
function rankBehind(tasks: Tasks, moved: Task, section: string | null, after: string | null): number {
  const all = ranks(tasks, section, moved.id);
  const from = after === null ? null : tasks.get(after)?.rank;
  if (from === null || from === undefined) return Math.min(0, ...all) - 1;
  const next = Math.min(...all.filter((rank) => rank > from));
  return Number.isFinite(next) ? (from + next) / 2 : from + 1;
}

function ranks(tasks: Tasks, section: string | null, except: string | null): number[] {
  return [...tasks.values()].filter((task) => task.section === section && task.id !== except).map(({ rank }) => rank);
}
