/** Putting students on the roll of a class. */

import { useRef, useState } from "preact/hooks";

import { language, t } from "../messages";
import type { Class } from "../records";
import { act, randomText } from "./act";
import { Ask } from "./ask";
import { Input, Select, textOf } from "./form";
import { byName, useAll } from "./lists";
import { nameOfStudent, type Pupil } from "./records";
import { enteredStudent, StudentFields } from "./students";

interface AddProps {
  readonly of: Class;
  readonly today: string;
}

export function AddNew({ of, today }: AddProps) {
  const made = useRef<string | null>(null);
  const send = async (data: FormData): Promise<void> => {
    const student = enteredStudent(data, "");
    if (made.current === null) {
      const id = `p-${randomText("0123456789abcdefghijkmnpqrstuvwxyz", 16)}`;
      await act("student.create", { school_id: of.school_id, student_id: id, ...student });
      made.current = id;
    } else {
      // The enrolment was refused before, and what was typed may have changed since.
      await act("student.update", { student_id: made.current, set: student });
    }
    await act("enrolment.create", { class_id: of.id, student_id: made.current, ...days(data) });
    made.current = null;
  };
  return (
    <Ask button={t("admin_new_student")} look="primary" title={t("admin_new_student")} submit={t("admin_create")} send={send}>
      <StudentFields prefix="" student={null} />
      <Days today={today} />
    </Ask>
  );
}

export function AddKnown({ of, today }: AddProps) {
  const send = async (data: FormData): Promise<void> => {
    await act("enrolment.create", { class_id: of.id, student_id: String(data.get("student_id")), ...days(data) });
  };
  return (
    <Ask button={t("admin_add_known")} title={t("admin_add_known")} submit={t("admin_add")} send={send}>
      <KnownStudent of={of} />
      <Days today={today} />
    </Ask>
  );
}

function KnownStudent({ of }: { readonly of: Class }) {
  const [from, setFrom] = useState("");
  const [student, setStudent] = useState("");
  const path = from === "" ? null : `/api/classes/${encodeURIComponent(from)}/students`;
  const { items, done } = useAll<Pupil>(path);
  const options = items.filter(({ archived }) => !archived).map((one): [string, string] => [one.id, nameOfStudent(one)]);
  return (
    <>
      <ClassChoice name="other_class" school={of.school_id} without={of.id} label={t("admin_from_class")} onChange={setFrom} />
      {path !== null && (
        <Select
          name="student_id"
          label={t("admin_student")}
          required
          none={done ? t("admin_choose") : t("loading")}
          value={student}
          options={options}
          onChange={setStudent}
        />
      )}
    </>
  );
}

interface ClassChoiceProps {
  readonly name?: string;
  readonly school: string;
  readonly without: string;
  readonly label: string;
  readonly onChange?: (id: string) => void;
}

/** The classes of a school but for one. */
export function ClassChoice({ name = "class_id", school, without, label, onChange }: ClassChoiceProps) {
  const [value, setValue] = useState("");
  const { items, done } = useAll<Class>(`/api/schools/${encodeURIComponent(school)}/classes`);
  const order = byName(language.value);
  const options = items
    .filter((one) => one.id !== without && !one.archived)
    .map((one): [string, string] => [one.id, one.name])
    .sort(([, one], [, other]) => order(one, other));
  return (
    <Select
      name={name}
      label={label}
      required
      none={done ? t("admin_choose") : t("loading")}
      value={value}
      options={options}
      onChange={(id) => {
        setValue(id);
        onChange?.(id);
      }}
    />
  );
}

function Days({ today }: { readonly today: string }) {
  const [from, setFrom] = useState(today);
  return (
    <>
      <Input name="from" type="date" label={t("admin_first_day")} value={today} required onInput={setFrom} />
      <Input name="to" type="date" label={t("admin_last_day_open")} {...(from === "" ? {} : { min: from })} />
    </>
  );
}

function days(data: FormData): { from: string; to?: string } {
  const to = textOf(data, "to");
  return { from: String(data.get("from")), ...(to === null ? {} : { to }) };
}

/** The day that is one before; `by` days before. */
export function dayBefore(date: string, by = 1): string {
  const moment = new Date(`${date}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() - by);
  return moment.toISOString().slice(0, 10);
}
