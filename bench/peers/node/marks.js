// One durable MongoDB write for each mark, on Node's socket.io: `node marks.js PORT MONGODB_URL`, with
// NODE_ENV=production. It knows no sign-in, rules, figures, journal, or protection against a second sending.

"use strict";

const { createServer } = require("node:http");
const { MongoClient } = require("mongodb");
const { Server } = require("socket.io");

const [port, mongoUrl] = process.argv.slice(2);

const http = createServer();
const io = new Server(http, { perMessageDeflate: false, serveClient: false, transports: ["websocket"] });
const marks = new MongoClient(mongoUrl).db().collection("marks", {
  writeConcern: { w: "majority", journal: true },
});

io.on("connection", (socket) => {
  socket.on("subscribe", (request, answer) => {
    for (const wanted of request.topics) socket.join(wanted.topic);
    answer({ ok: true });
  });
  socket.on("action", async ({ type, op_id, payload }, answer) => {
    const { class_id, date, period, student_id } = payload;
    const _id = [class_id, date, period, student_id].join("/");
    await marks.replaceOne({ _id }, { _id, ...payload }, { upsert: true });
    const topic = `school:${class_id.split("-")[0]}`;
    io.to(topic).emit("update", { topic, type, data: payload, op_id });
    answer({ ok: true, op_id, data: payload });
  });
});

http.listen(Number(port), "127.0.0.1", () => console.log("listening"));
