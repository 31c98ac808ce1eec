/** Adding a task to a column: Enter adds it, and the field stays for the next one. */

import { useState } from "preact/hooks";

import { t } from "../messages";
import { send } from "./acts";
import { useBoard } from "./board_context";
import type { Column } from "./columns";
import { say } from "./say";
import { columnWord, isolated } from "./words";

/** A title may have so many characters. */
export const TITLE_LENGTH = 200;

export function QuickAdd({ column }: { readonly column: Column }) {
  const { teamId } = useBoard();
  const [title, setTitle] = useState("");
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    const wanted = title.trim();
    if (wanted === "") return;
    const section = column.section === null ? {} : { section: column.section };
    send("task.create", { team_id: teamId, title: wanted, ...section });
    setTitle("");
    say(t("task_added", { title: isolated(wanted) }));
  };
  return (
    <form class="task-add" onSubmit={add}>
      <input
        value={title}
        maxLength={TITLE_LENGTH}
        placeholder={t("task_add")}
        aria-label={t("task_add_to", { column: isolated(columnWord(column)) })}
        autocomplete="off"
        enterkeyhint="done"
        onInput={(event) => setTitle(event.currentTarget.value)}
      />
    </form>
  );
}
