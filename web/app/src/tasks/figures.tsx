/** How many tasks there are, as the server counts them. */

import { useEffect, useState } from "preact/hooks";

import { get } from "../api";
import { status } from "../live";
import { number, t } from "../messages";
import { STATUSES, type Member, type Priority, type TaskStatus } from "./records";
import { nameOf, statusWord } from "./words";

interface Stats {
  readonly by_status: Readonly<Record<TaskStatus, number>>;
  readonly by_priority: Readonly<Record<Priority, number>>;
  readonly by_assignee: Readonly<Record<string, number>>;
  readonly overdue: number;
}

/** A burst of changes is counted once, ms. */
const PAUSE = 400;

interface FiguresProps {
  /** Null: the user's own tasks in all teams. */
  readonly teamId: string | null;
  /** Counts again when this is another one. */
  readonly version: string | number;
  /** Empty: how many each of them has is left out. */
  readonly members: readonly Member[];
}

export function Figures({ teamId, version, members }: FiguresProps) {
  const stats = useStats(teamId, version);
  if (stats === null) return null;
  return (
    <section class="task-figures" aria-label={t("task_figures")}>
      <dl>
        {STATUSES.map((one) => (
          <Figure key={one} name={statusWord(one)} value={stats.by_status[one]} />
        ))}
        <Figure name={t("task_overdue")} value={stats.overdue} isBad={stats.overdue > 0} />
        <Figure name={t("task_urgent")} value={stats.by_priority.urgent} />
      </dl>
      {members.length > 0 && (
        <details>
          <summary>{t("task_by_member")}</summary>
          <ul>
            {Object.entries(stats.by_assignee).map(([id, count]) => (
              <li key={id}>
                <bdi>{nameOf(members, id)}</bdi> <b>{number(count)}</b>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Figure({ name, value, isBad = false }: { readonly name: string; readonly value: number; readonly isBad?: boolean }) {
  return (
    <div class={isBad ? "bad" : undefined}>
      <dt>{name}</dt>
      <dd>{number(value)}</dd>
    </div>
  );
}

function useStats(teamId: string | null, version: string | number): Stats | null {
  const [stats, setStats] = useState<Stats | null>(null);
  const connected = status.value.state === "live";
  useEffect(() => {
    let wanted = true;
    const load = (): void => {
      const query = teamId === null ? "" : `?team_id=${encodeURIComponent(teamId)}`;
      get<Stats>(`/api/tasks/stats${query}`).then(
        (value) => wanted && setStats(value),
        // Without the network the last figures stay.
        () => undefined,
      );
    };
    const timer = setTimeout(load, stats === null ? 0 : PAUSE);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [teamId, version, connected]);
  return stats;
}
