// Node's socket.io in its production settings: `node server.js PORT [REDIS_URL]`, with NODE_ENV=production.
// With a Redis, it is one of the servers that hear each other through it.
// It knows no sign-in, no rules and no journal.

"use strict";

const { createServer } = require("node:http");
const { createClient } = require("@redis/client");
const { createAdapter } = require("@socket.io/redis-adapter");
const { Server } = require("socket.io");

const [port, redisUrl] = process.argv.slice(2);

const http = createServer();
const io = new Server(http, { perMessageDeflate: false, serveClient: false, transports: ["websocket"] });

io.on("connection", (socket) => {
  socket.on("subscribe", (request, answer) => {
    for (const wanted of request.topics) socket.join(wanted.topic);
    answer({ ok: true });
  });
  socket.on("action", (update, answer) => {
    io.to(update.topic).emit("update", update);
    answer({ ok: true });
  });
});

async function listen() {
  if (redisUrl) {
    const publishing = createClient({ url: redisUrl });
    const subscribed = publishing.duplicate();
    await Promise.all([publishing.connect(), subscribed.connect()]);
    io.adapter(createAdapter(publishing, subscribed));
  }
  http.listen(Number(port), "127.0.0.1", () => console.log("listening"));
}

listen();
