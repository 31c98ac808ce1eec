/** Lists of the server, read page by page. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { type Listed, get, getAll, MOST, pageOf } from "../api";
import { status } from "../live";

/** Rows that are shown at first, and that are added at a time. */
const ROWS = 50;

export interface Search<T> {
  readonly shown: readonly T[];
  /** Shows more; null: there is no more. */
  readonly more: (() => void) | null;
  readonly loading: boolean;
  readonly error: Error | null;
}

/**
 * Reads as much of a list as it takes to show some rows that match. The server has no search of its own, so one for
 * a rare name may read the list to its end.
 */
export function useSearch<T>(path: string, text: string, matches: (item: T, text: string) => boolean): Search<T> {
  const [items, setItems] = useState<readonly T[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const [wanted, setWanted] = useState(ROWS);
  const [error, setError] = useState<Error | null>(null);
  const reading = useRef(false);
  const connected = status.value.state !== "offline";
  const sought = text.trim().toLocaleLowerCase();
  const found = useMemo(() => items.filter((item) => sought === "" || matches(item, sought)), [items, sought]);
  useEffect(() => setWanted(ROWS), [sought]);
  useEffect(() => {
    if (reading.current || cursor === null || found.length >= wanted) return;
    reading.current = true;
    get<Listed<T>>(pageOf(path, sought === "" ? ROWS : MOST, cursor ?? null))
      .then((page) => {
        reading.current = false;
        setError(null);
        setItems((before) => [...before, ...page.items]);
        setCursor(page.next_cursor);
      })
      .catch((failure: Error) => {
        reading.current = false;
        setError(failure);
      });
  }, [path, sought, cursor, found.length, wanted, connected]);
  const isMore = cursor !== null || found.length > wanted;
  return {
    shown: found.slice(0, wanted),
    more: isMore && found.length >= wanted ? () => setWanted((before) => before + ROWS) : null,
    loading: error === null && cursor !== null && found.length < wanted,
    error,
  };
}

/** All items of a list, read once and again when the connection comes back. */
export function useAll<T>(path: string | null): { readonly items: readonly T[]; readonly error: Error | null; readonly done: boolean } {
  const [loaded, setLoaded] = useState<{ items: readonly T[]; error: Error | null; done: boolean }>({
    items: [],
    error: null,
    done: false,
  });
  const connected = status.value.state !== "offline";
  useEffect(() => {
    let wanted = true;
    if (path === null) {
      setLoaded({ items: [], error: null, done: false });
      return undefined;
    }
    getAll<T>(path).then(
      (items) => wanted && setLoaded({ items, error: null, done: true }),
      (error: Error) => wanted && setLoaded((before) => ({ ...before, error })),
    );
    return () => {
      wanted = false;
    };
  }, [path, connected]);
  return loaded;
}

const collators = new Map<string, Intl.Collator>();

/** Orders names as people of the language do, with numbers in them by their size. */
export function byName(language: string): (one: string, other: string) => number {
  const collator = collators.get(language) ?? new Intl.Collator(language, { numeric: true });
  collators.set(language, collator);
  return (one, other) => collator.compare(one, other);
}
