/** The students of planned absences: those of the rosters, and others, who are read one by one. */

import { useEffect, useRef, useState } from "preact/hooks";

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
  const asked = useRef(new Set<string>());
  const near = new Map([...[...rosters.values()].flatMap((roster) => [...roster]), ...changed]);
  const ids = [...new Set(absences.map(({ student_id }) => student_id))].filter((id) => !near.has(id));
  // The rosters are on their way, and have nearly everybody.
  const missing = rosters.size === 0 ? "" : ids.join(" ");
  useEffect(() => {
    if (missing === "") return undefined;
    let wanted = true;
    const read = async (id: string): Promise<void> => {
      if (asked.current.has(id)) return;
      asked.current.add(id);
      try {
        const { student } = await get<{ student: Student }>(`/api/students/${id}`);
        setOthers((before) => new Map(before).set(id, student));
      } catch (error) {
        asked.current.delete(id);
        throw error;
      }
    };
    // Another roster may come in a moment.
    const timer = setTimeout(() => void together(missing.split(" "), AT_ONCE, () => wanted, read), 500);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [missing]);
  return new Map([...others, ...near]);
}
