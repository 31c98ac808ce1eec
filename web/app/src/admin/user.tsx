/** One account. */

import { useEffect, useState } from "preact/hooks";

import { getAll } from "../api";
import { status, useTopic } from "../live";
import { t } from "../messages";
import { reason } from "../parts/reason";
import { user as self } from "../session";
import { act } from "./act";
import { Ask } from "./ask";
import { Form, Input } from "./form";
import { at } from "./links";
import { learn, newestOf } from "./names";
import type { User } from "./records";
import { rights } from "./rights";
import { Roles } from "./roles";

export function UserPage({ id }: { readonly id: string }) {
  return rights.value.isAdmin ? <LiveUser id={id} /> : <OneUser id={id} live={null} />;
}

function LiveUser({ id }: { readonly id: string }) {
  const { records } = useTopic("org");
  const live = records.value.find((record) => record.kind === "user" && record.id === id) as User | undefined;
  return <OneUser id={id} live={live ?? null} />;
}

function OneUser({ id, live }: { readonly id: string; readonly live: User | null }) {
  const [read, setRead] = useState<User | null>(null);
  const [problem, setProblem] = useState("");
  const connected = status.value.state !== "offline";
  useEffect(() => {
    let wanted = true;
    load(id).then(
      (found) => {
        if (!wanted) return;
        setProblem(found === null ? t("admin_nobody") : "");
        if (found !== null) setRead((before) => newer(found, before));
      },
      (error: Error) => wanted && setProblem(t("failed", { reason: reason(error) })),
    );
    return () => {
      wanted = false;
    };
  }, [id, connected]);
  const user = newer(live, read);
  useEffect(() => {
    if (user !== null) learn("user", user.id, user.name);
  }, [user?.name]);
  if (user === null) return <p class="empty">{problem === "" ? t("loading") : problem}</p>;
  const changed = (one: User): void => setRead((before) => newer(one, before));
  return (
    <>
      <p class="trail">
        <a href={at("users")}>{t("admin_users")}</a>
      </p>
      <h1 id="admin-heading">
        <bdi>{user.name}</bdi> {user.disabled && <span class="flag bad">{t("admin_disabled")}</span>}
      </h1>
      <div class="columns">
        <section aria-labelledby="admin-account">
          <h2 id="admin-account">{t("admin_account")}</h2>
          <Account user={user} onChanged={changed} />
        </section>
        <Roles user={user} onChanged={changed} />
      </div>
      <div class="buttons start">
        {rights.value.isAdmin && <a href={at("audit", { room: "org", record: user.id })}>{t("admin_history")}</a>}
        {user.disabled ? <Enable user={user} onChanged={changed} /> : <Disable user={user} onChanged={changed} />}
      </div>
    </>
  );
}

/** There is no route for one account: an admin reads the newest line of its history, others their short list. */
async function load(id: string): Promise<User | null> {
  if (rights.peek().isAdmin) return (await newestOf("org", id)) as User | null;
  return (await getAll<User>("/api/users")).find((user) => user.id === id) ?? null;
}

function newer(one: User | null, other: User | null): User | null {
  if (one === null || other === null) return one ?? other;
  return one.seq > other.seq ? one : other;
}

interface Part {
  readonly user: User;
  readonly onChanged: (user: User) => void;
}

function Account({ user, onChanged }: Part) {
  const [saved, setSaved] = useState(false);
  const send = async (data: FormData): Promise<void> => {
    setSaved(false);
    const entered = { name: String(data.get("set.name")), email: String(data.get("set.email")) };
    const set = Object.fromEntries(Object.entries(entered).filter(([field, value]) => value !== user[field]));
    if (Object.keys(set).length > 0) onChanged(await act<User>("user.update", { user_id: user.id, set }));
    setSaved(true);
  };
  return (
    <>
      <Form send={send} submit={t("admin_save")}>
        <Input name="set.name" label={t("name")} value={user.name} required autocomplete="off" />
        <Input name="set.email" type="email" label={t("email")} value={user.email} required autocomplete="off" />
      </Form>
      <p role="status" class="quiet">
        {saved ? t("admin_saved") : ""}
      </p>
    </>
  );
}

function Disable({ user, onChanged }: Part) {
  if (user.id === self.value?.id) return null;
  return (
    <Ask
      button={t("admin_disable")}
      look="danger"
      title={t("admin_disable_title")}
      submit={t("admin_disable")}
      send={async () => onChanged(await act<User>("user.disable", { user_id: user.id }))}
    >
      <p>
        <bdi>{user.name}</bdi>
      </p>
      <p>{t("admin_disable_text")}</p>
    </Ask>
  );
}

function Enable({ user, onChanged }: Part) {
  return (
    <Ask
      button={t("admin_enable")}
      title={t("admin_enable")}
      submit={t("admin_enable")}
      send={async () => onChanged(await act<User>("user.enable", { user_id: user.id }))}
    >
      <p>
        <bdi>{user.name}</bdi>
      </p>
      <p>{t("admin_enable_text")}</p>
    </Ask>
  );
}
