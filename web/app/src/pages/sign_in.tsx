/** Signing in. */

import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";

import { Rejected } from "../api";
import { t } from "../messages";
import { reason } from "../parts/reason";
import { takePreferences } from "../preferences";
import { signIn, user } from "../session";

export function SignIn() {
  const { query, route } = useLocation();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const signedIn = user.value !== null;
  useEffect(() => {
    if (signedIn) route(ownPath(query["to"]), true);
  }, [signedIn]);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setError("");
    try {
      await signIn(String(form.get("email")), String(form.get("password")));
      await takePreferences();
    } catch (failure) {
      const isWrong = failure instanceof Rejected && failure.status === 401;
      setError(isWrong ? t("error_sign_in") : reason(failure as Error));
    }
    setBusy(false);
  };

  return (
    <main class="sign-in" id="page">
      <img src="/favicon.svg" alt="" width="56" height="56" />
      <h1>{t("app")}</h1>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {t("email")}
          <input type="email" name="email" autocomplete="username" required autofocus />
        </label>
        <label>
          {t("password")}
          <input type="password" name="password" autocomplete="current-password" required />
        </label>
        <p class="error" role="alert">
          {error}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? t("signing_in") : t("sign_in")}
        </button>
      </form>
    </main>
  );
}

/** A path of these pages; never another server's address. */
function ownPath(wanted: string | undefined): string {
  return wanted !== undefined && /^\/(?![/\\])/.test(wanted) ? wanted : "/";
}
