// Node's socket.io in its production settings: `node server.js PORT`, with NODE_ENV=production.
// It knows no sign-in, no rules and no journal.

"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

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

http.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
