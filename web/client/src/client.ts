/** The client: the core's rules over a real connection, store, clock and network. */

import { Connection } from "./connection.js";
import { Topic } from "./topic.js";
import { Core } from "./core.js";
import type { Effect, QueuedAction, Status, StoredAction, TimerName, Told, Why } from "./effects.js";
import { Offline, Refused, Stopped, Withdrawn } from "./errors.js";
import { Listeners, type Remove } from "./listeners.js";
import { actionOf, type ActOptions, type ClientOptions, type SubscribeOptions } from "./options.js";
import { MemoryStore, type Store } from "./store.js";
import type { TopicRecords } from "./topic_records.js";
import { COOKIE, type Ack, type Presence, type Ready, type Snapshot, type Token } from "./wire.js";

/** Seconds for a snapshot by HTTP; less than the core waits for an answer. */
const FETCH_LIMIT = 20;

interface Caller {
  resolve(ack: Ack): void;
  reject(error: Error): void;
}

/**
 * Keeps a connection and the topics current, and sends each action until it is answered. `start` it once who
 * is to be told of something has been added; end it by `close`.
 */
export class Client {
  private readonly core: Core;
  private readonly url: string;
  private readonly store: Store;
  private readonly topics = new Map<string, Topic>();
  private readonly callers = new Map<string, Caller>();
  private readonly timers = new Map<TimerName, ReturnType<typeof setTimeout>>();
  private readonly statuses = new Listeners<Status>();
  private readonly actionChanges = new Listeners<QueuedAction>();
  private readonly greetings = new Listeners<Ready>();
  private readonly endings = new Listeners<string>();
  private readonly presences = new Listeners<Presence>();
  private connection: Connection | null = null;
  private isFlushing = false;
  private readonly online = (): void => this.run(() => this.core.online());

  constructor(private readonly options: ClientOptions) {
    this.url = options.url ?? location.origin;
    this.store = options.store ?? new MemoryStore();
    this.core = new Core({ user: options.user, random: Math.random, now });
  }

  /** Takes over the actions that the store has kept, and begins to connect. Rejected where `load` is. */
  async start(): Promise<this> {
    const kept = await this.store.load();
    globalThis.addEventListener?.("online", this.online);
    this.run(() => {
      this.core.restore(kept);
      this.core.start();
    });
    return this;
  }

  /** How current the client is as a whole. */
  get status(): Status {
    return this.core.status;
  }

  /** What is on its way or was refused, in the order of queueing. */
  get actions(): readonly QueuedAction[] {
    return this.core.actions;
  }

  /** Calls when the status changes. */
  onStatus(listener: (status: Status) => void): Remove {
    return this.statuses.add(listener);
  }

  /** Calls at each step of each action, those included that an earlier client has left in the store. */
  onAction(listener: (action: QueuedAction) => void): Remove {
    return this.actionChanges.add(listener);
  }

  /** Calls with each greeting of the server: who is signed in, and which topics there are. */
  onReady(listener: (ready: Ready) => void): Remove {
    return this.greetings.add(listener);
  }

  /** Calls with the code by which the server ends a connection. */
  onClosing(listener: (code: string) => void): Remove {
    return this.endings.add(listener);
  }

  /** Calls when somebody comes to a subscribed topic or leaves it; who is there now: `call("presence")`. */
  onPresence(listener: (presence: Presence) => void): Remove {
    return this.presences.add(listener);
  }

  /**
   * Keeps a topic current from now on. The same topic again is the same object, with a new `date`. Several
   * calls of one turn are one request. Stopped.
   */
  subscribe(name: string, options: SubscribeOptions = {}): Topic {
    if (this.status.state === "stopped") throw new Stopped();
    const { date = null, fetch = false } = options;
    this.run(() => {
      this.core.subscribe(name, { date, fetch });
      const known = this.core.records(name);
      if (!this.topics.has(name)) this.topics.set(name, new Topic(name, known as TopicRecords, now()));
    });
    this.flushSoon();
    return this.topics.get(name) as Topic;
  }

