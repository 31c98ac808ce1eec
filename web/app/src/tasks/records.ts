/** The records of a team, as docs/protocol.md describes them, and a task as it is shown. */

import type { StoredRecord } from "rollcall-client";

export const STATUSES = ["open", "in_progress", "done"] as const;
export const PRIORITIES = ["low", "normal", "high", "urgent"] as const;

export type TaskStatus = (typeof STATUSES)[number];
export type Priority = (typeof PRIORITIES)[number];

/** What `task.update` may set. */
export interface TaskFields {
  readonly title: string;
  readonly description: string | null;
  readonly status: TaskStatus;
  readonly priority: Priority;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  readonly start: string | null;
  readonly due: string | null;
  readonly section: string | null;
}

export interface Task extends StoredRecord, TaskFields {
  readonly kind: "task";
  readonly team_id: string;
  readonly rank: number;
  readonly created_by: string;
  readonly created_at: string;
  readonly completed_at: string | null;
  /** When each field last got another value. */
  readonly changed: Readonly<Record<string, number>>;
}

/** A task with what the user has done to it and is not in the topic yet. */
export interface ShownTask extends Task {
  /** How far the user's own last change is; null: there is none under way. */
  readonly state: "queued" | "sent" | "saved" | null;
  /** Not created on the server yet: nothing else can be done to it. */
  readonly isNew: boolean;
}

export interface Member extends StoredRecord {
  readonly kind: "member";
  readonly user_id: string;
  readonly name: string;
  readonly role: "lead" | "member";
}

export interface Team extends StoredRecord {
  readonly kind: "team";
  readonly name: string;
  readonly archived: boolean;
}

export interface Comment extends StoredRecord {
  readonly kind: "comment";
  readonly task_id: string;
  readonly text: string;
  readonly by: string;
  /** Undefined in records that are older than the field. */
  readonly by_name?: string | null;
  readonly at: string;
}

export interface Trash extends StoredRecord {
  readonly kind: "trash";
  readonly team_id: string;
  readonly task: Task;
}

/** Whether a task should be done by now. */
export function isOverdue(task: Task, now: number): boolean {
  return task.status !== "done" && task.due !== null && Date.parse(task.due) < now;
}
