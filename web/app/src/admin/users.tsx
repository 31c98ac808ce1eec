/** The accounts that the user administers. */

import { useMemo, useState } from "preact/hooks";

import { useTopic } from "../live";
import { number, t } from "../messages";
import { reason } from "../parts/reason";
import { useSearch } from "./lists";
import { at } from "./links";
import { NewUser } from "./new_user";
import type { User } from "./records";
import { rights } from "./rights";
import { roleName } from "./role_names";

export function Users() {
  return rights.value.isAdmin ? <LiveUsers /> : <UserList live={[]} />;
}

function LiveUsers() {
  const { records } = useTopic("org");
  const live = useMemo(() => records.value.filter((record) => record.kind === "user") as User[], [records.value]);
  return <UserList live={live} />;
}

function UserList({ live }: { readonly live: readonly User[] }) {
  const [text, setText] = useState("");
  const [made, setMade] = useState<readonly User[]>([]);
  const { shown, more, loading, error } = useSearch<User>("/api/users", text, matches);
  const users = merged(shown, [...made, ...live], text);
  return (
    <section aria-labelledby="admin-heading">
      <h1 id="admin-heading">{t("admin_users")}</h1>
      <div class="list-tools">
        <label>
          {t("admin_search_users")}
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <NewUser onMade={(user) => setMade((before) => [...before, user])} />
      </div>
      <p class="quiet" role="status">
        {loading ? t("loading") : error !== null ? t("failed", { reason: reason(error) }) : t("admin_shown", { count: number(users.length) })}
      </p>
      <ul class="entries">
        {users.map((user) => (
          <li key={user.id}>
            <a href={at("user", { id: user.id })}>
              <strong>
                <bdi>{user.name}</bdi>
              </strong>
              <span class="quiet">
                <bdi>{user.email}</bdi>
              </span>
              <span>{[...new Set(user.roles.map(({ role }) => roleName(role)))].join(", ") || t("admin_no_roles")}</span>
              {user.disabled && <span class="flag bad">{t("admin_disabled")}</span>}
            </a>
          </li>
        ))}
      </ul>
      {more !== null && (
        <button type="button" onClick={more}>
          {t("admin_more")}
        </button>
      )}
    </section>
  );
}

function matches({ name, email }: User, text: string): boolean {
  return name.toLocaleLowerCase().includes(text) || email.includes(text);
}

/** The list with newer states of its users, and users that are new. In the order of the server's list. */
function merged(listed: readonly User[], newer: readonly User[], text: string): User[] {
  const sought = text.trim().toLocaleLowerCase();
  const users = new Map(listed.map((user) => [user.id, user]));
  for (const user of newer) {
    const known = users.get(user.id);
    if (known === undefined ? sought === "" || matches(user, sought) : known.seq < user.seq) users.set(user.id, user);
  }
  return [...users.values()].sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}
