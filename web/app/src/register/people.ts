/** Names of people by their ids. The records carry ids alone, and a teacher may not read accounts. */

import { user } from "../session";
import { t } from "../messages";
import { keptSignal } from "./kept";

const names = keptSignal<Readonly<Record<string, string>>>("people", {});

/** Remembers somebody who was met on a sheet. */
export function met(people: readonly { readonly id: string; readonly name: string }[]): void {
  const fresh = people.filter(({ id, name }) => names.peek()[id] !== name);
  if (fresh.length === 0) return;
  names.value = { ...names.peek(), ...Object.fromEntries(fresh.map(({ id, name }) => [id, name])) };
}

/** Whether this user has a name here. */
export function isKnown(id: string): boolean {
  return id === user.value?.id || id in names.value;
}

/** Who it was, in words; `source` is that of their mark. */
export function who(id: string | null, source?: string): string {
  if (id !== null && id === user.value?.id) return t("reg_you");
  const name = id === null ? undefined : names.value[id];
  return name ?? (source === "office" || source === "planned" ? t("reg_the_office") : t("reg_somebody"));
}
