/** The connection: when to make one, with which token, and what to do when it ends. */

import type { Give, Why } from "./effects.js";
import { pauseAfter, pauseSpread } from "./pause.js";
import type { Requests } from "./requests.js";
import type { Ready, Token } from "./wire.js";

/** Seconds from the begin of an attempt to the greeting, which may wait while many come back at once. */
const GREETING_LIMIT = 30;

/** Seconds from `closing` to the end of the connection. */
const FAREWELL_LIMIT = 10;

/** Seconds after which a connection counts as a success, so that the next pause is a short one. */
const STEADY = 10;

/** A token is renewed when this share of its time is over, and up to `RENEW_SPREAD` more. */
const RENEW_AT = 0.7;
const RENEW_SPREAD = 0.1;

/** Seconds until a renewal that failed is tried again. */
const RENEW_AGAIN = 10;

/** Ends of a connection that a new token may help against. */
const NEW_TOKEN: readonly string[] = ["expired", "roles_changed", "signed_out", "disabled"] satisfies Why[];

type State = "idle" | "waiting" | "asking" | "connecting" | "open" | "closing" | "stopped";

/** Keeps one connection for one user, until it is stopped. */
export class Link {
  state: State = "idle";
  /** Why it was stopped; null: the application wanted it. */
  stoppedBy: string | null = null;
  /** The newest token. */
  token: string | null = null;
  private isFresh = false;
  private isAsking = false;
  private why: Why = "connect";
  private failures = 0;
  private openedAt = 0;
  private isSpread = false;

  constructor(
    private readonly user: string,
    private readonly give: Give,
    private readonly requests: Requests,
    private readonly random: () => number,
    private readonly now: () => number,
  ) {}

  /** Begin. */
  start(): void {
    if (this.state === "idle") this.connect();
  }

  /** End for good. */
  stop(code: string | null = null): void {
    if (this.state === "stopped") return;
    this.state = "stopped";
    this.stoppedBy = code;
    for (const name of ["connect", "greeting", "farewell", "renew"] as const) this.setTimer(name, null);
    this.give({ do: "disconnect" });
  }

  /** The application has given a token. */
  tokenGiven(token: Token): void {
    this.isAsking = false;
    if (this.state === "stopped") return;
    this.token = token.access_token;
    this.isFresh = true;
    this.setTimer("renew", token.expires_in * (RENEW_AT + RENEW_SPREAD * this.random()));
    if (this.state === "asking") this.connect();
    else if (this.state === "open") this.renew(token.access_token);
  }

  /** The application could not get a token now. */
  tokenFailed(): void {
    this.isAsking = false;
    if (this.state === "asking") this.wait(this.pause());
    else if (this.state === "open") this.renewLater();
  }

  /** The application has no token any more. */
  tokenDenied(): void {
    this.isAsking = false;
    if (this.state === "asking") this.stop(this.why);
  }

  /** The server has greeted the connection. */
  ready(ready: Ready): void {
    if (this.state !== "connecting") return;
    this.setTimer("greeting", null);
    if (ready.user.id !== this.user) {
      this.stop("another_user");
      return;
    }
    this.state = "open";
    this.why = "connect";
    this.openedAt = this.now();
    this.give({ do: "greeted", ready });
    if (!this.isFresh) this.ask("renew");
  }

  /** The server has refused the connection, by this error code. */
  refused(code: string): void {
    if (this.state !== "connecting") return;
    if (code === "unauthenticated") this.wantToken("unauthenticated");
    this.setTimer("greeting", null);
    this.give({ do: "disconnect" });
    this.wait(this.pause());
  }

  /** The server is about to end the connection. */
  closing(code: string): void {
    if (this.state !== "open") return;
    this.state = "closing";
    if (NEW_TOKEN.includes(code)) this.wantToken(code as Why);
    else this.isSpread = true;
    this.setTimer("farewell", FAREWELL_LIMIT);
    this.give({ do: "closing", code });
  }

  /** The connection is gone, or the attempt has failed. */
  lost(): void {
    if (this.state !== "connecting" && this.state !== "open" && this.state !== "closing") return;
    if (this.state !== "connecting" && this.now() - this.openedAt >= STEADY) this.failures = 0;
    this.setTimer("greeting", null);
    this.setTimer("farewell", null);
    this.wait(this.isSpread ? pauseSpread(this.random) : this.pause());
    this.isSpread = false;
  }

  /** The connection is of no use: end it and make another one. */
  drop(): void {
    this.give({ do: "disconnect" });
    this.lost();
  }

  /** The device has a network again: do not wait for longer than needed. */
  online(): void {
    if (this.state === "waiting") this.wait(pauseAfter(0, this.random));
  }

  /** The pause before the next attempt is over. */
  connect(): void {
    if (this.token !== null && this.isFresh) {
      this.state = "connecting";
      this.setTimer("greeting", GREETING_LIMIT);
      this.give({ do: "connect", token: this.token });
    } else {
      this.state = "asking";
      this.ask(this.why);
    }
  }

  /** The token is about to run out. */
  renewDue(): void {
    this.isFresh = false;
    if (this.state === "open") this.ask("renew");
  }

  private renew(token: string): void {
    this.requests.send("renew", { token }, (answer) => {
      if (!(answer as { readonly ok: boolean }).ok) this.renewLater();
    });
  }

  private renewLater(): void {
    this.setTimer("renew", RENEW_AGAIN * (0.5 + this.random()));
  }

  private ask(why: Why): void {
    if (this.isAsking) return;
    this.isAsking = true;
    this.give({ do: "ask_token", why });
  }

  private wantToken(why: Why): void {
    this.isFresh = false;
    this.why = why;
  }

  private pause(): number {
    return pauseAfter(this.failures++, this.random);
  }

  private wait(seconds: number): void {
    this.state = "waiting";
    this.setTimer("connect", seconds);
  }

  private setTimer(name: "connect" | "greeting" | "farewell" | "renew", after: number | null): void {
    this.give({ do: "timer", name, after });
  }
}
