/** Signing in with an e-mail address and a password, and staying signed in. */

import type { Why } from "./effects.js";
import { Refused } from "./errors.js";
import type { Role, Token, WireError } from "./wire.js";

/** A token with less time than this, in seconds, is not worth connecting with. */
const TOO_SHORT = 60;

/** Seconds. */
const LIMIT = 20;

export interface SignedInUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly roles: readonly Role[];
}

interface SignedIn extends Token {
  readonly refresh_token: string;
  readonly user: SignedInUser;
}

/** Who has signed in. Its refresh token is in memory only: a new page signs in again. */
export class Session {
  private gotAt = Date.now();
  private refreshing: Promise<Token | null> | null = null;

  constructor(
    private readonly url: string,
    private signedIn: SignedIn,
  ) {}

  get user(): SignedInUser {
    return this.signedIn.user;
  }

  /** The `token` function of a client. Null: the session has ended. Rejected: try again later. */
  readonly token = (why: Why): Promise<Token | null> => {
    const left = this.signedIn.expires_in - (Date.now() - this.gotAt) / 1000;
    if (why === "connect" && left > TOO_SHORT) {
      return Promise.resolve({ access_token: this.signedIn.access_token, expires_in: left });
    }
    // One at a time: a refresh token that is used twice ends the session.
    this.refreshing ??= this.refresh().finally(() => (this.refreshing = null));
    return this.refreshing;
  };

  private async refresh(): Promise<Token | null> {
    try {
      const { refresh_token } = this.signedIn;
      this.signedIn = await post<SignedIn>(`${this.url}/api/users/refresh`, { refresh_token });
    } catch (error) {
      if (error instanceof Refused && error.code === "unauthenticated") return null;
      throw error;
    }
    this.gotAt = Date.now();
    return this.signedIn;
  }
}

/** Signs in. Refused (`unauthenticated`, `rate_limited`, …); other errors where the server is not reached. */
export async function signIn(url: string, email: string, password: string): Promise<Session> {
  return new Session(url, await post<SignedIn>(`${url}/api/users/authenticate`, { email, password }));
}

async function post<T>(url: string, body: unknown): Promise<T> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(LIMIT * 1000),
  });
  const content = (await answer.json()) as T | { readonly error: WireError };
  if (!answer.ok) throw new Refused((content as { readonly error: WireError }).error);
  return content as T;
}
