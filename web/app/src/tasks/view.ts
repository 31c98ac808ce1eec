/** How this device shows tasks. */

import { signal } from "@preact/signals";

import type { Layout } from "./board";
import type { By } from "./columns";

interface View {
  readonly layout: Layout;
  /** Null: sections where there are any, otherwise status. */
  readonly by: By | null;
}

const KEY = "rollcall.tasks.view";
const USUAL: View = { layout: "board", by: null };

export const view = signal<View>(kept());

export function look(part: Partial<View>): void {
  view.value = { ...view.peek(), ...part };
  localStorage.setItem(KEY, JSON.stringify(view.value));
}

function kept(): View {
  try {
    return { ...USUAL, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<View>) };
  } catch {
    return USUAL;
  }
}
