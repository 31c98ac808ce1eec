/** Where queued actions are kept. */

import type { StoredAction } from "./effects.js";

/**
 * Keeps the actions of one user. Calls take effect in the order in which they are made, without waiting for
 * each other. A failure rejects the call that failed, and no other.
 */
export interface Store {
  /** The actions from before, in the order in which they were put; called once. */
  load(): Promise<readonly StoredAction[]>;
  /** Keeps an action, at the end or in the place of the one with the same op_id. Resolved: it is durable. */
  put(action: StoredAction): Promise<void>;
  /** Forgets an action, if it is there. */
  remove(op_id: string): Promise<void>;
  /** Actions that have become this client's since `load`, because whoever put them is gone. */
  adopt?(): Promise<readonly StoredAction[]>;
}

/** Keeps actions as long as the program runs: for tests, and where nothing is to be left behind. */
export class MemoryStore implements Store {
  private readonly actions = new Map<string, StoredAction>();

  load(): Promise<readonly StoredAction[]> {
    return Promise.resolve([...this.actions.values()]);
  }

  put(action: StoredAction): Promise<void> {
    this.actions.set(action.op_id, action);
    return Promise.resolve();
  }

  remove(op_id: string): Promise<void> {
    this.actions.delete(op_id);
    return Promise.resolve();
  }
}
