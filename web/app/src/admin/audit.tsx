/** The audit trail: the journal of a room, searched. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";

import { momentOf, number, t } from "../messages";
import { reason } from "../parts/reason";
import { AuditFilter } from "./audit_filter";
import { filterOf, search, type Filter, type Found } from "./audit_search";
import { AuditTable } from "./audit_table";
import { at } from "./links";

/** Lines that are shown at first, and that are added at a time. */
const LINES = 25;

/** On a phone the filter would fill the page. */
const isWide = matchMedia("(min-width: 45rem)").matches;

export function Audit({ rooms }: { readonly rooms: readonly (readonly [room: string, name: string])[] }) {
  const { query, route } = useLocation();
  const filter = filterOfAddress(query, rooms[0]?.[0] ?? "");
  const apply = (changed: Filter): void => route(addressOf(changed));
  return (
    <section aria-labelledby="admin-heading">
      <h1 id="admin-heading">{t("admin_audit")}</h1>
      <details open={isWide}>
        <summary>{t("admin_filter")}</summary>
        <AuditFilter key={JSON.stringify(filter)} filter={filter} rooms={rooms} onApply={apply} />
      </details>
      {filter.record !== "" && (
        <p class="remark">
          {t("admin_only_record")} <code dir="ltr">{filter.record}</code>{" "}
          <button type="button" onClick={() => apply({ ...filter, record: "" })}>
            {t("admin_all_records")}
          </button>
        </p>
      )}
      {filter.room !== "" && <Results key={JSON.stringify(filter)} filter={filter} onRecord={(record) => apply({ ...everything(filter.room), record })} />}
    </section>
  );
}

interface ResultsProps {
  readonly filter: Filter;
  readonly onRecord: (id: string) => void;
}

function Results({ filter, onRecord }: ResultsProps) {
  const [found, setFound] = useState<Found>({ entries: [], left: -1 });
  const [shown, setShown] = useState(LINES);
  const [problem, setProblem] = useState<Error | null>(null);
  const [busy, setBusy] = useState(true);
  const here = useRef(true);
  const go = (from: Found, wanted: number): void => {
    setBusy(true);
    search(filter, from.left === -1 ? null : from.left, wanted - from.entries.length).then(
      (more) => {
        if (!here.current) return;
        setFound({ entries: [...from.entries, ...more.entries], left: more.left });
        setProblem(null);
        setBusy(false);
      },
      (error: Error) => {
        if (!here.current) return;
        setProblem(error);
        setBusy(false);
      },
    );
  };
  useEffect(() => {
    here.current = true;
    go(found, LINES);
    return () => {
      here.current = false;
    };
  }, []);
  const more = (): void => {
    const wanted = shown + LINES;
    setShown(wanted);
    if (found.entries.length < wanted && found.left !== 0) go(found, wanted);
  };
  const entries = found.entries.slice(0, shown);
  const isMore = found.entries.length > shown || found.left !== 0;
  const oldest = found.entries.at(-1);
  return (
    <>
      <p class="quiet" role="status">
        {busy ? t("loading") : problem !== null ? t("failed", { reason: reason(problem) }) : t("admin_lines", { count: number(entries.length) })}
      </p>
      {entries.length > 0 && <AuditTable entries={entries} onRecord={onRecord} />}
      {!busy && isMore && (
        <p class="buttons start">
          <button type="button" onClick={more}>
            {entries.length === 0 ? t("admin_search_on") : t("admin_older")}
          </button>
          {oldest !== undefined && <span class="quiet">{t("admin_back_to", { time: momentOf(oldest.at) })}</span>}
        </p>
      )}
    </>
  );
}

function everything(room: string): Filter {
  return filterOf((name) => (name === "room" ? room : ""), false);
}

function filterOfAddress(query: Readonly<Record<string, string>>, room: string): Filter {
  return filterOf((name) => query[name] || (name === "room" ? room : ""), query["derived"] === "1");
}

/** The filter is in the address, so that it can be linked to and gone back to. */
function addressOf({ classId, studentId, derived, ...texts }: Filter): string {
  const all = { ...texts, class: classId, student: studentId, derived: derived ? "1" : "" };
  return at("audit", Object.fromEntries(Object.entries(all).filter(([, text]) => text !== "")));
}
