// A page of the server: signs in, looks, acts on the socket, refreshes, renews, and then lets the other page try.
import { io } from "/assets/socket.io.js";

const parameters = new URLSearchParams(location.search);
const tell = (what, data) => fetch("/told", { method: "POST", body: JSON.stringify([what, data]) });

async function ask(method, path, body) {
  const headers = { "X-Rollcall-Web": "1", ...(body ? { "Content-Type": "application/json" } : {}) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

function connected(transports) {
  return new Promise((resolve, reject) => {
    const socket = io({ auth: { token: "cookie" }, transports, forceNew: true });
    socket.on("ready", (ready) => resolve([socket, ready.user.id]));
    socket.on("connect_error", (error) => reject(new Error(`${error.message}: ${JSON.stringify(error.data)}`)));
  });
}

try {
  const account = { email: parameters.get("email"), password: parameters.get("password") };
  const signedIn = await ask("POST", "/api/web/sign-in", account);
  await tell("signed in", { status: signedIn.status, scripts: document.cookie });
  await tell("me", (await ask("GET", "/api/users/me")).body.id);
  for (const transports of [["websocket"], ["polling"]]) {
    const [socket, id] = await connected(transports);
    await tell(transports[0], id);
    await tell("not refreshed", (await socket.emitWithAck("renew", { token: "cookie" })).ok);
    socket.disconnect();
  }
  await tell("refreshed", (await ask("POST", "/api/web/refresh")).status);
  await tell("done", null);
  location = parameters.get("next");
} catch (error) {
  await tell("error", String(error));
}
