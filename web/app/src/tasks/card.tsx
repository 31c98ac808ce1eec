/** A task on the board or in the list. */

import { useEffect, useRef } from "preact/hooks";

import { t } from "../messages";
import { serverNow } from "../server_time";
import { send } from "./acts";
import { useBoard } from "./board_context";
import type { Column } from "./columns";
import { moment } from "./dates";
import { dragged, press, type Target } from "./drag";
import { focusWanted, MoveButton } from "./move_menu";
import { isOverdue, type ShownTask } from "./records";
import { State } from "./state";
import { isolated, nameOf, priorityWord, statusWord } from "./words";

interface CardProps {
  readonly task: ShownTask;
  readonly column: Column;
}

export function Card({ task, column }: CardProps) {
  const { teamId, columns, canAct, move } = useBoard();
  const card = useRef<HTMLLIElement>(null);
  const drag = dragged.value;
  const canMove = canAct && !task.isNew;
  // A card that came to another column is another element, and the focus was on the old one.
  useEffect(() => {
    if (focusWanted.peek() !== task.id) return;
    focusWanted.value = null;
    card.current?.querySelector<HTMLElement>(".task-move")?.focus();
  });
  const drop = ({ column: key, before }: Target): void => {
    const to = columns.find((other) => other.key === key);
    if (to !== undefined) move(task, { column: to, before });
  };
  const isTarget = drag?.target?.column === column.key && drag.target.before === task.id;
  return (
    <li
      ref={card}
      class={`task-card ${drag?.id === task.id ? "lifted" : ""} ${isTarget ? "drop-before" : ""}`}
      data-task={task.id}
      data-state={task.state ?? ""}
      onPointerDown={canMove ? (event) => press(event, task.id, drop) : undefined}
    >
      <span class={`grip ${canMove ? "" : "off"}`} aria-hidden="true" title={t("task_drag")}>
        ⠿
      </span>
      <div class="task-what">
        {task.isNew ? (
          <bdi class="task-name">{task.title}</bdi>
        ) : (
          <a class="task-name" href={`/teams/${encodeURIComponent(teamId)}?task=${encodeURIComponent(task.id)}`} draggable={false}>
            <bdi>{task.title}</bdi>
          </a>
        )}
        <Facts task={task} column={column} />
      </div>
      {canMove && (
        <div class="task-buttons">
          <DoneButton task={task} />
          <MoveButton task={task} column={column} />
        </div>
      )}
    </li>
  );
}

export function DoneButton({ task }: { readonly task: ShownTask }) {
  const isDone = task.status === "done";
  return (
    <button
      type="button"
      class="task-tick"
      aria-pressed={isDone}
      aria-label={t("task_done_toggle", { title: isolated(task.title) })}
      onClick={() => send(isDone ? "task.reopen" : "task.complete", { task_id: task.id })}
    >
      <span aria-hidden="true">{isDone ? "✓" : ""}</span>
    </button>
  );
}

function Facts({ task, column }: CardProps) {
  const { members } = useBoard();
  const isLate = isOverdue(task, serverNow());
  return (
    <div class="task-facts">
      {task.priority !== "normal" && <span class={`task-priority ${task.priority}`}>{priorityWord(task.priority)}</span>}
      {column.by === "section" && task.status === "in_progress" && <span class="task-chip">{statusWord(task.status)}</span>}
      {column.by === "status" && task.section !== null && <bdi class="task-chip">{task.section}</bdi>}
      {task.due !== null && (
        <span class={isLate ? "task-late" : undefined}>
          {isLate && `${t("task_overdue")}: `}
          <time dateTime={task.due}>{moment(task.due)}</time>
        </span>
      )}
      {task.labels.map((label) => (
        <bdi key={label} class="task-label">
          {label}
        </bdi>
      ))}
      {task.assignees.map((id) => (
        <bdi key={id} class="task-person">
          {nameOf(members, id)}
        </bdi>
      ))}
      <State state={task.state} />
    </div>
  );
}
