/** Why something did not work, in the language of the pages. */

import { Refused, type WireError } from "rollcall-client";

import { Rejected, Unreachable } from "../api";
import { t } from "../messages";

const SENTENCES = {
  invalid: "error_invalid",
  unauthenticated: "error_unauthenticated",
  forbidden: "error_forbidden",
  not_found: "error_not_found",
  conflict: "error_conflict",
  locked: "error_locked",
  too_large: "error_too_large",
  rate_limited: "error_rate_limited",
  unavailable: "error_unavailable",
  internal: "error_internal",
} as const;

/** A sentence for an error, and behind it the server's own text where that says more. */
export function reason(error: WireError | Error): string {
  if (error instanceof Unreachable) return t("unreachable");
  if (error instanceof Rejected || error instanceof Refused) return sentence(error.error);
  return error instanceof Error ? error.message : sentence(error);
}

function sentence(error: WireError): string {
  if (!(error.code in SENTENCES)) return error.message;
  const own = t(SENTENCES[error.code as keyof typeof SENTENCES]);
  const more = moreOf(error);
  // The server's English keeps its own direction.
  return more === "" ? own : `${own} (\u2068${more}\u2069)`;
}

/** What the code alone does not tell: which field, what is there, and what a report to the administrator should name. */
function moreOf({ code, message, fields }: WireError): string {
  if (code === "invalid" || code === "forbidden") {
    const texts = Object.entries(fields ?? {}).map(([path, all]) => `${path}: ${all.join(", ")}`);
    return texts.length > 0 || code === "forbidden" ? texts.join("; ") : message;
  }
  return code === "conflict" || code === "internal" ? message : "";
}
