/** One connection by the official client, from the attempt to its end. It is never used again. */

import { io, type Socket } from "socket.io-client";
import type { Presence, Ready, Update } from "./wire.js";

/** Who is told what happens. Nothing comes after `refused`, `lost` or `close`. */
export interface ConnectionListener {
  ready(ready: Ready): void;
  refused(code: string): void;
  lost(): void;
  closing(code: string): void;
  update(update: Update): void;
  resync(topic: string): void;
  presence(presence: Presence): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string;
  readonly affinity: string | null;
  readonly transports: readonly ("websocket" | "polling")[];
}

export class Connection {
  private readonly socket: Socket;

  constructor({ url, token, affinity, transports }: ConnectionOptions, listener: ConnectionListener) {
    this.socket = io(url, {
      auth: { token },
      forceNew: true,
      reconnection: false,
      transports: [...transports],
      tryAllTransports: true,
      // The room's id alone: nothing in it can be encoded in two ways, and a proxy compares what it gets.
      ...(affinity === null ? {} : { query: { affinity: affinity.slice(affinity.indexOf(":") + 1) } }),
    });
    this.socket.on("ready", (ready: Ready) => listener.ready(ready));
    this.socket.on("closing", ({ code }: { code: string }) => listener.closing(code));
    this.socket.on("update", (update: Update) => listener.update(update));
    this.socket.on("resync", ({ topic }: { topic: string }) => listener.resync(topic));
    this.socket.on("presence", (presence: Presence) => listener.presence(presence));
    this.socket.on("disconnect", () => {
      this.close();
      listener.lost();
    });
    this.socket.on("connect_error", (error: Error) => {
      // What the server refuses has its error code; what a transport reports has a type.
      const isTransport = "type" in error || error.message === "timeout";
      this.close();
      if (isTransport) listener.lost();
      else listener.refused(error.message);
    });
  }

  emit(event: string, data: unknown, answered: (answer: unknown) => void): void {
    this.socket.emit(event, data, answered);
  }

  close(): void {
    this.socket.off();
    this.socket.disconnect();
  }
}
