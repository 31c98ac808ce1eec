/** One school: its classes, and what it is. */

import { useRef, useState } from "preact/hooks";

import { useTopic } from "../live";
import { language, t } from "../messages";
import type { Class } from "../records";
import { act } from "./act";
import { Archive } from "./archive";
import { Ask } from "./ask";
import { Form, Input } from "./form";
import { at } from "./links";
import { byName } from "./lists";
import type { SchoolRecord } from "./records";
import { rights, runsSchool } from "./rights";
import { entered, SchoolFields } from "./school_fields";

export function SchoolAdmin({ id }: { readonly id: string }) {
  const { records, status } = useTopic(`school:${id}`);
  const school = records.value.find((record) => record.kind === "school" && record.id === id) as SchoolRecord | undefined;
  if (status.value.state === "refused") return <p class="empty">{t("no_access")}</p>;
  if (school === undefined) return <p class="empty">{t("loading")}</p>;
  const runs = runsSchool(rights.value, id);
  return (
    <>
      <p class="trail">
        <a href={at("schools")}>{t("schools")}</a>
      </p>
      <h1 id="admin-heading">
        <bdi>{school.name}</bdi> {school.archived && <span class="flag">{t("admin_archived")}</span>}
      </h1>
      <div class="columns">
        <Classes school={school} classes={records.value.filter((record) => record.kind === "class") as Class[]} runs={runs} />
        {runs && <Settings key={school.id} school={school} />}
      </div>
      <div class="buttons start">
        <a href={at("audit", { room: `school:${id}` })}>{t("admin_history")}</a>
        {rights.value.isAdmin && <Archive kind="school" record={school} />}
      </div>
    </>
  );
}

interface ClassesProps {
  readonly school: SchoolRecord;
  readonly classes: readonly Class[];
  readonly runs: boolean;
}

function Classes({ school, classes, runs }: ClassesProps) {
  const order = byName(language.value);
  const sorted = [...classes].sort((one, other) => Number(one.archived) - Number(other.archived) || order(one.name, other.name));
  return (
    <section aria-labelledby="admin-classes">
      <h2 id="admin-classes">{t("admin_classes")}</h2>
      {runs && !school.archived && (
        <Ask
          button={t("admin_new_class")}
          look="primary"
          title={t("admin_new_class")}
          submit={t("admin_create")}
          send={async (data) => {
            await act("class.create", { school_id: school.id, name: String(data.get("name")) });
          }}
        >
          <Input name="name" label={t("name")} required autocomplete="off" />
        </Ask>
      )}
      {sorted.length === 0 && <p class="quiet">{t("admin_no_classes")}</p>}
      <ul class="entries">
        {sorted.map((one) => (
          <li key={one.id}>
            <a href={at("class", { id: one.id })}>
              <strong>
                <bdi>{one.name}</bdi>
              </strong>
              {one.archived && <span class="flag">{t("admin_archived")}</span>}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Settings({ school }: { readonly school: SchoolRecord }) {
  const [saved, setSaved] = useState(false);
  const [version, setVersion] = useState(0);
  // The list of periods is replaced as a whole, so what somebody else has changed since must not go under.
  const shown = useRef(school);
  const send = async (data: FormData): Promise<void> => {
    setSaved(false);
    const before = shown.current;
    const set = Object.fromEntries(
      Object.entries(entered(data, "set.")).filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field])),
    );
    const ifSeq = "periods" in set ? (before.org_seq ?? before.seq) : undefined;
    if (Object.keys(set).length > 0) shown.current = await act<SchoolRecord>("school.update", { school_id: school.id, set }, ifSeq);
    setVersion((number) => number + 1);
    setSaved(true);
  };
  const isStale = (shown.current.org_seq ?? shown.current.seq) < (school.org_seq ?? 0);
  const showNewest = (): void => {
    shown.current = school;
    setVersion((number) => number + 1);
  };
  return (
    <section aria-labelledby="admin-settings">
      <h2 id="admin-settings">{t("admin_settings")}</h2>
      {isStale && (
        <p class="remark" role="status">
          {t("admin_stale")}{" "}
          <button type="button" onClick={showNewest}>
            {t("admin_show_newest")}
          </button>
        </p>
      )}
      <Form send={send} submit={t("admin_save")}>
        <SchoolFields key={version} prefix="set." school={shown.current} />
      </Form>
      <p role="status" class="quiet">
        {saved ? t("admin_saved") : ""}
      </p>
    </section>
  );
}
