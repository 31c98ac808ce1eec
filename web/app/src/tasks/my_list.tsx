/** The user's own tasks in all teams, by when they are due. */

import { effect, signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";

import { acts } from "../live";
import { number, t } from "../messages";
import type { Messages } from "../messages/en";
import { of } from "../records";
import { serverNow } from "../server_time";
import { user } from "../session";
import { saved } from "./acts";
import { DoneButton } from "./card";
import { moment } from "./dates";
import { Figures } from "./figures";
import { EVERYTHING, filtered, labelsOf, type Filter } from "./filter";
import { FilterBar } from "./filter_bar";
import { shownTasks } from "./overlay";
import { isOverdue, type ShownTask, type Team } from "./records";
import { State } from "./state";
import { useTeam } from "./use_team";
import { priorityWord, statusWord } from "./words";

interface OfTeam {
  readonly name: string;
  readonly tasks: readonly ShownTask[];
}

const DAY = 24 * 60 * 60 * 1000;

const GROUPS: readonly (readonly [name: keyof Messages, has: (task: ShownTask, now: number) => boolean])[] = [
  ["task_done", ({ status }) => status === "done"],
  ["task_overdue", isOverdue],
  ["task_no_date", ({ due }) => due === null],
  ["task_within_week", ({ due }, now) => Date.parse(due ?? "") < now + 7 * DAY],
  ["task_later", () => true],
];
const ORDER: readonly (keyof Messages)[] = ["task_overdue", "task_within_week", "task_later", "task_no_date", "task_done"];

export function MyTasks() {
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const teams = useMemo(() => signal<ReadonlyMap<string, OfTeam>>(new Map()), []);
  const me = user.value?.id ?? "";
  const ids = teamsOf();
  const tell = (id: string, found: OfTeam): void => void (teams.value = new Map(teams.peek()).set(id, found));
  const mine = ids.flatMap((id) => (teams.value.get(id)?.tasks ?? []).filter(({ assignees }) => assignees.includes(me)));
  const now = serverNow();
  const shown = filtered(mine, filter, now).sort(byDue);
  const groupOf = (task: ShownTask): keyof Messages => GROUPS.find(([, has]) => has(task, now))?.[0] ?? "task_later";
  return (
    <div class="tasks">
      {ids.map((id) => (
        <Source key={id} id={id} onTasks={tell} />
      ))}
      <div class="task-head">
        <h1>{t("task_my_tasks")}</h1>
        {ids.map((id) => (
          <a key={id} class="task-link" href={`/teams/${encodeURIComponent(id)}`}>
            <bdi>{teams.value.get(id)?.name ?? id}</bdi>
          </a>
        ))}
      </div>
      <Figures teamId={null} version={mine.map(({ id, seq }) => `${id}.${seq}`).join()} members={[]} />
      <FilterBar filter={filter} onChange={setFilter} labels={labelsOf(mine)} members={null} shown={shown.length} total={mine.length} />
      {shown.length === 0 && <p class="empty">{t("task_nothing_mine")}</p>}
      {ORDER.map((name) => {
        const tasks = shown.filter((task) => groupOf(task) === name);
        return (
          tasks.length > 0 && (
            <section key={name} class="task-column" aria-label={t(name)}>
              <h2>
                {t(name)} <span class="task-count">{number(tasks.length)}</span>
              </h2>
              <ol>
                {tasks.map((task) => (
                  <Row key={task.id} task={task} team={teams.value.get(task.team_id)?.name ?? ""} />
                ))}
              </ol>
            </section>
          )
        );
      })}
    </div>
  );
}

function Row({ task, team }: { readonly task: ShownTask; readonly team: string }) {
  return (
    <li class="task-card" data-task={task.id}>
      <div class="task-what">
        <a class="task-name" href={`/teams/${encodeURIComponent(task.team_id)}?task=${encodeURIComponent(task.id)}`}>
          <bdi>{task.title}</bdi>
        </a>
        <div class="task-facts">
          <bdi class="task-chip">{team}</bdi>
          {task.priority !== "normal" && <span class={`task-priority ${task.priority}`}>{priorityWord(task.priority)}</span>}
          {task.status === "in_progress" && <span class="task-chip">{statusWord(task.status)}</span>}
          {task.due !== null && <time dateTime={task.due}>{moment(task.due)}</time>}
          <State state={task.state} />
        </div>
      </div>
      <div class="task-buttons">
        <DoneButton task={task} />
      </div>
    </li>
  );
}

/** Follows one team. A component of its own, because a user may come to be in more teams. */
function Source({ id, onTasks }: { readonly id: string; readonly onTasks: (id: string, found: OfTeam) => void }) {
  const { records } = useTeam(id);
  useEffect(
    () =>
      effect(() => {
        const name = of<Team>(records, "team")[0]?.name ?? id;
        onTasks(id, { name, tasks: shownTasks(id, records, saved.value, acts.value) });
      }),
    [records],
  );
  return null;
}

function teamsOf(): string[] {
  const scopes = (user.value?.roles ?? []).map(({ scope }) => scope).filter((scope) => scope.startsWith("team:"));
  return [...new Set(scopes)].map((scope) => scope.slice("team:".length)).sort();
}

function byDue(one: ShownTask, other: ShownTask): number {
  return (one.due ?? "~").localeCompare(other.due ?? "~") || (one.id < other.id ? -1 : 1);
}
