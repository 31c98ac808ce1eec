/** The addresses within the administration. */

export type View = "users" | "user" | "schools" | "school" | "class" | "teams" | "team" | "audit";

/** One address for all of it: what is shown stands behind the question mark. */
export function at(view: View, parameters: Readonly<Record<string, string>> = {}): string {
  return `/admin?${new URLSearchParams({ view, ...parameters })}`;
}
