/** All topics of a client: asking for them, and what comes of them. */

import type { Change, Give, Status } from "./effects.js";
import { pauseAfter } from "./pause.js";
import type { Requests } from "./requests.js";
import { TopicRecords } from "./topic_records.js";
import { isRetryable, type Answer, type Reply, type Snapshot, type Update, type WireError } from "./wire.js";

/** The server takes so many topics in one `subscribe`. */
const TOPICS_PER_SUBSCRIBE = 200;

/** The error of topics that an answer had no more room for; the first one of a request always has. */
const FULL = "too_large";

/** Seconds to wait where an error that may go away does not say how long. */
const RETRY_AFTER = 1;

/** How a topic is subscribed to. */
export interface TopicOptions {
  /** The day of a snapshot, `YYYY-MM-DD`; null: today in the school's time zone. */
  readonly date: string | null;
  /** Whether snapshots come by HTTP, compressed: for large ones. */
  readonly fetch: boolean;
}

/** A topic that the application wants. */
class Wanted {
  readonly records: TopicRecords;
  /** To be asked for when the turn is over. */
  isDue = false;
  /** The request that will tell about it. */
  asked: number | null = null;
  askedForTail = false;
  isWaiting = false;
  fetchFailed = false;
  error: WireError | null = null;
  told: Status | null = null;

  constructor(
    readonly name: string,
    readonly fetch: boolean,
    date: string | null,
  ) {
    this.records = new TopicRecords(date);
  }

  get state(): "catching_up" | "live" | "refused" {
    if (this.error !== null) return "refused";
    return this.asked === null && !this.isWaiting && !this.isDue ? "live" : "catching_up";
  }
}

/**
 * Keeps every topic current while there is a connection. A reply is taken only if it is the one to the newest
 * request about its topic.
 */
export class Topics {
  private readonly wanted = new Map<string, Wanted>();
  private isOpen = false;
  private failures = 0;

  constructor(
    private readonly give: Give,
    private readonly requests: Requests,
    private readonly random: () => number,
    private readonly now: () => number,
  ) {}

  /** The topic's records; null where it was not subscribed to. */
  records(name: string): TopicRecords | null {
    return this.wanted.get(name)?.records ?? null;
  }

  /** Whether every topic shows what the server has, as far as it gives access. */
  get areLive(): boolean {
    return [...this.wanted.values()].every((topic) => topic.state !== "catching_up");
  }

  /**
   * Subscribes to a topic, once `flush` is called. One that is subscribed to already changes its day, if it is
   * another one.
   */
  subscribe(name: string, options: TopicOptions): void {
    let topic = this.wanted.get(name);
    if (topic === undefined) {
      topic = new Wanted(name, options.fetch, options.date);
      this.wanted.set(name, topic);
    } else if (topic.records.date !== options.date) {
      topic.records.date = options.date;
      topic.records.forget();
    } else {
      return;
    }
    if (this.isOpen) {
      topic.isDue = true;
      topic.asked = null;
      topic.isWaiting = false;
      topic.error = null;
    }
    this.tellStatus(topic);
  }

  /** Sends the subscriptions of this turn, together. */
  flush(): void {
    this.ask([...this.wanted.values()].filter((topic) => topic.isDue));
  }

  /** Ends a subscription; its records are forgotten. */
  unsubscribe(name: string): void {
    const topic = this.wanted.get(name);
    if (topic === undefined) return;
    topic.asked = null;
    this.wanted.delete(name);
    if (this.isOpen) {
      this.requests.send("unsubscribe", { topics: [name] }, () => undefined);
    }
  }

  /** There is a connection: ask for what is missing in every topic. */
  opened(): void {
    this.isOpen = true;
    this.ask([...this.wanted.values()]);
  }

  /** The connection is gone. */
  lost(): void {
    this.isOpen = false;
    this.give({ do: "timer", name: "topics", after: null });
    for (const topic of this.wanted.values()) {
      topic.isDue = false;
      topic.asked = null;
      topic.isWaiting = false;
      this.tellStatus(topic);
    }
  }

  /** The server has pushed an update. */
  update(update: Update): void {
    const topic = this.wanted.get(update.topic);
    if (topic === undefined) return;
    const changes = topic.records.push(update);
    if (changes !== null) this.tellChanges(topic, changes);
    else if (topic.state === "live") this.ask([topic]);
  }

