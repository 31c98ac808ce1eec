/** The administration: users, schools, teams, and what has been done. */

import { useLocation } from "preact-iso";
import { useEffect, useRef } from "preact/hooks";

import { Audit } from "../admin/audit";
import { ClassAdmin } from "../admin/class";
import { at, type View } from "../admin/links";
import { useAll } from "../admin/lists";
import type { SchoolRecord, Team } from "../admin/records";
import { keepsRolls, rights, runsTeam, sectionsOf, type Section } from "../admin/rights";
import { SchoolAdmin } from "../admin/school";
import { Schools } from "../admin/schools";
import { TeamAdmin, Teams } from "../admin/teams";
import { UserPage } from "../admin/user";
import { Users } from "../admin/users";
import { t } from "../messages";
import { reason } from "../parts/reason";
import "../admin/admin.css";

/** Which part of the administration a view belongs to. */
const SECTIONS: Readonly<Record<View, Section>> = {
  users: "users",
  user: "users",
  schools: "schools",
  school: "schools",
  class: "schools",
  teams: "teams",
  team: "teams",
  audit: "audit",
};

const LABELS = { users: "admin_users", schools: "schools", teams: "admin_teams", audit: "admin_audit" } as const;

export default function Admin() {
  const { query } = useLocation();
  const open = sectionsOf(rights.value);
  const [first] = open;
  const view = (query["view"] ?? first ?? "") as View;
  const section = SECTIONS[view];
  const place = `${view} ${query["id"] ?? ""}`;
  useFocusOnChange(place);
  if (first === undefined) return <p class="empty">{t("nothing_here")}</p>;
  return (
    // Whether lists are live depends on the rights, and with it what the components below keep.
    <div class="admin" key={String(rights.value.isAdmin)}>
      <nav aria-label={t("admin")} class="tabs">
        {open.map((one) => (
          <a key={one} href={at(one)} aria-current={one === section ? "page" : undefined}>
            {t(LABELS[one])}
          </a>
        ))}
      </nav>
      {open.includes(section) ? <Shown key={place} view={view} id={query["id"] ?? ""} /> : <p class="empty">{t("not_found")}</p>}
    </div>
  );
}

function Shown({ view, id }: { readonly view: View; readonly id: string }) {
  switch (view) {
    case "users":
      return <Users />;
    case "user":
      return <UserPage id={id} />;
    case "schools":
      return <Schools />;
    case "school":
      return <SchoolAdmin id={id} />;
    case "class":
      return <ClassAdmin id={id} />;
    case "teams":
      return <Teams />;
    case "team":
      return <TeamAdmin id={id} />;
    case "audit":
      return <AuditOfRooms />;
  }
}

/** Whose journal the user may read, by name. */
function AuditOfRooms() {
  const schools = useAll<SchoolRecord>("/api/schools");
  const teams = useAll<Team>("/api/teams");
  const { isAdmin } = rights.value;
  if (!schools.done || !teams.done) {
    const error = schools.error ?? teams.error;
    return <p class="empty">{error === null ? t("loading") : t("failed", { reason: reason(error) })}</p>;
  }
  const rooms: [string, string][] = [
    ...schools.items.filter(({ id }) => keepsRolls(rights.value, id)).map(({ id, name }): [string, string] => [`school:${id}`, name]),
    ...teams.items.filter(({ id }) => runsTeam(rights.value, id)).map(({ id, name }): [string, string] => [`team:${id}`, name]),
  ];
  return <Audit rooms={isAdmin ? [["org", t("admin_directory")], ...rooms] : rooms} />;
}

/** Tells who cannot see it that the page has changed, as a new document would. */
function useFocusOnChange(place: string): void {
  const shown = useRef(place);
  useEffect(() => {
    if (shown.current === place) return;
    shown.current = place;
    scrollTo(0, 0);
    document.getElementById("page")?.focus();
  }, [place]);
}