  /** Ends a subscription. */
  unsubscribe(name: string): void {
    this.topics.delete(name);
    this.run(() => this.core.unsubscribe(name));
  }

  /** Queues an action and waits for its answer, however long that takes. Refused, Withdrawn, QueueError, Stopped. */
  async act(type: string, payload: StoredAction["payload"], options: ActOptions = {}): Promise<Ack> {
    const action = actionOf(type, payload, options);
    const outcome = new Promise<Ack>((resolve, reject) => {
      this.callers.set(action.op_id, { resolve, reject });
    });
    try {
      await this.add(action);
    } catch (error) {
      this.callers.delete(action.op_id);
      throw error;
    }
    return await outcome;
  }

  /**
   * Queues an action and gives its op_id once it is kept: what becomes of it comes by `onAction`. One that is
   * refused stays in `actions`, also in the next client, until it is dismissed. QueueError, Stopped.
   */
  async enqueue(type: string, payload: StoredAction["payload"], options: ActOptions = {}): Promise<string> {
    const action = actionOf(type, payload, options);
    await this.add(action);
    return action.op_id;
  }

  /** Forgets a refused action. */
  dismiss(opId: string): void {
    this.run(() => this.core.dismiss(opId));
  }

  /** Whether `withdraw` would take the action back now. */
  mayWithdraw(opId: string): boolean {
    return this.core.mayWithdraw(opId);
  }

  /**
   * Takes back an action that was never sent, neither on this connection nor on an earlier one; who waits for it
   * in `act` gets Withdrawn. False: it may have been sent, and goes on. One that an earlier client has left in
   * the store counts as sent.
   */
  withdraw(opId: string): boolean {
    let isWithdrawn = false;
    this.run(() => (isWithdrawn = this.core.withdraw(opId)));
    return isWithdrawn;
  }

