/** Who is on roll in a school's classes today: the school's topic has marks, and no students. */

import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { get } from "../api";
import { status } from "../live";
import type { Class, Student } from "../records";
import { together } from "../parts/together";

const AT_ONCE = 3;

/** The students of a class by their ids; a class is not there before it has been read. */
export type Rosters = ReadonlyMap<string, ReadonlyMap<string, Student>>;

/**
 * Reads the rosters of the classes once a day, and that of a class again when it has a student (`unknown`, the
 * class's id and the student's) who was not on it.
 */
export function useRosters(date: string, classes: readonly Class[], unknown: readonly string[]): ReadonlySignal<Rosters> {
  const rosters = useMemo(() => signal<Rosters>(new Map()), [date]);
  const asked = useMemo(() => new Set<string>(), [date]);
  const connected = status.value.state !== "offline";
  const ids = classes.map(({ id }) => id).join(" ");
  useEffect(() => {
    if (ids === "" || !connected) return undefined;
    let wanted = true;
    const missing = ids.split(" ").filter((id) => !rosters.peek().has(id));
    void together(missing, AT_ONCE, () => wanted, (id) => read(id, rosters));
    return () => {
      wanted = false;
    };
  }, [ids, rosters, connected]);
  const strangers = unknown.join(",");
  useEffect(() => {
    const news = unknown.filter((pair) => !asked.has(pair));
    for (const pair of news) asked.add(pair);
    const again = [...new Set(news.map((pair) => pair.split(" ")[0] ?? ""))];
    void together(again, AT_ONCE, () => true, (id) => read(id, rosters));
  }, [strangers, asked]);
  return rosters;
}

/** Without a date, which is today's in the school: so that each class is kept once for when there is no network. */
async function read(classId: string, rosters: { value: Rosters }): Promise<void> {
  const { items } = await get<{ items: readonly Student[] }>(`/api/classes/${classId}/students?limit=500`);
  rosters.value = new Map(rosters.value).set(classId, new Map(items.map((student) => [student.id, student])));
}

/** What students are sorted by. */
export function sortedName(student: Student): string {
  return `${student.family_name} ${student.preferred_name ?? student.given_name}`;
}
