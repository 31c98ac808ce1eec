/** The ways to the other pages: those that the user's roles and topics open. */

import { useLocation } from "preact-iso";

import { rights, roles, sectionsOf } from "./admin/rights";
import { ready } from "./live";
import { t } from "./messages";

interface Place {
  readonly href: string;
  readonly text: string;
  /** What the addresses of its pages begin with. */
  readonly paths: readonly string[];
}

export function Navigation() {
  const { path } = useLocation();
  const here = (paths: readonly string[]): boolean => paths.some((begin) => path === begin || path.startsWith(`${begin}/`));
  return (
    <nav class="places" aria-label={t("menu")}>
      {places().map(({ href, text, paths }) => (
        <a key={href} href={href} aria-current={here(paths) ? "page" : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}

/** The topics say it best; without a connection the roles that are kept say most of it. */
function places(): Place[] {
  const names = ready.value?.topics.map(({ topic }) => topic) ?? roles.value.map(({ scope }) => scope);
  const ids = (noun: string): string[] => names.filter((name) => name.startsWith(`${noun}:`)).map((name) => name.slice(noun.length + 1));
  const [classes, schools, teams] = [ids("class"), [...new Set(ids("school"))], [...new Set(ids("team"))]];
  const [school] = schools;
  const [team] = teams;
  const found: Place[] = [];
  if (classes.length > 0) found.push({ href: "/register", text: t("register"), paths: ["/register"] });
  if (rights.value.isAdmin || schools.length > 1) found.push({ href: "/district", text: t("district"), paths: ["/district", "/schools"] });
  else if (school !== undefined) found.push({ href: `/schools/${school}`, text: t("my_school"), paths: ["/schools"] });
  if (team !== undefined) found.push({ href: `/teams/${team}`, text: t("tasks"), paths: ["/teams"] });
  if (sectionsOf(rights.value).length > 0) found.push({ href: "/admin", text: t("admin"), paths: ["/admin"] });
  return found;
}
