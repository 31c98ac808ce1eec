/** The records of one topic, and the rules by which they change (docs/protocol.md, Watching). */

import type { Change } from "./effects.js";
import type { Position, Snapshot, StoredRecord, Update } from "./wire.js";

/** A record's key in `TopicRecords.records`. */
export function recordKey(kind: string, id: string): string {
  return `${kind} ${id}`;
}

/**
 * What is known of a topic. `position` is null before the first snapshot and after `forget`; the records stay
 * until the next snapshot replaces them. With a `date`, records of other days are left out.
 */
export class TopicRecords {
  readonly records = new Map<string, StoredRecord>();
  position: Position | null = null;
  /** The epoch of the records. */
  private epoch: string | null = null;

  constructor(public date: string | null) {}

  /** Applies an update that the server pushed. Null: there is a hole before it, and it was not applied. */
  push(update: Update): Change[] | null {
    const position = this.position;
    if (position === null || update.seq <= position.seq) return [];
    if (update.prev > position.seq) return null;
    this.position = { epoch: position.epoch, seq: update.seq };
    return this.put(update);
  }

  /** Applies a tail. `fits`: it follows on what is here; where it does not, a snapshot is needed. */
  tail(position: Position, entries: readonly Update[]): { changes: Change[]; fits: boolean } {
    const changes: Change[] = [];
    if (this.position?.epoch !== position.epoch) return { changes, fits: false };
    for (const entry of entries) {
      const more = this.push(entry);
      if (more === null) return { changes, fits: false };
      changes.push(...more);
    }
    if (position.seq > this.position.seq) this.position = position;
    return { changes, fits: true };
  }

  /** Replaces everything: a record that is not in the snapshot is no longer known. */
  replace(snapshot: Snapshot): Change[] {
    const old = new Map(this.records);
    const isSameLife = this.epoch === snapshot.position.epoch;
    const changes: Change[] = [];
    this.records.clear();
    for (const record of snapshot.records) {
      const key = recordKey(record.kind, record.id);
      const before = old.get(key) ?? null;
      old.delete(key);
      this.records.set(key, record);
      if (!isSameLife || before?.seq !== record.seq) {
        changes.push({ kind: record.kind, id: record.id, record, before, update: null });
      }
    }
    this.position = snapshot.position;
    this.epoch = snapshot.position.epoch;
    return [...this.removed(old), ...changes];
  }

  /** Nothing follows on what is here any more: the next reply is to be a snapshot. */
  forget(): void {
    this.position = null;
  }

  /** Removes every record. */
  clear(): Change[] {
    const old = new Map(this.records);
    this.records.clear();
    this.forget();
    return this.removed(old);
  }

  private put(update: Update): Change[] {
    const record = update.data;
    const { kind, id } = record;
    const key = recordKey(kind, id);
    const before = this.records.get(key) ?? null;
    if (before !== null && before.seq >= record.seq) return [];
    if (record.deleted) {
      if (!this.records.delete(key)) return [];
      return [{ kind, id, record: null, before, update }];
    }
    if (this.isOfAnotherDay(record)) return [];
    this.records.set(key, record);
    return [{ kind, id, record, before, update }];
  }

  private isOfAnotherDay(record: StoredRecord): boolean {
    return this.date !== null && typeof record["date"] === "string" && record["date"] !== this.date;
  }

  private removed(records: ReadonlyMap<string, StoredRecord>): Change[] {
    return [...records.values()].map((before) => ({
      kind: before.kind,
      id: before.id,
      record: null,
      before,
      update: null,
    }));
  }
}
