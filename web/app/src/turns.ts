/** Turns of the tabs of a browser that has no Web Locks, by a note in localStorage. */

const KEY = "rollcall-turn";

/** Milliseconds after which a note of a tab that is gone counts no more. */
const LOST = 15_000;

/** Milliseconds until a note has reached the other tabs, and between two looks. */
const SETTLED = 60;

/** Does something while no other tab does, one piece of work after the other. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const own = crypto.getRandomValues(new Uint32Array(2)).join("-");
  while (!(await taken(own))) await pause(SETTLED);
  try {
    return await work();
  } finally {
    if (holder() === own) localStorage.removeItem(KEY);
  }
}

async function taken(own: string): Promise<boolean> {
  if (holder() !== null) return false;
  localStorage.setItem(KEY, `${own} ${Date.now()}`);
  await pause(SETTLED);
  return holder() === own;
}

/** Whose turn it is; null: nobody's. */
function holder(): string | null {
  const [tab, since] = (localStorage.getItem(KEY) ?? "").split(" ");
  const age = Date.now() - Number(since);
  return tab && age >= 0 && age < LOST ? tab : null;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
