/** A topic as the application sees it. */

import type { Change, Status } from "./effects.js";
import { Refused, Stopped } from "./errors.js";
import { Listeners, type Remove } from "./listeners.js";
import { recordKey, type TopicRecords } from "./topic_records.js";
import type { Position, StoredRecord } from "./wire.js";

/** A subscription: its records, kept current, and who is told of changes. Made by `Client.subscribe`. */
export class Topic {
  private readonly changes = new Listeners<readonly Change[]>();
  private readonly statuses = new Listeners<Status>();
  private readonly ofRecords = new Map<string, Listeners<Change>>();
  private current: Status;

  constructor(
    readonly name: string,
    private readonly known: TopicRecords,
    now: number,
  ) {
    this.current = { state: "offline", since: now };
  }

  /** How current the records are. */
  get status(): Status {
    return this.current;
  }

  /** The place in the room's journal up to which everything is here; null: nothing is known. */
  get position(): Position | null {
    return this.known.position;
  }

  /** One record; undefined where there is none. */
  get(kind: string, id: string): StoredRecord | undefined {
    return this.known.records.get(recordKey(kind, id));
  }

  /** All records, or those of one kind. */
  records(kind?: string): StoredRecord[] {
    const all = [...this.known.records.values()];
    return kind === undefined ? all : all.filter((record) => record.kind === kind);
  }

  /** Calls with what has changed at once, whenever something has. */
  onChange(listener: (changes: readonly Change[]) => void): Remove {
    return this.changes.add(listener);
  }

  /** Calls with each change of one record, whether it is there yet or not. */
  onRecord(kind: string, id: string, listener: (change: Change) => void): Remove {
    const key = recordKey(kind, id);
    const listeners = this.ofRecords.get(key) ?? new Listeners<Change>();
    this.ofRecords.set(key, listeners);
    return listeners.add(listener);
  }

  /** Calls when the status changes. */
  onStatus(listener: (status: Status) => void): Remove {
    return this.statuses.add(listener);
  }

  /** Resolved once the records are what the server has. Refused (it gives no access), Stopped. */
  async live(): Promise<this> {
    while (this.current.state !== "live") {
      if (this.current.error !== undefined) throw new Refused(this.current.error);
      if (this.current.state === "stopped") throw new Stopped();
      await new Promise<void>((resolve) => {
        const remove = this.onStatus(() => {
          remove();
          resolve();
        });
      });
    }
    return this;
  }

  /** For the client: records have changed. */
  tellChanges(changes: readonly Change[]): void {
    this.changes.tell(changes);
    for (const change of changes) this.ofRecords.get(recordKey(change.kind, change.id))?.tell(change);
  }

  /** For the client: the status has changed. */
  tellStatus(status: Status): void {
    this.current = status;
    this.statuses.tell(status);
  }
}
