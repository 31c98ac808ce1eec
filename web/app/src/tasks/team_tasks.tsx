/** The tasks of one team. */

import { useLocation } from "preact-iso";
import { useMemo, useState } from "preact/hooks";

import { acts } from "../live";
import { t } from "../messages";
import { of } from "../records";
import { serverNow } from "../server_time";
import { user } from "../session";
import { saved, send } from "./acts";
import { Board } from "./board";
import { BoardProvider, type BoardContext } from "./board_context";
import { actsFor, columnsOf, sectionsOf, type Place } from "./columns";
import { Detail } from "./detail";
import { Figures } from "./figures";
import { EVERYTHING, filtered, labelsOf, type Filter } from "./filter";
import { FilterBar } from "./filter_bar";
import { shownTasks } from "./overlay";
import type { Member, ShownTask, Team } from "./records";
import { RefusedActions } from "./refused";
import { Said, say } from "./say";
import { remove, Undo } from "./undo";
import { useTeam } from "./use_team";
import { look, view } from "./view";
import { ViewSwitch } from "./view_switch";
import { columnWord, isolated } from "./words";

/** Why there is nothing to show, by how current that is. */
const NOT_THERE = { live: "no_access", refused: "no_access", catching_up: "loading", offline: "task_offline", stopped: "task_offline" } as const;

export function TeamTasks({ id }: { readonly id: string }) {
  const { query, route } = useLocation();
  const { records, status } = useTeam(id);
  const { state } = status;
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const [added, setAdded] = useState<readonly string[]>([]);

  const team = of<Team>(records, "team")[0];
  const members = useMemo(() => of<Member>(records, "member").sort((one, other) => one.name.localeCompare(other.name)), [records]);
  const tasks = useMemo(() => shownTasks(id, records, saved.value, acts.value), [id, records, saved.value, acts.value]);
  const used = sectionsOf(tasks);
  const sections = [...used, ...added.filter((name) => !used.includes(name))];
  const by = view.value.by ?? (sections.length > 0 ? "section" : "status");
  const shown = filtered(tasks, filter, serverNow());
  const columns = columnsOf(shown, by, sections);
  const path = `/teams/${encodeURIComponent(id)}`;

  if (state === "refused") return <p class="empty">{t("no_access")}</p>;
  if (team === undefined) return <p class="empty">{t(NOT_THERE[state])}</p>;
  const board: BoardContext = {
    teamId: id,
    members,
    tasks,
    columns,
    canAct: !team.archived,
    isLead: isLead(members, id),
    move: (task, place) => move(task, place, tasks),
    remove,
  };
  const wanted = query["task"];
  return (
    <BoardProvider value={board}>
      <div class="tasks">
        <div class="task-head">
          <h1>
            <bdi>{team.name}</bdi>
          </h1>
          <a class="task-link" href="/tasks">
            {t("task_my_tasks")}
          </a>
          <ViewSwitch layout={view.value.layout} by={by} onChange={look} />
        </div>
        {team.archived && <p class="empty">{t("task_archived")}</p>}
        <Figures teamId={id} version={newest(records)} members={members} />
        <FilterBar
          filter={filter}
          onChange={setFilter}
          labels={labelsOf(tasks)}
          members={members}
          shown={shown.length}
          total={tasks.length}
        />
        <RefusedActions />
        <Board layout={view.value.layout} onNewSection={by === "section" ? (name) => setAdded([...added, name]) : null} />
        <Undo teamId={id} />
        <Said />
        {wanted !== undefined && (
          <Detail
            key={wanted}
            task={tasks.find((task) => task.id === wanted) ?? null}
            isComplete={state === "live"}
            records={records}
            onClose={() => route(path, true)}
          />
        )}
      </div>
    </BoardProvider>
  );
}

function move(task: ShownTask, place: Place, tasks: readonly ShownTask[]): void {
  const acts = actsFor(task, place, tasks);
  if (acts.length === 0) return;
  for (const { type, payload } of acts) send(type, payload);
  const others = place.column.tasks.filter(({ id }) => id !== task.id);
  const index = others.findIndex(({ id }) => id === place.before);
  const values = {
    title: isolated(task.title),
    column: isolated(columnWord(place.column)),
    place: (index < 0 ? others.length : index) + 1,
    count: others.length + 1,
  };
  say(t("task_moved", values));
}

function isLead(members: readonly Member[], teamId: string): boolean {
  const me = user.value;
  return (
    members.some(({ user_id, role }) => user_id === me?.id && role === "lead") ||
    (me?.roles ?? []).some(({ role, scope }) => role === "admin" || (role === "lead" && scope === `team:${teamId}`))
  );
}

function newest(records: readonly { readonly seq: number }[]): number {
  return records.reduce((most, { seq }) => Math.max(most, seq), 0);
}
