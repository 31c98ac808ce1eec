/** How long to wait before trying again. */

/** Seconds: the pause after a first failure is up to this long. */
const FIRST = 1;

/** Seconds: no pause is longer, so that everybody is back within 5 s when a fault ends (guarantee 4). */
const LONGEST = 4;

/**
 * A random pause in seconds, longer from failure to failure. `random` gives numbers from 0 to 1; a whole
 * school that fails in the same moment must not come back in the same moment.
 */
export function pauseAfter(failures: number, random: () => number): number {
  return random() * Math.min(LONGEST, FIRST * 2 ** Math.min(failures, 10));
}

/** A random pause when the server has asked everybody to come back. */
export function pauseSpread(random: () => number): number {
  return random() * LONGEST;
}
