/**
 * Searching a room's journal, the newest lines first. The server filters by record and gives the lines in the order
 * of their numbers, which have no gaps; what else is asked for is looked at here, a part of the journal at a time.
 */

import type { Position, StoredRecord } from "rollcall-client";

import { get, getAll, type Listed } from "../api";
import { isDeed } from "./audit_words";
import type { Entry } from "./records";

export interface Filter {
  readonly room: string;
  readonly record: string;
  readonly by: string;
  readonly type: string;
  /** Days of this device's clock, both included; empty: all. */
  readonly from: string;
  readonly to: string;
  readonly classId: string;
  readonly studentId: string;
  /** Whether what the server derives is shown too. */
  readonly derived: boolean;
}

/** The filter that an address or a form says: `text` gives what its fields hold, empty where there is nothing. */
export function filterOf(text: (name: string) => string, derived: boolean): Filter {
  return {
    room: text("room"),
    record: text("record"),
    by: text("by"),
    type: text("type"),
    from: text("from"),
    to: text("to"),
    classId: text("class"),
    studentId: text("student"),
    derived,
  };
}

export interface Found {
  readonly entries: readonly Entry[];
  /** Lines with higher numbers have been looked at; 0: all of them have. */
  readonly left: number;
}

/** Lines of a request, the most that the server answers with. */
const PART = 500;

/** Requests until the user is asked whether to go on. */
const MOST_PARTS = 20;

/** Lines that match, of those up to `left` (null: from the newest on), as many as wanted or a part's more. */
export async function search(filter: Filter, left: number | null, wanted: number): Promise<Found> {
  if (filter.record !== "") return await searchRecord(filter);
  const floor = filter.from === "" ? 0 : await linesBefore(filter.room, startOf(filter.from));
  let ceiling = left ?? (filter.to === "" ? await head(filter.room) : await linesBefore(filter.room, endOf(filter.to)));
  const entries: Entry[] = [];
  for (let part = 0; part < MOST_PARTS && ceiling > floor && entries.length < wanted; part += 1) {
    const after = Math.max(floor, ceiling - PART);
    const { items } = await read(filter.room, after, ceiling - after);
    entries.push(...items.filter((entry) => entry.seq <= ceiling && matches(entry, filter)).reverse());
    ceiling = after;
  }
  return { entries, left: ceiling > floor ? ceiling : 0 };
}

async function searchRecord(filter: Filter): Promise<Found> {
  const history = await getAll<Entry>(`/api/journal/${filter.room}?record=${encodeURIComponent(filter.record)}`);
  const [from, to] = [filter.from === "" ? null : startOf(filter.from), filter.to === "" ? null : endOf(filter.to)];
  const isWithin = ({ at }: Entry): boolean => (from === null || at >= from) && (to === null || at < to);
  return { entries: history.filter((entry) => isWithin(entry) && matches(entry, filter)).reverse(), left: 0 };
}

/** The state of a record before an entry; null: there was none. Rejected, Unreachable. */
export async function stateBefore({ room, seq, data }: Entry): Promise<StoredRecord | null> {
  const history = await getAll<Entry>(`/api/journal/${room}?record=${encodeURIComponent(data.id)}`);
  const earlier = history.filter((entry) => entry.seq < seq && entry.data.kind === data.kind);
  return earlier.at(-1)?.data ?? null;
}

function matches(entry: Entry, filter: Filter): boolean {
  const { by, type, data } = entry;
  if (!filter.derived && !isDeed(entry)) return false;
  if (filter.by !== "" && by !== filter.by) return false;
  if (filter.type !== "" && type !== filter.type) return false;
  if (filter.studentId !== "" && data["student_id"] !== filter.studentId && data.id !== filter.studentId) return false;
  return filter.classId === "" || data["class_id"] === filter.classId || data.id === filter.classId || isIn(data, filter);
}

function isIn(data: StoredRecord, { classId, studentId }: Filter): boolean {
  return studentId !== "" && data.kind === "student" && (data["class_ids"] as readonly string[]).includes(classId);
}

function read(room: string, after: number, limit: number): Promise<Listed<Entry>> {
  return get(`/api/journal/${room}?after=${after}&limit=${limit}`);
}

/** The number of the journal's newest line: a snapshot says it, and a school's summary is the smallest there is. */
async function head(room: string): Promise<number> {
  const topic = room.replace(/^school:/, "summary:");
  return (await get<{ position: Position }>(`/api/topics/${topic}`)).position.seq;
}

/** How many lines are older than a moment. */
async function linesBefore(room: string, moment: string): Promise<number> {
  let [low, high] = [0, await head(room)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [entry] = (await read(room, middle, 1)).items;
    if (entry !== undefined && entry.at < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function startOf(date: string): string {
  return new Date(`${date}T00:00:00`).toISOString();
}

function endOf(date: string): string {
  const moment = new Date(`${date}T00:00:00`);
  moment.setDate(moment.getDate() + 1);
  return moment.toISOString();
}
