/** The days of the week, by their ISO numbers: 1 Monday to 7 Sunday. */

import { computed } from "@preact/signals";

import { language } from "../messages";

export const WEEKDAYS: readonly number[] = [1, 2, 3, 4, 5, 6, 7];

/** On which there is school, unless the school says otherwise. */
export const USUAL_DAYS: readonly number[] = [1, 2, 3, 4, 5];

const names = computed(() => new Intl.DateTimeFormat(language.value, { weekday: "long", timeZone: "UTC" }));

/** In the user's language. */
export function weekday(number: number): string {
  // 1 January 2024 was a Monday.
  return names.value.format(Date.UTC(2024, 0, number));
}
