/** Choosing which tasks are shown. */

import { useState } from "preact/hooks";

import { number, t } from "../messages";
import { user } from "../session";
import { EVERYTHING, isFiltering, NOBODY, type Filter } from "./filter";
import { STATUSES, type Member } from "./records";
import { statusWord } from "./words";

interface FilterBarProps {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
  readonly labels: readonly string[];
  /** Null: there is nothing to choose of. */
  readonly members: readonly Member[] | null;
  readonly shown: number;
  readonly total: number;
}

export function FilterBar({ filter, onChange, labels, members, shown, total }: FilterBarProps) {
  const set = (part: Partial<Filter>): void => onChange({ ...filter, ...part });
  const me = user.value?.id;
  // On a phone the tasks come first.
  const [isOpen, setOpen] = useState(() => isFiltering(filter) || matchMedia("(min-width: 40rem)").matches);
  return (
    <details class="task-filtering" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("task_filters")}</summary>
      <form class="task-filters" role="search" aria-label={t("task_filters")} onSubmit={(event) => event.preventDefault()}>
        <label>
          {t("task_search")}
          <input type="search" value={filter.text} onInput={(event) => set({ text: event.currentTarget.value })} />
        </label>
        {members !== null && (
          <label>
            {t("task_assignee")}
            <select value={filter.assignee} onChange={(event) => set({ assignee: event.currentTarget.value })}>
              <option value="">{t("task_anybody")}</option>
              {members.some(({ user_id }) => user_id === me) && <option value={me}>{t("task_me")}</option>}
              <option value={NOBODY}>{t("task_nobody")}</option>
              {members
                .filter(({ user_id }) => user_id !== me)
                .map(({ user_id, name }) => (
                  <option key={user_id} value={user_id}>
                    {name}
                  </option>
                ))}
            </select>
          </label>
        )}
        <label>
          {t("task_label")}
          <select value={filter.label} onChange={(event) => set({ label: event.currentTarget.value })}>
            <option value="">{t("task_all")}</option>
            {labels.map((label) => (
              <option key={label} value={label}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("task_status")}
          <select value={filter.status} onChange={(event) => set({ status: event.currentTarget.value as Filter["status"] })}>
            <option value="">{t("task_all")}</option>
            {STATUSES.map((status) => (
              <option key={status} value={status}>
                {statusWord(status)}
              </option>
            ))}
          </select>
        </label>
        <label class="task-check">
          <input type="checkbox" checked={filter.overdue} onChange={(event) => set({ overdue: event.currentTarget.checked })} />
          {t("task_overdue")}
        </label>
        <p class="task-shown" role="status">
          {isFiltering(filter) ? t("task_shown", { shown: number(shown), total: number(total) }) : ""}
        </p>
        {isFiltering(filter) && (
          <button type="button" class="plain" onClick={() => onChange(EVERYTHING)}>
            {t("task_show_all")}
          </button>
        )}
      </form>
    </details>
  );
}
