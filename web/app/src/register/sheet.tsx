/** The register of one class in one lesson. */

import { useMemo, useRef, useState } from "preact/hooks";

import { acts, client, ready, status as connection } from "../live";
import { day, language, t } from "../messages";
import { useInLanguage } from "../parts/code_labels";
import { Freshness } from "../parts/freshness";
import { of, type Class, type Register, type School } from "../records";
import { user } from "../session";
import { answered, isOn, mark, type Place, type Value } from "./acts";
import { Counts } from "./counts";
import { dayIn, hours, order } from "./device";
import { useKeyboard } from "./keyboard";
import { OnTheSheet } from "./presence";
import { Problems } from "./problems";
import { seenBefore } from "./replaced";
import { givesWay, isOpenDay, openCodes, rightsOn } from "./rights";
import { StudentRow } from "./row";
import { matches, rowsOf, type Row } from "./rows";
import type { SheetView } from "./sheet_view";
import { State } from "./state";
import { AllPresent, Finding, KeyboardHelp, UndoBar, WaitingAll } from "./tools";
import type { ClassDay } from "./use_sheet";
import { inWords } from "./values";

interface SheetProps {
  readonly place: Place;
  readonly day: ClassDay;
  readonly cls: Class;
  readonly school: School;
}

export function Sheet({ place, day: classDay, cls, school: read }: SheetProps) {
  const school = useInLanguage(read);
  const [search, setSearch] = useState("");
  const [said, say] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const view = useView(place, classDay, cls, school, say);
  const { status } = classDay;
  useKeyboard(view, { list, search: field, clearSearch: () => setSearch("") });

  const shown = view.rows.filter(({ name }) => matches(name, search));
  const period = school.periods.find(({ id }) => id === place.period);
  const lesson = period === undefined ? place.period : period.name;
  return (
    <section class="sheet" aria-labelledby="sheet">
      <header class="sheet-head">
        <a class="back" href="/register">
          {t("reg_lessons")}
        </a>
        <h1 id="sheet">
          <bdi>{cls.name}</bdi>
        </h1>
        <p class="when">
          {day(place.date)} · <bdi>{lesson}</bdi>
          {period !== undefined && (
            <>
              {" "}
              · <bdi>{hours(period)}</bdi>
            </>
          )}
        </p>
        {/* Without a connection the light of the whole page says it. The line is kept, so that the rows stay in their places. */}
        <div class="here">
          {status.state !== "live" && connection.value.state === "live" && <Freshness status={status} />}
          <OnTheSheet topic={`class:${cls.id}`} isLive={status.state === "live"} />
        </div>
      </header>
      <Counts rows={view.rows} codes={school.codes} />
      <div class="actions">
        <AllPresent view={view} />
        <State view={view} />
      </div>
      <UndoBar view={view} />
      <WaitingAll view={view} />
      <Problems view={view} />
      <Finding search={search} onSearch={setSearch} field={field} />
      {view.rows.length === 0 && <p class="empty">{t("reg_nobody")}</p>}
      {view.rows.length > 0 && shown.length === 0 && <p class="empty">{t("reg_nobody_found")}</p>}
      <ul class="rows" ref={list} aria-label={t("reg_students")}>
        {shown.map((row) => (
          <StudentRow key={row.student.id} row={row} view={view} />
        ))}
      </ul>
      <KeyboardHelp codes={view.codes} />
      <p class="visually-hidden" role="status">
        {said}
      </p>
    </section>
  );
}

function useView(place: Place, { records }: ClassDay, cls: Class, school: School, say: (text: string) => void): SheetView {
  // Those of the connection are newer than what is kept on this device.
  const roles = ready.value?.user.roles ?? user.value?.roles ?? [];
  const rights = useMemo(() => rightsOn(roles, cls), [roles, cls]);
  const codes = useMemo(() => openCodes(school, rights, place.period), [school, rights, place.period]);
  const known = { records, answered: answered.value, acts: acts.value, seen: seenBefore.value, me: user.value?.id ?? "" };
  const rows = rowsOf(known, place, order.value, language.value);
  const register = of<Register>(records, "register").find((one) => one.period === place.period && one.date === place.date) ?? null;
  const isTaking = acts.value.some(
    ({ action, state }) => action.type === "attendance.take" && state !== "refused" && isOn(action, place),
  );
  const isClosed = register?.state === "taken" || isTaking;
  const today = dayIn(school.time_zone);
  const isOpen =
    client.value !== null &&
    !cls.archived &&
    rights.mayMark &&
    isOpenDay(place.date, today, school, rights) &&
    (rights.isOffice || !isClosed);
  const set = (row: Row, value: Value | null): void => {
    mark(place, row.student.id, value ?? { code: null, minutes_late: null, note: null }, row.mark);
    say(t("reg_said", { name: row.name, value: inWords(value, school.codes) }));
  };
  return { place, school, rights, codes, rows, register, isOpen, mayChange: (row) => isOpen && givesWay(row.mark, rights), set };
}
