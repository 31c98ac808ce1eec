/** A field while somebody edits it: what others do to it meanwhile does not touch what is being typed. */

import { useEffect, useRef, useState } from "preact/hooks";

interface Editing {
  readonly value: string;
  readonly initial: string;
  /** The seq of the record that was shown when the editing began. */
  readonly base: number;
}

export interface Draft {
  readonly value: string;
  readonly edit: (value: string) => void;
  /** Sends what was edited, unless it is as it was. */
  readonly commit: () => void;
  readonly cancel: () => void;
}

/** `shown` is the value of the record, whose seq is `seq`; `save` gets the new one and the seq it is based on. */
export function useDraft(shown: string, seq: number, save: (value: string, base: number) => void): Draft {
  const [, redraw] = useState(0);
  const editing = useRef<Editing | null>(null);
  const set = (next: Editing | null): void => {
    editing.current = next;
    redraw((n) => n + 1);
  };
  const commit = (): void => {
    const done = editing.current;
    if (done === null) return;
    set(null);
    if (done.value !== done.initial) save(done.value, done.base);
  };
  const latest = useRef(commit);
  latest.current = commit;
  // What was typed is not lost where the field goes away while it has the focus.
  useEffect(() => () => latest.current(), []);
  return {
    value: editing.current?.value ?? shown,
    edit: (value) => set({ initial: shown, base: seq, ...editing.current, value }),
    commit,
    cancel: () => set(null),
  };
}
