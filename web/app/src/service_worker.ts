/**
 * The service worker: keeps the files of the pages, so that they open without a network, and the last answers to
 * what they read, so that they show something then. What changes goes to the server or waits in the queue; the
 * worker never answers a write.
 */

import { ExpirationPlugin } from "workbox-expiration";
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute, type PrecacheEntry } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";
import { NetworkFirst } from "workbox-strategies";

declare const self: ServiceWorkerGlobalScope;
declare const __FILES__: PrecacheEntry[];

/** Seconds until what was kept is shown in the place of an answer. */
const PATIENCE = 3;

/** Answers, and how long each is kept: a screen on the wall asks for another day every day. */
const KEPT = 200;
const KEPT_SECONDS = 7 * 24 * 3600;

const expiration = new ExpirationPlugin({ maxEntries: KEPT, maxAgeSeconds: KEPT_SECONDS });

/** How often everything was forgotten: an answer that was asked for before is not kept. */
let forgotten = 0;

precacheAndRoute(__FILES__);
cleanupOutdatedCaches();
registerRoute(new NavigationRoute(createHandlerBoundToURL("/"), { denylist: [/^\/api\//, /^\/healthz$/, /^\/readyz$/] }));
registerRoute(
  ({ url }) => /^\/api\/(schools|classes|topics|students)\b/.test(url.pathname),
  new NetworkFirst({
    cacheName: "rollcall-data",
    networkTimeoutSeconds: PATIENCE,
    plugins: [
      expiration,
      {
        requestWillFetch: async ({ request, state }) => {
          if (state !== undefined) state["forgotten"] = forgotten;
          return request;
        },
        cacheWillUpdate: async ({ response, state }) =>
          response.status === 200 && state?.["forgotten"] === forgotten ? response : null,
      },
    ],
  }),
);

self.addEventListener("message", (event) => {
  // The same word as in offline.ts; a module for both would be a file that the worker cannot import.
  if (event.data !== "forget") return;
  forgotten += 1;
  event.waitUntil(expiration.deleteCacheAndMetadata());
});
self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
