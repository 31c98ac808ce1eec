/** A team's tasks in columns: side by side as a board, one below the other as a list. */

import { useState } from "preact/hooks";

import { number, t } from "../messages";
import { Card } from "./card";
import { useBoard } from "./board_context";
import type { Column } from "./columns";
import { dragged } from "./drag";
import { MoveMenu } from "./move_menu";
import { QuickAdd, TITLE_LENGTH } from "./quick_add";
import { columnWord } from "./words";

export type Layout = "board" | "list";

interface BoardProps {
  readonly layout: Layout;
  /** Null: columns are not sections. */
  readonly onNewSection: ((name: string) => void) | null;
}

export function Board({ layout, onNewSection }: BoardProps) {
  const { columns, canAct } = useBoard();
  return (
    <>
      <div class={`task-board ${layout} ${dragged.value === null ? "" : "dragging"}`}>
        {columns.map((column) => (
          <ColumnView key={column.key} column={column} />
        ))}
        {canAct && onNewSection !== null && <NewSection onAdd={onNewSection} />}
      </div>
      <MoveMenu />
    </>
  );
}

function ColumnView({ column }: { readonly column: Column }) {
  const { canAct } = useBoard();
  const heading = `task-column-${encodeURIComponent(column.key)}`;
  const target = dragged.value?.target;
  const isEnd = target?.column === column.key && target.before === null;
  // A new task is open: it could not stay in a column of another status.
  const canAdd = canAct && (column.status === null || column.status === "open");
  return (
    <section class={`task-column ${isEnd ? "drop-end" : ""}`} data-column={column.key} aria-labelledby={heading}>
      <h2 id={heading}>
        <bdi>{columnWord(column)}</bdi> <span class="task-count">{number(column.tasks.length)}</span>
      </h2>
      {canAdd && <QuickAdd column={column} />}
      {column.tasks.length === 0 ? (
        <p class="task-empty">{t("task_empty")}</p>
      ) : (
        <ol>
          {column.tasks.map((task) => (
            <Card key={task.id} task={task} column={column} />
          ))}
        </ol>
      )}
    </section>
  );
}

function NewSection({ onAdd }: { readonly onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    if (name.trim() !== "") onAdd(name.trim());
    setName("");
  };
  return (
    <form class="task-new-section" onSubmit={add}>
      <input
        value={name}
        maxLength={TITLE_LENGTH}
        placeholder={t("task_new_section")}
        aria-label={t("task_new_section")}
        autocomplete="off"
        onInput={(event) => setName(event.currentTarget.value)}
      />
    </form>
  );
}
