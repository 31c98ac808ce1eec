/** Functions of the application that are told of something. */

/** Removes what was added. */
export type Remove = () => void;

/**
 * Each is called after what happened is complete, in the order of happening. An error in one of them is the
 * application's: it is reported as uncaught, and stops nothing here.
 */
export class Listeners<T> {
  private readonly functions = new Set<(value: T) => void>();

  add(listener: (value: T) => void): Remove {
    this.functions.add(listener);
    return () => this.functions.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.functions) queueMicrotask(() => listener(value));
  }
}
