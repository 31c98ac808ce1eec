/** Who changed a mark, when, and from what to what. */

import { useEffect, useState } from "preact/hooks";

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
              <bdi>{who(entry)}</bdi>, <time dateTime={entry.at}>{momentIn(school.time_zone, entry.at)}</time>
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

/** The id where the mark is older than the names in marks. */
function who({ by, data }: Entry): string {
  return by === null ? t("school_by_server") : (data.by_name ?? by);
}

function failed(failure: Error): string {
  if (failure instanceof Unreachable) return t("unreachable");
  if (failure instanceof Rejected && failure.status === 403) return t("no_access");
  return t("failed", { reason: reason(failure) });
}
