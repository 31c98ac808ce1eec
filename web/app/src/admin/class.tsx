/** One class and its students. */

import { useMemo } from "preact/hooks";

import { useTopic } from "../live";
import { language, number, t } from "../messages";
import { useLoad } from "../parts/load";
import { todayIn, type Class, type Enrolment } from "../records";
import { act } from "./act";
import { Archive } from "./archive";
import { Ask } from "./ask";
import { AddKnown, AddNew } from "./enrol";
import { Input } from "./form";
import { at } from "./links";
import { byName } from "./lists";
import { nameOf } from "./names";
import { nameOfStudent, type Pupil, type SchoolRecord } from "./records";
import { keepsRolls, rights, runsSchool } from "./rights";
import { Students, type OnRoll } from "./students";

export function ClassAdmin({ id }: { readonly id: string }) {
  const { records, status } = useTopic(`class:${id}`);
  const one = records.value.find((record) => record.kind === "class" && record.id === id) as Class | undefined;
  if (status.value.state === "refused") return <p class="empty">{t("no_access")}</p>;
  if (one === undefined) return <p class="empty">{t("loading")}</p>;
  return <ClassPage one={one} rolls={rollsOf(records.value as readonly (Pupil | Enrolment)[])} />;
}

function ClassPage({ one, rolls }: { readonly one: Class; readonly rolls: readonly OnRoll[] }) {
  const { value: school } = useLoad<SchoolRecord>(`/api/schools/${encodeURIComponent(one.school_id)}`);
  const today = todayIn(school?.time_zone ?? "UTC");
  const sorted = useMemo(() => {
    const order = byName(language.value);
    return [...rolls].sort((a, b) => order(nameOfStudent(a.student), nameOfStudent(b.student)));
  }, [rolls, language.value]);
  const runs = runsSchool(rights.value, one.school_id);
  const keeps = keepsRolls(rights.value, one.school_id) && !one.archived;
  const isOver = ({ enrolment: { to } }: OnRoll): boolean => to !== null && to < today;
  return (
    <>
      <p class="trail">
        <a href={at("schools")}>{t("schools")}</a> <span aria-hidden="true">/</span>{" "}
        <a href={at("school", { id: one.school_id })}>
          <bdi>{nameOf("school", one.school_id)}</bdi>
        </a>
      </p>
      <h1 id="admin-heading">
        <bdi>{one.name}</bdi> {one.archived && <span class="flag">{t("admin_archived")}</span>}
      </h1>
      <div class="buttons start">
        {keeps && <AddNew of={one} today={today} />}
        {keeps && <AddKnown of={one} today={today} />}
        {runs && <Rename one={one} />}
        <a href={at("audit", { room: `school:${one.school_id}`, class: one.id })}>{t("admin_history")}</a>
        {runs && <Archive kind="class" record={one} />}
      </div>
      <Students title={t("admin_students")} heading rolls={sorted.filter((roll) => !isOver(roll))} of={one} today={today} keeps={keeps} />
      {sorted.some(isOver) && (
        <details>
          <summary>
            {t("admin_former")} ({number(sorted.filter(isOver).length)})
          </summary>
          <Students title={t("admin_former")} heading={false} rolls={sorted.filter(isOver)} of={one} today={today} keeps={false} />
        </details>
      )}
    </>
  );
}

function Rename({ one }: { readonly one: Class }) {
  return (
    <Ask
      button={t("admin_rename")}
      title={t("admin_rename")}
      submit={t("admin_save")}
      send={async (data) => {
        await act("class.update", { class_id: one.id, set: { name: String(data.get("set.name")) } });
      }}
    >
      <Input name="set.name" label={t("name")} value={one.name} required autocomplete="off" />
    </Ask>
  );
}

/** Each enrolment with its student. */
function rollsOf(records: readonly (Pupil | Enrolment)[]): OnRoll[] {
  const students = new Map(records.filter((record) => record.kind === "student").map((one) => [one.id, one as Pupil]));
  return records.flatMap((record) => {
    if (record.kind !== "enrolment") return [];
    const enrolment = record as Enrolment;
    const student = students.get(enrolment.student_id);
    return student === undefined ? [] : [{ enrolment, student }];
  });
}