  /** The server has left entries out: what follows does not follow on what is here. */
  resync(name: string): void {
    const topic = this.wanted.get(name);
    if (topic === undefined) return;
    topic.records.forget();
    if (topic.state === "live" || (topic.asked !== null && topic.askedForTail)) this.ask([topic]);
  }

  /** The pause after a failure is over. */
  again(): void {
    this.ask([...this.wanted.values()].filter((topic) => topic.isWaiting));
  }

  private ask(topics: readonly Wanted[]): void {
    const direct: Wanted[] = [];
    for (const topic of topics) {
      topic.isDue = false;
      topic.isWaiting = false;
      topic.error = null;
      if (topic.fetch && topic.records.position === null && !topic.fetchFailed) this.fetch(topic);
      else direct.push(topic);
    }
    for (let first = 0; first < direct.length; first += TOPICS_PER_SUBSCRIBE) {
      this.subscribeTo(direct.slice(first, first + TOPICS_PER_SUBSCRIBE));
    }
    for (const topic of topics) this.tellStatus(topic);
  }

  private fetch(topic: Wanted): void {
    topic.askedForTail = false;
    const id = this.requests.fetch(topic.name, topic.records.date, (answer) => {
      if (topic.asked !== id) return;
      if (answer === null) topic.fetchFailed = true;
      else this.tellChanges(topic, topic.records.replace(answer as Snapshot));
      this.ask([topic]);
    });
    topic.asked = id;
  }

  private subscribeTo(topics: readonly Wanted[]): void {
    const wanted = topics.map(({ name, records }) => ({
      topic: name,
      ...(records.position === null ? {} : { since: records.position }),
      ...(records.date === null ? {} : { date: records.date }),
    }));
    const id = this.requests.send("subscribe", { topics: wanted }, (answer) => {
      const replies = answer as Answer<{ topics: readonly Reply[] }>;
      const left: Wanted[] = [];
      topics.forEach((topic, n) => {
        if (topic.asked !== id) return;
        topic.asked = null;
        const reply = replies.ok ? replies.topics[n] : replies;
        if (n > 0 && reply !== undefined && "error" in reply && reply.error.code === FULL) {
          left.push(topic);
          return;
        }
        if (reply !== undefined) this.take(topic, reply);
        this.tellStatus(topic);
      });
      this.ask(left);
    });
    for (const topic of topics) {
      topic.asked = id;
      topic.askedForTail = topic.records.position !== null;
    }
  }

  private take(topic: Wanted, reply: Reply | { readonly error: WireError }): void {
    if ("error" in reply) {
      this.fail(topic, reply.error);
      return;
    }
    this.failures = 0;
    topic.fetchFailed = false;
    if (reply.mode === "snapshot") {
      this.tellChanges(topic, topic.records.replace(reply));
      return;
    }
    const { changes, fits } = topic.records.tail(reply.position, reply.entries);
    this.tellChanges(topic, changes);
    if (!fits) {
      topic.records.forget();
      this.ask([topic]);
    }
  }

  private fail(topic: Wanted, error: WireError): void {
    if (!isRetryable(error)) {
      topic.error = error;
      this.tellChanges(topic, topic.records.clear());
      return;
    }
    const isFirst = ![...this.wanted.values()].some((other) => other.isWaiting);
    topic.isWaiting = true;
    if (!isFirst) return;
    const after = (error.retry_after ?? RETRY_AFTER) + pauseAfter(this.failures++, this.random);
    this.give({ do: "timer", name: "topics", after });
  }

  private tellChanges(topic: Wanted, changes: readonly Change[]): void {
    if (changes.length > 0) this.give({ do: "changed", topic: topic.name, changes });
  }

  private tellStatus(topic: Wanted): void {
    const state = this.isOpen ? topic.state : "offline";
    const error = topic.error;
    if (topic.told?.state === state && (topic.told.error ?? null) === error) return;
    topic.told = { state, since: this.now(), ...(error === null ? {} : { error }) };
    this.give({ do: "topic_status", topic: topic.name, status: topic.told });
  }
}
