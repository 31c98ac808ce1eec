/** What a screen reader says about something that the eye has seen happen. */

import { signal } from "@preact/signals";

const said = signal("");

/** Says a text, also where it is the same as the last one. */
export function say(text: string): void {
  said.value = said.peek() === text ? `${text}\u00a0` : text;
}

/** Where it is said; one is needed within each modal dialog, because what is around it is silent. */
export function Said() {
  return (
    <p class="task-unseen" role="status">
      {said.value}
    </p>
  );
}
