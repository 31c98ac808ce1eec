/**
 * Who is signed in. The tokens lie in cookies that scripts cannot read; here are only the user, kept so that the
 * pages open without a network, and until when the access token is good.
 */

import { signal } from "@preact/signals";
import { COOKIE, type SignedInUser, type Token, type Why } from "rollcall-client";

import { Rejected, request } from "./api";
import { inTurn } from "./turns";

const USER_KEY = "rollcall.user";
const GOOD_UNTIL_KEY = "rollcall.good_until";

/** There while a session that was left has not been ended on the server. */
export const LEAVING_KEY = "rollcall.leaving";

/** Seconds that a token must still be good for, or it is renewed. */
const TOO_SHORT = 300;

interface Grant {
  readonly user: SignedInUser;
  readonly expires_in: number;
}

/** The signed-in user; null: nobody. */
export const user = signal<SignedInUser | null>(kept());

// Tabs share the cookies, so they share who is signed in.
window.addEventListener("storage", ({ key }) => {
  if (key === USER_KEY) user.value = kept();
});

/** Begins a session. Rejected, Unreachable. */
export async function signIn(email: string, password: string): Promise<void> {
  await leaving;
  const grant = await alone(() => request<Grant>("POST", "/api/web/sign-in", { email, password }));
  // It has ended the session that the cookies held before.
  localStorage.removeItem(LEAVING_KEY);
  take(grant);
}

/** Ends the session here at once, and on the server as soon as that can be reached. */
export async function endSession(): Promise<void> {
  keep(null);
  localStorage.setItem(LEAVING_KEY, "1");
  await leave();
}

let leaving: Promise<void> | null = null;

/** Ends on the server what was left here, if there is any. */
function leave(): Promise<void> {
  if (localStorage.getItem(LEAVING_KEY) === null) return Promise.resolve();
  leaving ??= alone(() => request("POST", "/api/web/sign-out", {}))
    .then(() => localStorage.removeItem(LEAVING_KEY))
    // Out of reach: it is tried again, and nothing here shows or sends anything of it.
    .catch(() => undefined)
    .finally(() => (leaving = null));
  return leaving;
}

/** Tries again what could not be ended before. */
export function keepLeaving(): void {
  addEventListener("online", () => void leave());
  void leave();
}

/** The refresh under way: its cookie is good once, so whoever needs an access token waits for the same. */
let refreshing: Promise<Token> | null = null;

/** An access token in its cookie; null: the session has ended. Rejected promise: ask again later. */
export async function renewed(why: Why): Promise<Token | null> {
  const left = secondsLeft(goodUntil());
  if ((why === "connect" || why === "renew") && left > TOO_SHORT) return { access_token: COOKIE, expires_in: left };
  refreshing ??= refresh(goodUntil()).finally(() => (refreshing = null));
  try {
    return await refreshing;
  } catch (error) {
    if (!(error instanceof Rejected) || error.status !== 401) throw error;
    keep(null);
    return null;
  }
}

/** `before`: until when the token is good that is not good enough. */
function refresh(before: number): Promise<Token> {
  return alone(async () => {
    const now = goodUntil();
    // Another tab may have renewed it while this one waited.
    if (now !== before && secondsLeft(now) > 0) return { access_token: COOKIE, expires_in: secondsLeft(now) };
    const grant = await request<Grant>("POST", "/api/web/refresh", {});
    // Who has left meanwhile does not come back; the session is ended in the next turn.
    if (user.peek() !== null) take(grant);
    return { access_token: COOKIE, expires_in: grant.expires_in };
  });
}

/** Does something while no other tab does. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  // There are no locks on pages by plain http from other machines.
  return navigator.locks === undefined ? inTurn(work) : navigator.locks.request("rollcall.refresh", work);
}

/** In seconds by the device's clock. */
function goodUntil(): number {
  return Number(localStorage.getItem(GOOD_UNTIL_KEY));
}

function secondsLeft(until: number): number {
  return until - Date.now() / 1000;
}

function take(grant: Grant): void {
  localStorage.setItem(GOOD_UNTIL_KEY, String(Date.now() / 1000 + grant.expires_in));
  keep(grant.user);
}

/** The user has another name from now on. */
export function renamed(name: string): void {
  if (user.value !== null) keep({ ...user.value, name });
}

function keep(signedIn: SignedInUser | null): void {
  if (signedIn === null) localStorage.removeItem(USER_KEY);
  else localStorage.setItem(USER_KEY, JSON.stringify(signedIn));
  user.value = signedIn;
}

function kept(): SignedInUser | null {
  try {
    return JSON.parse(localStorage.getItem(USER_KEY) ?? "null") as SignedInUser | null;
  } catch {
    return null;
  }
}
