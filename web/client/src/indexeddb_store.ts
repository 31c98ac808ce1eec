/** Keeps queued actions in the browser, over reloads and closed tabs. */

import type { StoredAction } from "./effects.js";
import type { Store } from "./store.js";

const ACTIONS = "actions";
const BY_USER = "user";
const BY_OP_ID = "op_id";
const VERSION = 1;

interface Row {
  readonly n?: number;
  readonly user: string;
  readonly tab: string;
  readonly op_id: string;
  readonly action: StoredAction;
}

/**
 * A queue in IndexedDB, of one user in one tab. Each tab sends what was queued in it, and what tabs that are
 * gone have left: as long as a tab is there it holds a lock (where the browser has Web Locks, that is in
 * secure contexts; elsewhere every tab sends all that it finds, which the server answers as duplicates).
 */
export class IndexedDbStore implements Store {
  private readonly tab = newTab();
  /** The tabs whose actions are this one's, with what gives up their locks. */
  private readonly tabs = new Map<string, () => void>();

  private constructor(
    private readonly database: IDBDatabase,
    private readonly user: string,
  ) {}

  /** Opens the user's queue. Fails with a DOMException where the browser has no place for it. */
  static async open(user: string, name = "rollcall-queue"): Promise<IndexedDbStore> {
    const opening = indexedDB.open(name, VERSION);
    opening.onupgradeneeded = () => {
      const actions = opening.result.createObjectStore(ACTIONS, { keyPath: "n", autoIncrement: true });
      actions.createIndex(BY_USER, "user");
      actions.createIndex(BY_OP_ID, ["user", "op_id"], { unique: true });
    };
    const store = new IndexedDbStore(await done(opening), user);
    await store.hold(store.tab);
    return store;
  }

  async load(): Promise<readonly StoredAction[]> {
    return await this.adopt();
  }

  async adopt(): Promise<readonly StoredAction[]> {
    const rows = await done<Row[]>(this.reading().index(BY_USER).getAll(this.user));
    const others = new Set(rows.map((row) => row.tab).filter((tab) => !this.tabs.has(tab)));
    const adopted = new Set<string>();
    for (const tab of others) {
      if (await this.hold(tab)) adopted.add(tab);
    }
    // What is here now, not before the locks: a tab may have sent some of it before it went.
    const left = await done<Row[]>(this.reading().index(BY_USER).getAll(this.user));
    return left.filter((row) => adopted.has(row.tab)).map((row) => row.action);
  }

  async put(action: StoredAction): Promise<void> {
    const transaction = this.writing();
    const actions = transaction.objectStore(ACTIONS);
    const key = actions.index(BY_OP_ID).getKey([this.user, action.op_id]);
    key.onsuccess = () => {
      const row: Row = { user: this.user, tab: this.tab, op_id: action.op_id, action };
      actions.put(key.result === undefined ? row : { ...row, n: key.result });
    };
    await complete(transaction);
  }

  async remove(op_id: string): Promise<void> {
    const transaction = this.writing();
    const actions = transaction.objectStore(ACTIONS);
    const key = actions.index(BY_OP_ID).getKey([this.user, op_id]);
    key.onsuccess = () => {
      if (key.result !== undefined) actions.delete(key.result);
    };
    await complete(transaction);
  }

  /** The op_ids of all actions of the user, those of other tabs included. */
  async opIds(): Promise<readonly string[]> {
    const rows = await done<Row[]>(this.reading().index(BY_USER).getAll(this.user));
    return rows.map((row) => row.op_id);
  }

  /** Forgets all actions of the user, those of other tabs included: after signing out. */
  async clear(): Promise<void> {
    const transaction = this.writing();
    const actions = transaction.objectStore(ACTIONS);
    const keys = actions.index(BY_USER).getAllKeys(this.user);
    keys.onsuccess = () => keys.result.forEach((key) => actions.delete(key));
    await complete(transaction);
  }

  /** Gives the queue up, so that another store may take it over: for pages that go on without it. */
  close(): void {
    this.database.close();
    for (const release of this.tabs.values()) release();
  }

  private reading(): IDBObjectStore {
    return this.database.transaction(ACTIONS, "readonly").objectStore(ACTIONS);
  }

  private writing(): IDBTransaction {
    return this.database.transaction(ACTIONS, "readwrite", { durability: "strict" });
  }

  /** Holds a tab's lock until the store is closed or the page is gone; false: that tab is still there. */
  private hold(tab: string): Promise<boolean> {
    const { locks } = navigator;
    if (locks === undefined) {
      this.tabs.set(tab, () => undefined);
      return Promise.resolve(true);
    }
    return new Promise((resolve, reject) => {
      const keep = (lock: Lock | null): Promise<void> | undefined => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise((release) => this.tabs.set(tab, release));
      };
      locks.request(`${this.database.name} ${tab}`, { ifAvailable: true }, keep).catch(reject);
    });
  }
}

function newTab(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join("-");
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function complete(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
