/** The rules of a client, without input and output: what happens goes in, what is to be done comes out. */

import type { Effect, QueuedAction, Status, StoredAction, TimerName } from "./effects.js";
import { Link } from "./link.js";
import { Outgoing } from "./outgoing.js";
import { Requests } from "./requests.js";
import type { TopicRecords } from "./topic_records.js";
import { Topics, type TopicOptions } from "./topics.js";
import type { Presence, Ready, Token, Update } from "./wire.js";

/** What the core takes from outside. */
export interface CoreOptions {
  /** The id of the user who acts. A token of somebody else stops the client. */
  readonly user: string;
  /** Numbers from 0 to 1. */
  readonly random: () => number;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/**
 * Call what has happened, then carry out what `take` gives, in its order. The Python client has the same
 * core, and both pass the scenarios in tests/client/scenarios.json.
 */
export class Core {
  status: Status;
  private effects: Effect[] = [];
  private readonly requests: Requests;
  private readonly topics: Topics;
  private readonly outgoing: Outgoing;
  private readonly link: Link;
  private readonly now: () => number;

  constructor({ user, random, now }: CoreOptions) {
    const give = (effect: Effect): void => {
      this.effects.push(effect);
    };
    this.now = now;
    this.requests = new Requests(give);
    this.topics = new Topics(give, this.requests, random, now);
    this.outgoing = new Outgoing(give, this.requests, random);
    this.link = new Link(user, give, this.requests, random, now);
    this.status = { state: "offline", since: now() };
  }

  /** What is to be done since the last call. */
  take(): Effect[] {
    this.updateStatus();
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  /** The newest token; null before there is one. */
  get token(): string | null {
    return this.link.token;
  }

  /** What is on its way or was refused, in the order of queueing. */
  get actions(): QueuedAction[] {
    return this.outgoing.actions;
  }

  /** A topic's records; null where it was not subscribed to. */
  records(topic: string): TopicRecords | null {
    return this.topics.records(topic);
  }

  // What the application does

  start(): void {
    this.link.start();
  }

  stop(): void {
    this.whileLinkChanges(() => this.link.stop());
  }

  tokenGiven(token: Token): void {
    this.link.tokenGiven(token);
  }

  tokenFailed(): void {
    this.link.tokenFailed();
  }

  tokenDenied(): void {
    this.link.tokenDenied();
  }

  /** Keeps a topic current from now on; the server is asked for it by `flush`. */
  subscribe(topic: string, options: TopicOptions): void {
    this.topics.subscribe(topic, options);
  }

  /** The turn is over in which something was subscribed to. */
  flush(): void {
    this.topics.flush();
  }

  unsubscribe(topic: string): void {
    this.topics.unsubscribe(topic);
  }

  /** Gives an action its place in the queue; then `stored` or `unstored`. QueueError. */
  enqueue(action: StoredAction): void {
    this.outgoing.enqueue(action);
  }

  dismiss(op_id: string): void {
    this.outgoing.dismiss(op_id);
  }

  /** Whether `withdraw` would take the action back. */
  mayWithdraw(op_id: string): boolean {
    return this.outgoing.mayWithdraw(op_id);
  }

  /** Takes back an action that was never sent; false: it may have been. */
  withdraw(op_id: string): boolean {
    return this.outgoing.withdraw(op_id);
  }

  /** Sends any other event; false: there is no connection. Exactly one of the functions is called. */
  call(event: string, data: unknown, answered: (answer: unknown) => void, lost: () => void): boolean {
    if (this.link.state !== "open") return false;
    this.requests.send(event, data, answered, lost);
    return true;
  }

  // What the store does

  restore(actions: readonly StoredAction[]): void {
    this.outgoing.restore(actions);
  }

  stored(op_id: string): void {
    this.outgoing.stored(op_id);
  }

  unstored(op_id: string): void {
    this.outgoing.unstored(op_id);
  }

  // What the connection does

  ready(ready: Ready): void {
    this.whileLinkChanges(() => this.link.ready(ready));
  }

  refused(code: string): void {
    this.link.refused(code);
  }

  closing(code: string): void {
    this.link.closing(code);
    if (this.link.state === "closing") this.outgoing.closing();
  }

  lost(): void {
    this.whileLinkChanges(() => this.link.lost());
  }

  online(): void {
    this.link.online();
  }

  answered(id: number, answer: unknown): void {
    this.requests.answered(id, answer);
  }

  fetched(id: number, snapshot: unknown): void {
    this.requests.answered(id, snapshot);
  }

  update(update: Update): void {
    this.topics.update(update);
  }

  resync(topic: string): void {
    this.topics.resync(topic);
  }

  presence(presence: Presence): void {
    this.effects.push({ do: "presence", presence });
  }

  /** A timer has run down. */
  timer(name: TimerName): void {
    switch (name) {
      case "connect":
        this.link.connect();
        break;
      case "greeting":
      case "farewell":
        this.whileLinkChanges(() => this.link.drop());
        break;
      case "renew":
        this.link.renewDue();
        break;
      case "answers":
        if (this.requests.isOverdue()) this.whileLinkChanges(() => this.link.drop());
        break;
      case "topics":
        this.topics.again();
        break;
      case "actions":
        this.outgoing.again();
        break;
    }
  }

  /** Topics and queue follow the connection, whatever it does. */
  private whileLinkChanges(change: () => void): void {
    const before = this.isConnected;
    change();
    const after = this.isConnected;
    if (before && !after) {
      this.requests.lost();
      this.topics.lost();
      this.outgoing.lost();
    } else if (!before && after) {
      this.topics.opened();
      this.outgoing.opened();
    }
  }

  private get isConnected(): boolean {
    return this.link.state === "open" || this.link.state === "closing";
  }

  private updateStatus(): void {
    const state = this.currentState();
    if (state === this.status.state) return;
    this.status = { state, since: this.now(), ...(state === "stopped" ? { code: this.link.stoppedBy } : {}) };
    this.effects.push({ do: "status", status: this.status });
  }

  private currentState(): Status["state"] {
    if (this.link.state === "stopped") return "stopped";
    if (!this.isConnected) return "offline";
    return this.topics.areLive ? "live" : "catching_up";
  }
}
