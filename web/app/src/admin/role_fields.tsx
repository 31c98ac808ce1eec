/** Choosing a role and the place where it is held, by the place's name. */

import type { Role } from "rollcall-client";
import { useState } from "preact/hooks";

import { language, t } from "../messages";
import { Select } from "./form";
import { byName, useAll } from "./lists";
import type { SchoolRecord, Team } from "./records";
import { rights, rolesToGive, runsSchool, type RoleName } from "./rights";
import { roleName } from "./role_names";

interface RoleFieldsProps {
  /** What stands before the names of the fields: where the server's refusals point to. */
  readonly prefix: string;
  /** Whether there may be no role at all. */
  readonly optional?: boolean;
}

export function RoleFields({ prefix, optional = false }: RoleFieldsProps) {
  const offered = rolesToGive(rights.value);
  const [role, setRole] = useState<RoleName | "">("");
  const noun = offered.find(([name]) => name === role)?.[1];
  return (
    <>
      <Select
        name={`${prefix}role`}
        label={t("admin_role")}
        required={!optional}
        none={optional ? t("admin_no_roles") : t("admin_choose")}
        value={role}
        options={offered.map(([name]) => [name, roleName(name)])}
        onChange={(value) => setRole(value as RoleName | "")}
      />
      {noun === "school" && <SchoolScope name={`${prefix}scope`} />}
      {noun === "class" && <ClassScope name={`${prefix}scope`} />}
      {noun === "team" && <TeamScope name={`${prefix}scope`} />}
      {noun === "org" && <input type="hidden" name={`${prefix}scope`} value="org" />}
    </>
  );
}

/** What the fields say; null: no role. */
export function roleOf(data: FormData): Role | null {
  const value = (end: string): string => String([...data].find(([name]) => name.endsWith(end))?.[1] ?? "");
  const role = value("role");
  return role === "" ? null : { role, scope: value("scope") };
}

type Choices = readonly (readonly [value: string, text: string])[];

function choices(noun: string, items: readonly { readonly id: string; readonly name: string; readonly archived: boolean }[]): Choices {
  const order = byName(language.value);
  return items
    .filter(({ archived }) => !archived)
    .map(({ id, name }): readonly [string, string] => [noun === "" ? id : `${noun}:${id}`, name])
    .sort(([, one], [, other]) => order(one, other));
}

/** The schools in which the user gives roles. */
function useSchools() {
  const { items, done } = useAll<SchoolRecord>("/api/schools");
  return { schools: items.filter(({ id }) => runsSchool(rights.value, id)), done };
}

function SchoolScope({ name }: { readonly name: string }) {
  const { schools, done } = useSchools();
  return <Scope name={name} label={t("admin_school")} done={done} options={choices("school", schools)} />;
}

function TeamScope({ name }: { readonly name: string }) {
  const { items, done } = useAll<Team>("/api/teams");
  return <Scope name={name} label={t("admin_team")} done={done} options={choices("team", items)} />;
}

function ClassScope({ name }: { readonly name: string }) {
  const { schools, done } = useSchools();
  const [chosen, setChosen] = useState("");
  const school = chosen === "" && schools.length === 1 ? (schools[0]?.id ?? "") : chosen;
  const classes = useAll<SchoolRecord>(school === "" ? null : `/api/schools/${encodeURIComponent(school)}/classes`);
  return (
    <>
      <Select
        name="school"
        label={t("admin_school")}
        required
        none={done ? t("admin_choose") : t("loading")}
        value={school}
        options={choices("", schools)}
        onChange={setChosen}
      />
      {school !== "" && (
        <Scope name={name} label={t("admin_class")} done={classes.done} options={choices("class", classes.items)} />
      )}
    </>
  );
}

interface ScopeProps {
  readonly name: string;
  readonly label: string;
  readonly done: boolean;
  readonly options: Choices;
}

function Scope({ name, label, done, options }: ScopeProps) {
  const [value, setValue] = useState("");
  const none = done ? t("admin_choose") : t("loading");
  return <Select name={name} label={label} required none={none} value={value} options={options} onChange={setValue} />;
}
