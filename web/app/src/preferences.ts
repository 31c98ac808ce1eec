/** The choice of language and theme, kept on this device and in the account, so that it comes along to another one. */

import { get, request } from "./api";
import { LANGUAGES, speak } from "./messages";
import { show } from "./theme";

type Preferences = Readonly<Record<string, unknown>>;

interface Account {
  readonly preferences: Preferences;
}

/** One after the other: each replaces all the preferences that the account has. */
let saving: Promise<unknown> = Promise.resolve();

/** Keeps one preference in the account. Rejected, Unreachable. */
export function keepPreference(name: "language" | "theme", value: string): Promise<void> {
  const saved = saving.then(async () => {
    const { preferences } = await get<Account>("/api/users/me");
    await request("PATCH", "/api/users/me", { preferences: { ...preferences, [name]: value } });
  });
  saving = saved.catch(() => undefined);
  return saved;
}

/** Shows the pages as the account wants them: after signing in. */
export async function takePreferences(): Promise<void> {
  let preferences: Preferences;
  try {
    ({ preferences } = await get<Account>("/api/users/me"));
  } catch {
    // The pages then stay as this device shows them.
    return;
  }
  const { language, theme } = preferences;
  if (theme === "system" || theme === "light" || theme === "dark") show(theme);
  if (typeof language === "string" && language in LANGUAGES) await speak(language);
}
