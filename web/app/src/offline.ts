/** The service worker: the pages open without a network. */

import { LEAVING_KEY } from "./session";

/** Registers the worker where the browser has any. */
export async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  try {
    await navigator.serviceWorker.register("/service-worker.js");
  } catch {
    // Private windows and pages without https have none; the pages then need the network.
  }
}

/** Removes the answers that the worker has kept, and those that are on their way. */
export async function forgetAnswers(): Promise<void> {
  if ("serviceWorker" in navigator) navigator.serviceWorker.controller?.postMessage("forget");
  // Pages by plain http from other machines have no caches.
  const names = "caches" in window ? await caches.keys() : [];
  await Promise.all(names.filter((name) => name.startsWith("rollcall-data")).map((name) => caches.delete(name)));
}

/** What is no trace of anybody. */
const STAYS = ["rollcall.language", "rollcall.theme", LEAVING_KEY];

/** Removes what the pages have kept on this device, but for the choice of language and theme. */
export async function forgetEverything(): Promise<void> {
  await forgetAnswers();
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("rollcall.") && !STAYS.includes(key)) localStorage.removeItem(key);
  }
}
