/** Who changed a mark, when, and from what to what. */

import { useEffect, useState } from "preact/hooks";

import { get, Rejected, Unreachable } from "../api";
import { t } from "../messages";
import { Dialog } from "../parts/dialog";
import type { Mark, School } from "../records";
import { user } from "../session";
import { CodeName } from "./absences";
import { momentIn } from "./clock";
import { byLetter } from "./figures";
import { holds } from "./rights";

interface Entry {
  readonly seq: number;
  readonly data: Mark;
  readonly by: string | null;
  readonly at: string;
}

interface HistoryProps {
  readonly school: School;
  /** As it is now: its history is read again when it changes. */
  readonly mark: Mark;
  readonly name: string;
  readonly onClose: () => void;
}

export function History({ school, mark, name, onClose }: HistoryProps) {
  const [entries, setEntries] = useState<readonly Entry[] | null>(null);
  const [error, setError] = useState("");
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    let wanted = true;
    get<{ items: readonly Entry[] }>(`/api/journal/school:${school.id}?record=${mark.id}&limit=500`).then(
      ({ items }) => wanted && (setEntries(items), setError("")),
      (failure: Error) => wanted && setError(reason(failure)),
    );
    return () => {
      wanted = false;
    };
  }, [mark.id, mark.seq]);
  useEffect(() => {
    if (!holds(school.id, ["school_admin"])) return;
    get<{ items: readonly { id: string; name: string }[] }>("/api/users?limit=500").then(
      ({ items }) => setNames(new Map(items.map((one) => [one.id, one.name]))),
      () => undefined,
    );
  }, []);
  const codes = byLetter(school.codes);
  const who = (id: string | null): string => {
    if (id === null) return t("school_by_server");
    return id === user.value?.id ? user.value.name : (names.get(id) ?? id);
  };
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
              <bdi>{who(entry.by)}</bdi>, <time dateTime={entry.at}>{momentIn(school.time_zone, entry.at)}</time>
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

function reason(failure: Error): string {
  if (failure instanceof Unreachable) return t("unreachable");
  if (failure instanceof Rejected && failure.status === 403) return t("no_access");
  return t("failed", { reason: failure.message });
}