  /** Sends any other event, such as `presence`, and gives its answer. Offline, Refused. */
  call<T>(event: string, data: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => reject(new Offline());
      const answered = (answer: unknown): void => {
        const { ok, error } = answer as { ok: boolean; error: Refused["error"] };
        if (ok) resolve(answer as T);
        else reject(new Refused(error));
      };
      this.run(() => {
        if (!this.core.call(event, data, answered, lost)) lost();
      });
    });
  }

  /** Ends the connection. Actions without an answer stay in the store. */
  close(): void {
    this.run(() => this.core.stop());
  }

  private async add(action: StoredAction): Promise<void> {
    if (this.status.state === "stopped") throw new Stopped();
    this.core.enqueue(action);
    try {
      await this.store.put(action);
    } catch (error) {
      this.run(() => this.core.unstored(action.op_id));
      throw error;
    }
    this.run(() => this.core.stored(action.op_id));
  }

  /** Sends the subscriptions of this turn once it is over. */
  private flushSoon(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    queueMicrotask(() => {
      this.isFlushing = false;
      this.run(() => this.core.flush());
    });
  }

  /** Tells the core something, and carries out what it wants. */
  private run(input: () => void): void {
    input();
    for (const effect of this.core.take()) this.carryOut(effect);
  }

  private carryOut(effect: Effect): void {
    switch (effect.do) {
      case "ask_token":
        this.askToken(effect.why);
        break;
      case "connect":
        this.connect(effect.token);
        break;
      case "disconnect":
        this.connection?.close();
        this.connection = null;
        break;
      case "emit":
        this.connection?.emit(effect.event, effect.data, (answer) =>
          this.run(() => this.core.answered(effect.id, answer)),
        );
        break;
      case "fetch":
        void this.fetch(effect.topic, effect.date).then((snapshot) =>
          this.run(() => this.core.fetched(effect.id, snapshot)),
        );
        break;
      case "timer":
        this.setTimer(effect.name, effect.after);
        break;
      case "put":
        // Where this fails the action is sent again by the next client, and refused again.
        this.store.put(effect.action).catch(() => undefined);
        break;
      case "remove":
        // Where this fails the action is sent again by the next client, and answered as a duplicate.
        this.store.remove(effect.op_id).catch(() => undefined);
        break;
      default:
        this.tell(effect);
    }
  }

  private tell(effect: Told): void {
    switch (effect.do) {
      case "changed":
        this.topics.get(effect.topic)?.tellChanges(effect.changes);
        break;
      case "topic_status":
        this.topics.get(effect.topic)?.tellStatus(effect.status);
        break;
      case "status":
        this.statuses.tell(effect.status);
        if (effect.status.state === "stopped") this.stopped();
        break;
      case "action":
        this.actionChanges.tell(effect.action);
        this.tellCaller(effect.action);
        break;
      case "greeted":
        this.greetings.tell(effect.ready);
        void this.adopt();
        break;
      case "closing":
        this.endings.tell(effect.code);
        break;
      case "presence":
        this.presences.tell(effect.presence);
        break;
    }
  }

  private askToken(why: Why): void {
    // The function may also throw at once.
    const asked = new Promise<Token | null>((resolve) => resolve(this.options.token(why)));
    asked.then(
      (token) => this.run(() => (token === null ? this.core.tokenDenied() : this.core.tokenGiven(token))),
      () => this.run(() => this.core.tokenFailed()),
    );
  }

  private connect(token: string): void {
    const { affinity = null, transports = ["websocket", "polling"] } = this.options;
    const { core } = this;
    this.connection = new Connection(
      { url: this.url, token, affinity, transports },
      {
        ready: (ready) => this.run(() => core.ready(ready)),
        refused: (code) => this.run(() => core.refused(code)),
        lost: () => this.run(() => core.lost()),
        closing: (code) => this.run(() => core.closing(code)),
        update: (update) => this.run(() => core.update(update)),
        resync: (topic) => this.run(() => core.resync(topic)),
        presence: (presence) => this.run(() => core.presence(presence)),
      },
    );
  }

  /** A snapshot by HTTP; null where that is not possible now, whatever the reason: the socket will say it. */
  private async fetch(topic: string, date: string | null): Promise<Snapshot | null> {
    const query = date === null ? "" : `?date=${date}`;
    try {
      const answer = await fetch(`${this.url}/api/topics/${encodeURIComponent(topic)}${query}`, {
        headers: credentials(this.core.token),
        signal: AbortSignal.timeout(FETCH_LIMIT * 1000),
      });
      return answer.ok ? ((await answer.json()) as Snapshot) : null;
    } catch {
      return null;
    }
  }

  private setTimer(name: TimerName, after: number | null): void {
    clearTimeout(this.timers.get(name));
    if (after === null) this.timers.delete(name);
    else this.timers.set(name, setTimeout(() => this.run(() => this.core.timer(name)), after * 1000));
  }

  private tellCaller({ action, state, ack, error }: QueuedAction): void {
    const caller = this.callers.get(action.op_id);
    if (caller === undefined || (ack === undefined && error === undefined && state !== "withdrawn")) return;
    this.callers.delete(action.op_id);
    if (ack !== undefined) {
      caller.resolve(ack);
    } else if (error !== undefined) {
      caller.reject(new Refused(error));
      this.dismiss(action.op_id);
    } else {
      caller.reject(new Withdrawn());
    }
  }

  private async adopt(): Promise<void> {
    const adopted = await this.store.adopt?.();
    if (adopted !== undefined) this.run(() => this.core.restore(adopted));
  }

  private stopped(): void {
    globalThis.removeEventListener?.("online", this.online);
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    for (const topic of this.topics.values()) topic.tellStatus(this.status);
    for (const caller of this.callers.values()) caller.reject(new Stopped());
    this.callers.clear();
  }
}

function credentials(token: string | null): Record<string, string> {
  return token === COOKIE ? { "X-Rollcall-Web": "1" } : { Authorization: `Bearer ${token}` };
}

function now(): number {
  return Date.now() / 1000;
}
