/** Many requests, a few at the same time. */

/** Does `work` for each, `limit` at once, until `wanted` says no. It ends when all are done; failures are left out. */
export async function together<T>(
  all: readonly T[],
  limit: number,
  wanted: () => boolean,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left) {
      if (!wanted()) return;
      try {
        await work(one);
      } catch {
        // What could not be had is asked for again when the connection is back.
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
