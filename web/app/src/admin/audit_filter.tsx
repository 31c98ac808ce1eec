/** What is looked for in a journal. */

import { useState } from "preact/hooks";

import { language, t } from "../messages";
import type { Class } from "../records";
import { filterOf, type Filter } from "./audit_search";
import { deed, TYPES } from "./audit_words";
import { Form, Input, Select } from "./form";
import { byName, useAll } from "./lists";
import { nameOf } from "./names";
import { nameOfStudent, type Pupil, type User } from "./records";
import { rights } from "./rights";

interface AuditFilterProps {
  readonly filter: Filter;
  readonly rooms: readonly (readonly [room: string, name: string])[];
  readonly onApply: (filter: Filter) => void;
}

export function AuditFilter({ filter, rooms, onApply }: AuditFilterProps) {
  const [room, setRoom] = useState(filter.room);
  const [noun = "", id = ""] = room.split(":");
  const send = async (data: FormData): Promise<void> => {
    const text = (name: string): string => String(data.get(name) ?? "").trim();
    onApply(filterOf(text, data.has("derived")));
  };
  return (
    <Form send={send} submit={t("admin_search")}>
      <div class="filters">
        <Select name="room" label={t("admin_room")} value={room} required options={rooms} onChange={setRoom} />
        <Select
          name="type"
          label={t("admin_what")}
          value={filter.type}
          none={t("admin_everything")}
          options={(TYPES[noun] ?? []).map((type) => [type, deed(type)])}
        />
        <By value={filter.by} />
        {noun === "school" && <ClassAndStudent key={id} school={id} filter={filter} />}
        <Input name="from" type="date" label={t("admin_from")} value={filter.from} />
        <Input name="to" type="date" label={t("admin_until")} value={filter.to} />
        <Input name="record" label={t("admin_record")} hint={t("admin_record_hint")} value={filter.record} autocomplete="off" />
        <label class="check">
          <input type="checkbox" name="derived" defaultChecked={filter.derived} /> {t("admin_derived")}
        </label>
      </div>
    </Form>
  );
}

/** By whom: of the accounts that the user can list. */
function By({ value }: { readonly value: string }) {
  const { isAdmin, schools } = rights.value;
  const { items, done } = useAll<User>(isAdmin || schools.length > 0 ? "/api/users" : null);
  const [chosen, setChosen] = useState(value);
  if (!isAdmin && schools.length === 0) return null;
  const order = byName(language.value);
  const users = items.map(({ id, name }): [string, string] => [id, name]).sort(([, one], [, other]) => order(one, other));
  if (chosen !== "" && !users.some(([id]) => id === chosen)) users.unshift([chosen, nameOf("user", chosen)]);
  return (
    <Select name="by" label={t("admin_who")} value={chosen} none={done ? t("admin_anybody") : t("loading")} options={users} onChange={setChosen} />
  );
}

function ClassAndStudent({ school, filter }: { readonly school: string; readonly filter: Filter }) {
  const [classId, setClassId] = useState(filter.classId);
  const [studentId, setStudentId] = useState(filter.studentId);
  const order = byName(language.value);
  const classes = useAll<Class>(`/api/schools/${encodeURIComponent(school)}/classes`);
  const students = useAll<Pupil>(classId === "" ? null : `/api/classes/${encodeURIComponent(classId)}/students`);
  const options = students.items.map((one): [string, string] => [one.id, nameOfStudent(one)]);
  if (studentId !== "" && !options.some(([id]) => id === studentId)) options.unshift([studentId, nameOf("student", studentId)]);
  return (
    <>
      <Select
        name="class"
        label={t("admin_class")}
        value={classId}
        none={classes.done ? t("admin_everything") : t("loading")}
        options={classes.items.map((one): [string, string] => [one.id, one.name]).sort(([, one], [, other]) => order(one, other))}
        onChange={(id) => {
          setClassId(id);
          setStudentId("");
        }}
      />
      {classId !== "" && (
        <Select
          name="student"
          label={t("admin_student")}
          value={studentId}
          none={students.done ? t("admin_everybody") : t("loading")}
          options={options}
          onChange={setStudentId}
        />
      )}
    </>
  );
}
