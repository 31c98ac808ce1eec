/** Lines of a journal as a table: who, when, what, from what to what. */

import { useEffect, useState } from "preact/hooks";
import type { StoredRecord } from "rollcall-client";

import { momentOf, t } from "../messages";
import { stateBefore } from "./audit_search";
import { about, deed, differences, fieldName, isDeed } from "./audit_words";
import { nameOf } from "./names";
import type { Entry } from "./records";

interface AuditTableProps {
  readonly entries: readonly Entry[];
  /** Shows the history of a line's record alone. */
  readonly onRecord: (id: string) => void;
}

/** The roles are said again because a phone shows rows as blocks, which takes a table's own meaning away. */
export function AuditTable({ entries, onRecord }: AuditTableProps) {
  return (
    <table class="audit" role="table" aria-label={t("admin_audit")}>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader">{t("admin_when")}</th>
          <th role="columnheader">{t("admin_who")}</th>
          <th role="columnheader">{t("admin_what")}</th>
          <th role="columnheader">{t("admin_change")}</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {entries.map((entry) => (
          <Line key={`${entry.room} ${entry.seq}`} entry={entry} onRecord={onRecord} />
        ))}
      </tbody>
    </table>
  );
}

/** The name that the record has of who acted, as it was then; without one what they are called now. */
function actor({ by, data }: Entry): string {
  if (by === null) return t("admin_by_itself");
  const known = [
    [data["by"], data["by_name"]],
    [data["taken_by"], data["taken_by_name"]],
  ].find(([id, name]) => id === by && typeof name === "string");
  return known === undefined ? nameOf("user", by) : String(known[1]);
}

/** Derived lines only say what is now: the figures of a day have histories as long as the day. */
function Line({ entry, onRecord }: { readonly entry: Entry } & Pick<AuditTableProps, "onRecord">) {
  const [before, setBefore] = useState<StoredRecord | null | undefined>(isDeed(entry) ? undefined : null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!isDeed(entry)) return;
    let wanted = true;
    stateBefore(entry).then(
      (state) => wanted && setBefore(state),
      () => wanted && setFailed(true),
    );
    return () => {
      wanted = false;
    };
  }, [entry]);
  const subject = about(entry, before);
  return (
    <tr role="row">
      <td role="cell" class="quiet">
        <time dateTime={entry.at}>{momentOf(entry.at)}</time>
      </td>
      <td role="cell">
        <bdi>{actor(entry)}</bdi>
      </td>
      <td role="cell">
        <strong>{deed(entry.type)}</strong>
        <br />
        <bdi>{subject}</bdi>
        <br />
        <button
          type="button"
          class="plain link"
          aria-label={`${t("admin_this_record")}: ${subject}, ${momentOf(entry.at)}`}
          onClick={() => onRecord(entry.data.id)}
        >
          {t("admin_this_record")}
        </button>
      </td>
      <td role="cell">
        <Differences entry={entry} before={before} failed={failed} />
      </td>
    </tr>
  );
}

interface DifferencesProps {
  readonly entry: Entry;
  /** The record's state before; null: there was none; undefined: it is not known yet. */
  readonly before: StoredRecord | null | undefined;
  readonly failed: boolean;
}

function Differences({ entry, before, failed }: DifferencesProps) {
  if (entry.data.deleted) return <>{t("admin_deleted")}</>;
  if (failed) return <span class="quiet">{t("admin_unknown")}</span>;
  if (before === undefined) return <span class="quiet">{t("loading")}</span>;
  const found = differences(before, entry.data);
  if (found.length === 0) return <span class="quiet">{t("admin_no_change")}</span>;
  return (
    <ul class="differences">
      {found.map(({ field, from, to }) => (
        <li key={field}>
          <span class="quiet">{fieldName(field)}:</span>{" "}
          {before !== null && (
            <>
              <del>
                <bdi>{from}</bdi>
              </del>{" "}
              <span class="arrow" role="img" aria-label={t("admin_becomes")}>
                →
              </span>{" "}
            </>
          )}
          <ins>
            <bdi>{to}</bdi>
          </ins>
        </li>
      ))}
    </ul>
  );
}
