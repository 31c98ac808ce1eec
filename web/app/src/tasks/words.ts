/** Values of tasks in words. */

import type { Messages } from "../messages/en";
import { t } from "../messages";
import { user } from "../session";
import type { Column } from "./columns";
import { moment } from "./dates";
import type { Member, Priority, TaskFields, TaskStatus } from "./records";

const STATUS_WORDS = { open: "task_open", in_progress: "task_in_progress", done: "task_done" } as const;
const PRIORITY_WORDS = { low: "task_low", normal: "task_normal", high: "task_high", urgent: "task_urgent" } as const;

export const FIELD_WORDS: Readonly<Record<keyof TaskFields, keyof Messages>> = {
  title: "task_title",
  description: "task_description",
  status: "task_status",
  priority: "task_priority",
  labels: "task_labels",
  assignees: "task_assignees",
  start: "task_start",
  due: "task_due",
  section: "task_section",
};

export function statusWord(status: TaskStatus): string {
  return t(STATUS_WORDS[status]);
}

export function priorityWord(priority: Priority): string {
  return t(PRIORITY_WORDS[priority]);
}

export function columnWord(column: Column): string {
  return column.status === null ? (column.section ?? t("task_no_section")) : statusWord(column.status);
}

export function fieldWord(field: string): string {
  return t(FIELD_WORDS[field as keyof TaskFields] ?? "task_title");
}

/** The name of somebody in the team, or who has left it. */
export function nameOf(members: readonly Member[], id: string): string {
  return members.find(({ user_id }) => user_id === id)?.name ?? (id === user.value?.id ? user.value.name : t("task_former_member"));
}

/** The value of a field as a text. */
export function valueWord(field: string, value: unknown, members: readonly Member[]): string {
  if (value === null || value === undefined || value === "") return t("task_none");
  switch (field) {
    case "status":
      return statusWord(value as TaskStatus);
    case "priority":
      return priorityWord(value as Priority);
    case "start":
    case "due":
      return moment(value as string);
    case "labels":
      return (value as string[]).join(", ") || t("task_none");
    case "assignees":
      return (value as string[]).map((id) => nameOf(members, id)).join(", ") || t("task_none");
    default:
      return String(value);
  }
}

/** A name within a sentence: it keeps its own direction. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}
