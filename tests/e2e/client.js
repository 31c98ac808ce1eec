// Clients of the official JavaScript library, driven by lines of JSON: one command each on standard input, and on
// standard output what happens, in the order in which it happens.
//
//   {client, do: "connect", url, token, transports, hold, headers}
//                                                     makes the client, which gives its token at each connection
//   {client, do: "upgrade"}                           goes from polling to WebSocket, if that was put on hold
//   {client, do: "token", token}                      the token of the next connection
//   {client, do: "reconnect"}                         connects again after the server has ended the connection
//   {client, do: "emit", id, event, data}             answered by {client, ack: id, data}
//   {client, do: "disconnect"}
//
// Everything else that happens to a client is {client, event, data}.
"use strict";

const { createInterface } = require("node:readline");
const { io } = require("socket.io-client");

const tokens = new Map();
const sockets = new Map();

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const commands = {
  connect({ client, url, token, transports, hold, headers }) {
    tokens.set(client, token);
    const socket = io(url, {
      auth: (done) => done({ token: tokens.get(client) }),
      transports,
      extraHeaders: headers,
      forceNew: true,
      reconnectionDelay: 10,
    });
    sockets.set(client, socket);
    const happened = (event) => (data) => tell({ client, event, data });
    socket.io.on("open", () => {
      const { engine } = socket.io;
      happened("open")(engine.transport.name);
      engine.on("upgrade", (transport) => happened("upgrade")(transport.name));
      if (hold) engine.opts.upgrade = false;
    });
    socket.on("connect_error", (error) => happened("connect_error")(error.message));
    socket.on("disconnect", happened("disconnect"));
    socket.onAny((event, data) => tell({ client, event, data }));
  },

  upgrade({ client }) {
    const { engine } = sockets.get(client).io;
    engine._upgrades.forEach((transport) => engine._probe(transport)); // what it does by itself when it is open
  },

  token({ client, token }) {
    tokens.set(client, token);
  },

  reconnect({ client }) {
    sockets.get(client).connect();
  },

  emit({ client, id, event, data }) {
    sockets.get(client).emit(event, data, (answer) => tell({ client, ack: id, data: answer }));
  },

  disconnect({ client }) {
    sockets.get(client).disconnect();
  },
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
});
lines.on("close", () => sockets.forEach((socket) => socket.disconnect()));
