/** One's own account, and how the pages look. */

import { useState } from "preact/hooks";

import "../admin/admin.css";
import { Form, Input } from "../admin/form";
import type { User } from "../admin/records";
import { RoleWords } from "../admin/roles";
import { request, Unreachable } from "../api";
import { language, LANGUAGES, speak, t } from "../messages";
import { reason } from "../parts/reason";
import { useLoad } from "../parts/load";
import { keepPreference } from "../preferences";
import { renamed, user } from "../session";
import { show, theme, type Theme } from "../theme";

const THEMES: readonly [Theme, "theme_system" | "theme_light" | "theme_dark"][] = [
  ["system", "theme_system"],
  ["light", "theme_light"],
  ["dark", "theme_dark"],
];

export default function Profile() {
  const { value } = useLoad<Pick<User, "name" | "email" | "roles">>("/api/users/me");
  return (
    <section class="narrow admin" aria-labelledby="profile">
      <h1 id="profile">{t("profile")}</h1>
      {value === null ? <p class="quiet">{t("loading")}</p> : <OwnName name={user.value?.name ?? value.name} />}
      <dl>
        <dt>{t("email")}</dt>
        <dd>
          <bdi>{value?.email}</bdi>
        </dd>
        <dt>{t("roles")}</dt>
        <dd>
          {value?.roles.map((held) => (
            <div key={`${held.role} ${held.scope}`}>
              <RoleWords {...held} />
            </div>
          ))}
          {value?.roles.length === 0 && t("admin_no_roles")}
        </dd>
      </dl>
      <Looks />
    </section>
  );
}

function OwnName({ name }: { readonly name: string }) {
  const [saved, setSaved] = useState(false);
  const send = async (data: FormData): Promise<void> => {
    setSaved(false);
    const entered = String(data.get("name"));
    if (entered !== name) {
      await request("PATCH", "/api/users/me", { name: entered });
      renamed(entered);
    }
    setSaved(true);
  };
  return (
    <>
      <Form send={send} submit={t("admin_save")}>
        <Input name="name" label={t("name")} value={name} required autocomplete="name" />
      </Form>
      <p role="status" class="quiet">
        {saved ? t("admin_saved") : ""}
      </p>
    </>
  );
}

function Looks() {
  const [problem, setProblem] = useState("");
  const keep = (name: "language" | "theme", value: string): void => {
    keepPreference(name, value).then(
      () => setProblem(""),
      (error: Error) => setProblem(error instanceof Unreachable ? t("profile_only_here") : t("failed", { reason: reason(error) })),
    );
  };
  return (
    <>
      <label>
        {t("language")}
        <select
          value={language.value}
          onChange={(event) => {
            const code = event.currentTarget.value;
            void speak(code);
            keep("language", code);
          }}
        >
          {Object.entries(LANGUAGES).map(([code, { name }]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("theme")}
        <select
          value={theme.value}
          onChange={(event) => {
            const chosen = event.currentTarget.value as Theme;
            show(chosen);
            keep("theme", chosen);
          }}
        >
          {THEMES.map(([one, key]) => (
            <option key={one} value={one}>
              {t(key)}
            </option>
          ))}
        </select>
      </label>
      <p class="error" role="alert">
        {problem}
      </p>
    </>
  );
}
