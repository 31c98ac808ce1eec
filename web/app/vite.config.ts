import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

/** The server's own address while `vite` serves the pages for development. */
const SERVER = process.env["ROLLCALL_URL"] ?? "http://127.0.0.1:8000";

const WORKER = "service-worker.js";

/** Tells the service worker which files there are, each with a revision where its name has none. */
function filesForTheWorker(): Plugin {
  return {
    name: "files-for-the-worker",
    enforce: "post",
    generateBundle(_, bundle) {
      const worker = bundle[WORKER];
      if (worker?.type !== "chunk") throw new Error(`the build has no ${WORKER}`);
      const files = Object.values(bundle)
        .filter((file) => file !== worker)
        .map((file) => ({ url: addressOf(file.fileName), revision: revision(file.type === "chunk" ? file.code : file.source) }));
      files.push({ url: "/favicon.svg", revision: revision(readFileSync("public/favicon.svg")) });
      worker.code = worker.code.replace("__FILES__", JSON.stringify(files));
    },
  };
}

/** Every page is the same file. */
function addressOf(file: string): string {
  return file === "index.html" ? "/" : `/${file}`;
}

function revision(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

export default defineConfig({
  plugins: [preact(), filesForTheWorker()],
  build: {
    outDir: "../../app/static/web",
    emptyOutDir: true,
    // An inline module would need an exception in the Content-Security-Policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    target: "es2022",
    rollupOptions: {
      input: { main: "index.html", "service-worker": "src/service_worker.ts" },
      output: {
        entryFileNames: (chunk) => (chunk.name === "service-worker" ? WORKER : "assets/[name]-[hash].js"),
      },
    },
  },
  server: {
    proxy: { "/api": SERVER, "/socket.io": { target: SERVER, ws: true } },
  },
});
