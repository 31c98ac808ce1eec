/** The students of a class: changing them, moving them to another class, and ending their time in it. */

import { dateOf, number, t } from "../messages";
import type { Class, Enrolment } from "../records";
import { act } from "./act";
import { Archive } from "./archive";
import { Ask } from "./ask";
import { ClassChoice, dayBefore } from "./enrol";
import { Input, textOf } from "./form";
import { at } from "./links";
import { nameOfStudent, type Pupil } from "./records";

export interface OnRoll {
  readonly student: Pupil;
  readonly enrolment: Enrolment;
}

interface StudentsProps {
  readonly title: string;
  /** Whether the title stands above; otherwise something else there says it. */
  readonly heading: boolean;
  readonly rolls: readonly OnRoll[];
  readonly of: Class;
  readonly today: string;
  readonly keeps: boolean;
}

export function Students({ title, heading, rolls, of, today, keeps }: StudentsProps) {
  return (
    <section aria-label={title}>
      {heading && (
        <h2>
          {title} ({number(rolls.length)})
        </h2>
      )}
      {rolls.length === 0 && <p class="quiet">{t("admin_no_students")}</p>}
      <ul class="entries">
        {rolls.map((roll) => (
          <li key={roll.enrolment.id}>
            <details>
              <summary>
                <strong>
                  <bdi>{nameOfStudent(roll.student)}</bdi>
                </strong>
                <span class="quiet">{words(roll, today)}</span>
                {roll.student.archived && <span class="flag">{t("admin_archived")}</span>}
              </summary>
              <Actions roll={roll} of={of} today={today} keeps={keeps} />
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

function words({ student, enrolment: { from, to } }: OnRoll, today: string): string {
  const parts = [from > today || to !== null ? t("admin_from_day", { day: dateOf(from) }) : ""];
  if (to !== null) parts.push(t("admin_to_day", { day: dateOf(to) }));
  if (student.external_id !== null) parts.push(student.external_id);
  return parts.filter((part) => part !== "").join(" · ");
}

interface ActionsProps {
  readonly roll: OnRoll;
  readonly of: Class;
  readonly today: string;
  readonly keeps: boolean;
}

function Actions({ roll, of, today, keeps }: ActionsProps) {
  const { student, enrolment } = roll;
  const name = nameOfStudent(student);
  const isOpen = enrolment.to === null || enrolment.to >= today;
  return (
    <span class="row-actions">
      {keeps && <Edit student={student} />}
      {keeps && isOpen && <Move roll={roll} of={of} today={today} />}
      {keeps && isOpen && <End roll={roll} of={of} today={today} />}
      <a href={at("audit", { room: `school:${of.school_id}`, class: of.id, student: student.id })} aria-label={`${t("admin_history")}: ${name}`}>
        {t("admin_history")}
      </a>
      {keeps && <Archive kind="student" record={student} name={name} />}
    </span>
  );
}

export function StudentFields({ prefix, student }: { readonly prefix: string; readonly student: Pupil | null }) {
  return (
    <>
      <Input name={`${prefix}given_name`} label={t("admin_given_name")} value={student?.given_name} required autocomplete="off" />
      <Input name={`${prefix}family_name`} label={t("admin_family_name")} value={student?.family_name} required autocomplete="off" />
      <Input
        name={`${prefix}preferred_name`}
        label={t("admin_preferred_name")}
        hint={t("admin_preferred_hint")}
        value={student?.preferred_name ?? ""}
        autocomplete="off"
      />
      <Input name={`${prefix}external_id`} label={t("admin_external_id")} value={student?.external_id ?? ""} autocomplete="off" />
    </>
  );
}

/** What the fields say. */
export function enteredStudent(data: FormData, prefix: string) {
  return {
    given_name: String(data.get(`${prefix}given_name`)),
    family_name: String(data.get(`${prefix}family_name`)),
    preferred_name: textOf(data, `${prefix}preferred_name`),
    external_id: textOf(data, `${prefix}external_id`),
  };
}

function Edit({ student }: { readonly student: Pupil }) {
  const send = async (data: FormData): Promise<void> => {
    const entered = Object.entries(enteredStudent(data, "set."));
    const set = Object.fromEntries(entered.filter(([field, value]) => value !== student[field]));
    if (Object.keys(set).length > 0) await act("student.update", { student_id: student.id, set });
  };
  return (
    <Ask button={t("admin_edit")} of={nameOfStudent(student)} title={t("admin_edit_student")} submit={t("admin_save")} send={send}>
      <StudentFields prefix="set." student={student} />
    </Ask>
  );
}

/** The student is on the new roll before they are off the old one: refused half-way, nobody is on none. */
function Move({ roll: { student, enrolment }, of, today }: Omit<ActionsProps, "keeps">) {
  const send = async (data: FormData): Promise<void> => {
    const from = String(data.get("from"));
    await act("enrolment.create", { class_id: String(data.get("class_id")), student_id: student.id, from });
    await act("enrolment.end", { class_id: of.id, student_id: student.id, to: dayBefore(from) });
  };
  const first = dayBefore(enrolment.from, -1);
  return (
    <Ask button={t("admin_move")} of={nameOfStudent(student)} title={t("admin_move_title")} submit={t("admin_move")} send={send}>
      <p>
        <bdi>{nameOfStudent(student)}</bdi>
      </p>
      <ClassChoice school={of.school_id} without={of.id} label={t("admin_new_place")} />
      <Input
        name="from"
        type="date"
        label={t("admin_first_day_there")}
        value={first > today ? first : today}
        min={first}
        {...(enrolment.to === null ? {} : { max: dayBefore(enrolment.to, -1) })}
        required
      />
    </Ask>
  );
}

function End({ roll: { student, enrolment }, of, today }: Omit<ActionsProps, "keeps">) {
  const send = async (data: FormData): Promise<void> => {
    await act("enrolment.end", { class_id: of.id, student_id: student.id, to: String(data.get("to")) });
  };
  return (
    <Ask button={t("admin_end_enrolment")} of={nameOfStudent(student)} look="danger" title={t("admin_end_title")} submit={t("admin_end_enrolment")} send={send}>
      <p>
        <bdi>{nameOfStudent(student)}</bdi>
      </p>
      <p>{t("admin_end_text")}</p>
      <Input name="to" type="date" label={t("admin_last_day")} value={enrolment.from > today ? enrolment.from : today} required />
    </Ask>
  );
}
