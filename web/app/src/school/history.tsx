/** Who changed a mark, when, and from what to what. */

import { useEffect, useState } from "preact/hooks";

import { nameOf } from "../admin/names";
import { get, Rejected, Unreachable } from "../api";
import { t } from "../messages";
import { Dialog } from "../parts/dialog";
import { reason } from "../parts/reason";
import type { Mark, School } from "../records";
import { CodeName } from "./absences";
import { momentIn } from "./clock";
import { byLetter } from "./figures";

interface Entry {
  readonly seq: number;
  readonly type: string;
  readonly data: Mark;
  readonly by: string | null;
  readonly at: string;
}

interface HistoryProps {
  readonly school: School;
  /** As it is now: its history is read again when it changes. */
  readonly mark: Mark;
  readonly name: string;
  /** Names of users that are known already, by id. */
  readonly known: ReadonlyMap<string, string>;
  readonly onClose: () => void;
}

export function History({ school, mark, name, known, onClose }: HistoryProps) {
  const [entries, setEntries] = useState<readonly Entry[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    let wanted = true;
    get<{ items: readonly Entry[] }>(`/api/journal/school:${school.id}?record=${mark.id}&limit=500`).then(
      ({ items }) => wanted && (setEntries(items), setError("")),
      (failure: Error) => wanted && setError(failed(failure)),
    );
    return () => {
      wanted = false;
    };
  }, [mark.id, mark.seq]);
  const codes = byLetter(school.codes);
  const names = new Map([...known, ...markers((entries ?? []).filter(({ by, data }) => by === data.by).map(({ data }) => data))]);
  return (
    <Dialog title={t("school_history_of", { name })} onClose={onClose}>
      {error !== "" && <p class="error">{error}</p>}
      {entries === null && error === "" && <p>{t("loading")}</p>}
      <ol class="history">
        {(entries ?? []).map((entry, n) => (
          <li key={entry.seq}>
            <span class="change">
              <CodeName letter={entries?.[n - 1]?.data.code ?? null} codes={codes} />{" "}
              <span class="arrow" role="img" aria-label={t("school_became")} />{" "}
              <CodeName letter={entry.data.code} codes={codes} />
              {typeof entry.data.minutes_late === "number" && <> {t("school_minutes", { count: entry.data.minutes_late })}</>}
            </span>
            {entry.data.note !== null && <q><bdi>{entry.data.note}</bdi></q>}
            <span class="quiet">
              <bdi>{who(entry, names)}</bdi>, <time dateTime={entry.at}>{momentIn(school.time_zone, entry.at)}</time>
            </span>
          </li>
        ))}
      </ol>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          {t("close")}
        </button>
      </div>
    </Dialog>
  );
}

/** The names in marks, by the ids of whose they are; marks may be older than the names in them. */
export function markers(marks: readonly Mark[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { by, by_name } of marks) if (by !== null && typeof by_name === "string") names.set(by, by_name);
  return names;
}

/** Who it was: a planned mark is its planner's also where somebody else's act has brought it back. */
function who({ type, by, data }: Entry, names: ReadonlyMap<string, string>): string {
  const isMarkers = by === data.by || type === "attendance.planned";
  if (isMarkers && typeof data.by_name === "string") return data.by_name;
  return by === null ? t("school_by_server") : (names.get(by) ?? nameOf("user", by));
}

function failed(failure: Error): string {
  if (failure instanceof Unreachable) return t("unreachable");
  if (failure instanceof Rejected && failure.status === 403) return t("no_access");
  return t("failed", { reason: reason(failure) });
}
