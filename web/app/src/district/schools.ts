/** The schools that the user reads, and the codes that they use: read once. */

import { useEffect, useState } from "preact/hooks";

import { get, getAll } from "../api";
import { status } from "../live";
import type { Period, School } from "../records";
import { byLetter, type Codes } from "../school/figures";

/** A school of a list: without its codes. */
export interface ListedSchool {
  readonly id: string;
  readonly name: string;
  readonly time_zone: string;
  readonly code_set: string;
  readonly periods: readonly Period[];
  readonly archived: boolean;
}

export interface AllSchools {
  readonly schools: readonly ListedSchool[];
  /** The codes of each set that one of the schools uses. */
  readonly codes: ReadonlyMap<string, Codes>;
}

export interface AllSchoolsRead {
  readonly found: AllSchools | null;
  readonly error: Error | null;
}

/** Read anew whenever the connection is back until it has worked once. */
export function useAllSchools(): AllSchoolsRead {
  const [read, setRead] = useState<AllSchoolsRead>({ found: null, error: null });
  const connected = status.value.state !== "offline";
  useEffect(() => {
    if (!connected || read.found !== null) return undefined;
    let wanted = true;
    readAll().then(
      (found) => wanted && setRead({ found, error: null }),
      (error: Error) => wanted && setRead({ found: null, error }),
    );
    return () => {
      wanted = false;
    };
  }, [connected, read.found === null]);
  return read;
}

async function readAll(): Promise<AllSchools> {
  const schools = (await getAll<ListedSchool>("/api/schools")).filter(({ archived }) => !archived);
  const codes = new Map<string, Codes>();
  for (const { id, code_set } of schools) {
    if (!codes.has(code_set)) codes.set(code_set, byLetter((await get<School>(`/api/schools/${id}`)).codes));
  }
  return { schools, codes };
}

/** How many classes a school has that are not archived. */
export async function countClasses(school: string): Promise<number> {
  const classes = await getAll<{ archived: boolean }>(`/api/schools/${school}/classes`);
  return classes.filter(({ archived }) => !archived).length;
}
