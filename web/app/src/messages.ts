/** The texts of the pages in the user's language; dates and numbers as it writes them. */

import { computed, signal } from "@preact/signals";

import { en, type Messages } from "./messages/en";

/** A language: its name in itself, the direction it is written in, and its texts. */
interface Language {
  readonly name: string;
  readonly direction: "ltr" | "rtl";
  readonly load: () => Promise<Messages>;
}

export const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { name: "English", direction: "ltr", load: async () => en },
  de: { name: "Deutsch", direction: "ltr", load: async () => (await import("./messages/de")).de },
  ar: { name: "العربية", direction: "rtl", load: async () => (await import("./messages/ar")).ar },
};

const KEY = "rollcall.language";

/** The language of the pages, by its code. */
export const language = signal("en");

const texts = signal<Messages>(en);

/** Shows the pages in this language from now on, and keeps that on this device. */
export async function speak(code: string): Promise<void> {
  const chosen = LANGUAGES[code];
  if (chosen === undefined) return;
  texts.value = await chosen.load();
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
  return texts.value[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}

const numbers = computed(() => new Intl.NumberFormat(language.value));
const percents = computed(() => new Intl.NumberFormat(language.value, { style: "percent", maximumFractionDigits: 1 }));
const days = computed(
  () => new Intl.DateTimeFormat(language.value, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }),
);
const dates = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeZone: "UTC" }));
const moments = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" }));
const times = computed(() => new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit" }));

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
