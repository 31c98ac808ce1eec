/** What can go wrong for the application. */

import type { WireError } from "./wire.js";

/** The server has refused something; `error` says what and why. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(readonly error: WireError) {
    super(error.message);
  }

  get code(): string {
    return this.error.code;
  }
}

/** An action cannot be queued; the message says why. */
export class QueueError extends Error {
  override readonly name = "QueueError";
}

/** The application has taken the action back before it was sent. */
export class Withdrawn extends Error {
  override readonly name = "Withdrawn";

  constructor() {
    super("The action was withdrawn.");
  }
}

/** There is no connection now. */
export class Offline extends Error {
  override readonly name = "Offline";

  constructor() {
    super("There is no connection.");
  }
}

/** The client has stopped. What its store keeps goes out with the next client. */
export class Stopped extends Error {
  override readonly name = "Stopped";

  constructor() {
    super("The client has stopped.");
  }
}
