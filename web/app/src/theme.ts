/** Light or dark: as the device wants it, unless the user has chosen. */

import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "rollcall.theme";

export const theme = signal<Theme>(kept());

/** Shows the pages so from now on, and keeps that on this device. */
export function show(chosen: Theme): void {
  theme.value = chosen;
  localStorage.setItem(KEY, chosen);
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

function kept(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}
