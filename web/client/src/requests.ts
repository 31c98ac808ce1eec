/** What was asked of the server and has no answer yet. */

import type { Give } from "./effects.js";

/**
 * Seconds without an answer after which a connection counts as broken; it may take twice as long to be
 * noticed. The server's own limits are shorter, so an answer that takes longer is lost.
 */
const ANSWER_LIMIT = 30;

type Answered = (answer: unknown) => void;

/** Numbers requests, and hands each answer to who asked. */
export class Requests {
  private readonly waiting = new Map<number, Answered>();
  private readonly lostCalls = new Map<number, () => void>();
  private last = 0;
  /** The newest request when the timer was set. */
  private mark: number | null = null;

  constructor(private readonly give: Give) {}

  /** Sends an event. Exactly one of `answered` and `lost` is called. */
  send(event: string, data: unknown, answered: Answered, lost?: () => void): number {
    const id = this.expect(answered);
    if (lost !== undefined) this.lostCalls.set(id, lost);
    this.give({ do: "emit", id, event, data });
    return id;
  }

  /** Gets a snapshot by HTTP; `answered` gets null where that was not possible. */
  fetch(topic: string, date: string | null, answered: Answered): number {
    const id = this.expect(answered);
    this.give({ do: "fetch", id, topic, date });
    return id;
  }

  /** The answer to a request has come. One that nobody waits for any more is ignored. */
  answered(id: number, answer: unknown): void {
    const call = this.waiting.get(id);
    if (call === undefined) return;
    this.forget(id);
    call(answer);
  }

  /** The connection is gone, and with it every answer. */
  lost(): void {
    const calls = [...this.lostCalls.values()];
    this.waiting.clear();
    this.lostCalls.clear();
    this.stopTimer();
    for (const call of calls) call();
  }

  /** The timer has run down. True: an answer is overdue. */
  isOverdue(): boolean {
    const [oldest] = this.waiting.keys();
    if (oldest === undefined) {
      this.mark = null;
      return false;
    }
    if (this.mark !== null && oldest <= this.mark) return true;
    this.startTimer();
    return false;
  }

  private expect(answered: Answered): number {
    const id = ++this.last;
    this.waiting.set(id, answered);
    if (this.mark === null) this.startTimer();
    return id;
  }

  private forget(id: number): void {
    this.waiting.delete(id);
    this.lostCalls.delete(id);
  }

  private startTimer(): void {
    this.mark = this.last;
    this.give({ do: "timer", name: "answers", after: ANSWER_LIMIT });
  }

  private stopTimer(): void {
    if (this.mark !== null) this.give({ do: "timer", name: "answers", after: null });
    this.mark = null;
  }
}
