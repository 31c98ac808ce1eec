/** The schools that the user administers. */

import { useState } from "preact/hooks";

import { useTopic } from "../live";
import { language, number, t } from "../messages";
import { act } from "./act";
import { Ask } from "./ask";
import { at } from "./links";
import { byName, useAll } from "./lists";
import type { SchoolRecord } from "./records";
import { keepsRolls, rights } from "./rights";
import { entered, SchoolFields } from "./school_fields";

export function Schools() {
  return rights.value.isAdmin ? <LiveSchools /> : <OwnSchools />;
}

function LiveSchools() {
  const { records, status } = useTopic("org");
  const schools = records.value.filter((record) => record.kind === "school") as SchoolRecord[];
  return <SchoolList schools={schools} done={status.value.state === "live" || schools.length > 0} />;
}

function OwnSchools() {
  const { items, done } = useAll<SchoolRecord>("/api/schools");
  return <SchoolList schools={items.filter(({ id }) => keepsRolls(rights.value, id))} done={done} />;
}

function SchoolList({ schools, done }: { readonly schools: readonly SchoolRecord[]; readonly done: boolean }) {
  const [text, setText] = useState("");
  const order = byName(language.value);
  const sought = text.trim().toLocaleLowerCase();
  const shown = schools
    .filter(({ name }) => name.toLocaleLowerCase().includes(sought))
    .sort((one, other) => Number(one.archived) - Number(other.archived) || order(one.name, other.name));
  return (
    <section aria-labelledby="admin-heading">
      <h1 id="admin-heading">{t("schools")}</h1>
      <div class="list-tools">
        <label>
          {t("admin_search")}
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        {rights.value.isAdmin && (
          <Ask
            button={t("admin_new_school")}
            look="primary"
            title={t("admin_new_school")}
            submit={t("admin_create")}
            send={async (data) => {
              await act("school.create", entered(data, ""));
            }}
          >
            <SchoolFields prefix="" school={null} />
          </Ask>
        )}
      </div>
      <p class="quiet" role="status">
        {done ? t("admin_shown", { count: number(shown.length) }) : t("loading")}
      </p>
      <ul class="entries">
        {shown.map((school) => (
          <li key={school.id}>
            <a href={at("school", { id: school.id })}>
              <strong>
                <bdi>{school.name}</bdi>
              </strong>
              <span class="quiet">
                <bdi>{school.time_zone}</bdi>
              </span>
              {school.archived && <span class="flag">{t("admin_archived")}</span>}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
