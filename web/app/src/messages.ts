/** The texts of the pages in the user's language; dates and numbers as it writes them. */

import { computed, signal } from "@preact/signals";

import type { CodeLabels } from "./messages/codes";
import { en, type Messages } from "./messages/en";

/** Null: the server's labels are in this language. */
interface Words {
  readonly texts: Messages;
  readonly codes: CodeLabels | null;
}

/** A language: its name in itself, the direction it is written in, and its texts. */
interface Language {
  readonly name: string;
  readonly direction: "ltr" | "rtl";
  readonly load: () => Promise<Words>;
}

export const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { name: "English", direction: "ltr", load: async () => ({ texts: en, codes: null }) },
  de: { name: "Deutsch", direction: "ltr", load: () => import("./messages/de").then(({ de, codes }) => ({ texts: de, codes })) },
  ar: { name: "العربية", direction: "rtl", load: () => import("./messages/ar").then(({ ar, codes }) => ({ texts: ar, codes })) },
};

const KEY = "rollcall.language";

/** The language of the pages, by its code. */
export const language = signal("en");

const words = signal<Words>({ texts: en, codes: null });

/** Shows the pages in this language from now on, and keeps that on this device. */
export async function speak(code: string): Promise<void> {
  const chosen = LANGUAGES[code];
  if (chosen === undefined) return;
  words.value = await chosen.load();
  language.value = code;
  localStorage.setItem(KEY, code);
  document.documentElement.lang = code;
  document.documentElement.dir = chosen.direction;
}

/** The language that was chosen on this device, or the browser's first that there is. */
export function preferredLanguage(): string {
  const wanted = [localStorage.getItem(KEY) ?? "", ...navigator.languages];
  return wanted.map((tag) => tag.split("-")[0] ?? "").find((code) => code in LANGUAGES) ?? "en";
}

/** A text, with `{name}` replaced by the value of that name. */
export function t(key: keyof Messages, values: Readonly<Record<string, string | number>> = {}): string {
  return words.value.texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}

/** The label of a code of a set; undefined: the one that the server gives. */
export function codeLabel(codeSet: string, code: string): string | undefined {
  const labels: Readonly<Record<string, Readonly<Record<string, string>>>> = words.value.codes ?? {};
  return labels[codeSet]?.[code];
}

const numbers = computed(() => new Intl.NumberFormat(language.value));
const percents = computed(() => new Intl.NumberFormat(language.value, { style: "percent", maximumFractionDigits: 1 }));
const days = computed(
  () => new Intl.DateTimeFormat(language.value, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }),
);
const dates = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeZone: "UTC" }));
const moments = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" }));
const times = computed(() => new Intl.DateTimeFormat(language.value, { hour: "numeric", minute: "2-digit" }));

export function number(value: number): string {
  return numbers.value.format(value);
}

/** A share from 0 to 1. */
export function percent(share: number): string {
  return percents.value.format(share);
}

/** A day, from `YYYY-MM-DD`. */
export function day(date: string): string {
  return days.value.format(new Date(`${date}T00:00:00Z`));
}

/** The time of day of a moment, on this device's clock. */
export function timeOf(moment: string | number | Date): string {
  return times.value.format(new Date(moment));
}

/** A day with its year, from `YYYY-MM-DD`. */
export function dateOf(date: string): string {
  return dates.value.format(new Date(`${date}T00:00:00Z`));
}

/** The day and time of a moment, on this device's clock. */
export function momentOf(moment: string): string {
  return moments.value.format(new Date(moment));
}
