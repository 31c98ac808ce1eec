// A page from elsewhere, on the same host: the browser sends the cookies with what it asks for.
const target = new URLSearchParams(location.search).get("target");
const tell = (what, data) => fetch("/told", { method: "POST", body: JSON.stringify([what, data]) });

async function outcome(path, options) {
  try {
    const answer = await fetch(target + path, { credentials: "include", ...options });
    return answer.type;
  } catch {
    return "refused";
  }
}

const plain = { method: "POST", mode: "no-cors", body: "{}" };
await tell("sign-out", await outcome("/api/web/sign-out", plain));
await tell("refresh", await outcome("/api/web/refresh", plain));
await tell("logout", await outcome("/api/users/logout", plain));
await tell("read", await outcome("/api/users/me", {}));
const headers = { "X-Rollcall-Web": "1" };
await tell("with the header", await outcome("/api/web/sign-out", { method: "POST", headers }));
await tell("polling", await outcome("/socket.io/?EIO=4&transport=polling", { mode: "no-cors" }));
const socket = new WebSocket(`${target.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
await new Promise((done) => {
  socket.onopen = () => tell("websocket", "open").then(done);
  socket.onerror = () => tell("websocket", "refused").then(done);
});
await tell("done", null);
