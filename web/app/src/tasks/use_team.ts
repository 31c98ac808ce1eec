/** A team's records: from the server, or as this device has kept them. */

import { useEffect, useMemo } from "preact/hooks";
import type { Status, StoredRecord } from "rollcall-client";

import { useTopic } from "../live";
import { forget, keep, kept } from "../parts/kept";

/** Milliseconds of quiet before a team is kept again. */
const QUIET = 1000;

export interface TeamRecords {
  readonly records: readonly StoredRecord[];
  readonly status: Status;
}

/** Keeps a team current, and keeps it on this device. */
export function useTeam(id: string): TeamRecords {
  const topic = useTopic(`team:${id}`);
  const before = useMemo(() => kept<readonly StoredRecord[]>("team", id) ?? [], [id]);
  const live = topic.records.value;
  const status = topic.status.value;
  const isRefused = status.state === "refused";
  useEffect(() => {
    if (isRefused) forget("team", id);
    if (isRefused || live.length === 0) return undefined;
    const timer = setTimeout(() => keep("team", id, live), QUIET);
    return () => clearTimeout(timer);
  }, [id, live, isRefused]);
  return { records: live.length > 0 || isRefused ? live : before, status };
}
