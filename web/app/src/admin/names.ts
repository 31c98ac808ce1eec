/** The names behind ids, each asked for once. */

import { effect, signal, type Signal } from "@preact/signals";
import type { StoredRecord } from "rollcall-client";

import { get, getAll } from "../api";
import { user } from "../session";
import { type Entry, nameOfStudent, type Pupil, type User } from "./records";
import { rights } from "./rights";

export type Noun = "school" | "class" | "student" | "team" | "user";

/** Requests at once. */
const AT_ONCE = 4;

const names = new Map<string, Signal<string>>();
const waiting: (() => Promise<void>)[] = [];
let running = 0;

/** The users, for who cannot ask for one of them. */
let users: Promise<void> | null = null;

let owner: string | undefined;
effect(() => {
  const id = user.value?.id;
  if (id === owner) return;
  owner = id;
  names.clear();
  users = null;
});

/** The name, or the id until it is known. Within a component it is shown as soon as it is. */
export function nameOf(noun: Noun, id: string): string {
  const key = `${noun}:${id}`;
  let name = names.get(key);
  if (name === undefined) {
    names.set(key, (name = signal(id)));
    waiting.push(() => ask(noun, id));
    next();
  }
  return name.value;
}

/** The name of a place such as `school:s1`; of `org` none. */
export function nameOfScope(scope: string): string {
  const [noun, id] = scope.split(":");
  return id === undefined ? "" : nameOf(noun as Noun, id);
}

/** Takes over names that came with something else. */
export function learn(noun: Noun, id: string, name: string): void {
  const known = names.get(`${noun}:${id}`);
  if (known === undefined) names.set(`${noun}:${id}`, signal(name));
  else known.value = name;
}

/** The newest state of a record by the history in its journal; null: there is none. Rejected, Unreachable. */
export async function newestOf(room: string, id: string): Promise<StoredRecord | null> {
  return (await getAll<Entry>(`/api/journal/${room}?record=${encodeURIComponent(id)}`)).at(-1)?.data ?? null;
}

function next(): void {
  while (running < AT_ONCE) {
    const job = waiting.shift();
    if (job === undefined) return;
    running += 1;
    void job()
      .catch(() => undefined)
      .then(() => {
        running -= 1;
        next();
      });
  }
}

async function ask(noun: Noun, id: string): Promise<void> {
  const at = encodeURIComponent(id);
  switch (noun) {
    case "school":
      return learn(noun, id, (await get<{ name: string }>(`/api/schools/${at}`)).name);
    case "class":
      return learn(noun, id, (await get<{ name: string }>(`/api/classes/${at}`)).name);
    case "student":
      return learn(noun, id, nameOfStudent((await get<{ student: Pupil }>(`/api/students/${at}`)).student));
    case "team": {
      for (const team of await getAll<{ id: string; name: string }>("/api/teams")) learn(noun, team.id, team.name);
      return undefined;
    }
    case "user":
      return await askUser(id);
  }
}

async function askUser(id: string): Promise<void> {
  const own = user.peek();
  if (id === own?.id) return learn("user", id, own.name);
  if (id === "system") return learn("user", id, "Rollcall");
  const { isAdmin, schools } = rights.peek();
  if (isAdmin) {
    const found = (await newestOf("org", id)) as User | null;
    if (found !== null) learn("user", id, found.name);
  } else if (schools.length > 0) {
    users ??= getAll<User>("/api/users").then((found) => found.forEach(({ id: one, name }) => learn("user", one, name)));
    await users;
  }
}

