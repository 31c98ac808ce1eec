/** Something read once by HTTP, and again when what it depends on changes or the connection comes back. */

import { useEffect, useState } from "preact/hooks";

import { get } from "../api";
import { status } from "../live";

export interface Loaded<T> {
  readonly value: T | null;
  readonly error: Error | null;
}

/** GETs a path; what was read last stays while it is read again. */
export function useLoad<T>(path: string): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: null, error: null });
  const connected = status.value.state !== "offline";
  useEffect(() => {
    let wanted = true;
    get<T>(path).then(
      (value) => wanted && setLoaded({ value, error: null }),
      (error: Error) => wanted && setLoaded((before) => ({ value: before.value, error })),
    );
    return () => {
      wanted = false;
    };
  }, [path, connected]);
  return loaded;
}
