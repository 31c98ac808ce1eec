/** The light that says how current a page is: in words, with a shape of its own for each state. */

import type { Status } from "rollcall-client";

import { t, timeOf } from "../messages";
import { byServer } from "../server_time";

const SHAPES = { live: "●", catching_up: "◐", offline: "○", refused: "×", stopped: "×" } as const;

export function Freshness({ status }: { readonly status: Status }) {
  return (
    <span class={`freshness ${status.state}`} role="status">
      <span aria-hidden="true">{SHAPES[status.state]}</span> {words(status)}
    </span>
  );
}

function words({ state, since }: Status): string {
  switch (state) {
    case "live":
      return t("live");
    case "catching_up":
      return t("catching_up");
    case "refused":
      return t("no_access");
    default:
      return t("offline_since", { time: timeOf(byServer(since * 1000)) });
  }
}
