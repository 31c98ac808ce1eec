/** The students of planned absences: those of the rosters, and others, who are read one by one. */

import { useEffect, useState } from "preact/hooks";

import { get } from "../api";
import type { PlannedAbsence, Student } from "../records";
import { together } from "../parts/together";
import type { Rosters } from "./rosters";

const AT_ONCE = 3;

/** By id; somebody who has not been read yet is not there. */
export function useNames(
  absences: readonly PlannedAbsence[],
  rosters: Rosters,
  changed: ReadonlyMap<string, Student>,
): ReadonlyMap<string, Student> {
  const [others, setOthers] = useState<ReadonlyMap<string, Student>>(new Map());
  const known = new Map([...others, ...[...rosters.values()].flatMap((roster) => [...roster]), ...changed]);
  const ids = [...new Set(absences.map(({ student_id }) => student_id))].filter((id) => !known.has(id));
  // The rosters are on their way, and have nearly everybody.
  const missing = rosters.size === 0 ? "" : ids.join(" ");
  useEffect(() => {
    if (missing === "") return undefined;
    let wanted = true;
    const read = async (id: string): Promise<void> => {
      const { student } = await get<{ student: Student }>(`/api/students/${id}`);
      if (wanted) setOthers((before) => new Map(before).set(id, student));
    };
    // Another roster may come in a moment.
    const timer = setTimeout(() => void together(missing.split(" "), AT_ONCE, () => wanted, read), 500);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [missing]);
  return known;
}
