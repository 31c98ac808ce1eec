/** A class on one day, with its school: from the server, or as this device has kept it. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Status, StoredRecord } from "rollcall-client";

import { get } from "../api";
import { status, useTopic } from "../live";
import { keep, kept } from "../parts/kept";
import { of, type Class, type School } from "../records";

/** The records of a class on one day, as they were when the server was last heard. */
interface KeptDay {
  readonly records: readonly StoredRecord[];
  readonly school: School;
}

/** Milliseconds of quiet before a day is kept again. */
const QUIET = 1000;

export interface ClassDay {
  readonly records: readonly StoredRecord[];
  readonly cls: Class | null;
  readonly school: School | null;
  readonly status: Status;
}

/** Keeps a class's day current, and keeps it on this device. */
export function useClassDay(classId: string, date: string): ClassDay {
  const topic = useTopic(`class:${classId}`, date);
  const name = `${date}.${classId}`;
  const before = useMemo(() => kept<KeptDay>("sheet", name), [name]);
  const current = topic.status.value;
  const live = topic.records.value;
  const records = live.length > 0 || current.state === "refused" ? live : (before?.records ?? []);
  const cls = of<Class>(records, "class").find(({ id }) => id === classId) ?? null;
  const fresh = useSchool(cls?.school_id);
  const school = fresh ?? before?.school ?? null;

  useEffect(() => {
    if (live.length === 0 || school === null) return undefined;
    const timer = setTimeout(() => keep("sheet", name, { records: live, school } satisfies KeptDay), QUIET);
    return () => clearTimeout(timer);
  }, [live, school]);
  return { records, cls, school, status: current };
}

/** A school with its codes; it is read again at each connection. */
function useSchool(id: string | undefined): School | null {
  const [school, setSchool] = useState<School | null>(null);
  const isConnected = status.value.state !== "offline";
  useEffect(() => {
    if (id === undefined) return undefined;
    let isWanted = true;
    get<School>(`/api/schools/${id}`).then(
      // The same again is no reason to keep the day again.
      (found) => isWanted && setSchool((before) => (before?.id === found.id && before.seq === found.seq ? before : found)),
      () => undefined,
    );
    return () => {
      isWanted = false;
    };
  }, [id, isConnected]);
  return school;
}
