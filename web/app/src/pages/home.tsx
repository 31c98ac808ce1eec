/** The page that leads each user to their own. */

import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";

import { language, t } from "../messages";
import { reason } from "../parts/reason";
import { useLoad } from "../parts/load";

interface Topics {
  readonly items: readonly { readonly topic: string; readonly name: string }[];
}

/** Who marks goes to today's lessons, who watches one school to its board; who has more chooses. */
export function Home() {
  const { route } = useLocation();
  const { value, error } = useLoad<Topics>("/api/topics");
  const { compare } = new Intl.Collator(language.value, { numeric: true });
  const named = (noun: string) =>
    (value?.items ?? []).filter(({ topic }) => topic.startsWith(`${noun}:`)).sort((one, other) => compare(one.name, other.name));
  const [classes, schools, teams] = [named("class"), named("school"), named("team")];
  useEffect(() => {
    if (value === null) return;
    const [only] = schools;
    const [team] = teams;
    if (teams.length > 0) {
      if (teams.length === 1 && schools.length === 0 && classes.length === 0) route(`/teams/${team?.topic.slice("team:".length)}`, true);
    } else if (schools.length === 0 && classes.length > 0) route("/register", true);
    else if (schools.length === 1 && only !== undefined) route(`/schools/${only.topic.slice("school:".length)}`, true);
  }, [value]);
  if (error !== null && value === null) return <p class="empty">{t("failed", { reason: reason(error) })}</p>;
  if (value === null) return <p class="empty">{t("loading")}</p>;
  if (schools.length === 0 && classes.length === 0 && teams.length === 0) return <p class="empty">{t("nothing_here")}</p>;
  return (
    <>
      {schools.length > 0 && <Links heading={t("schools")} path="/schools/" of={schools} />}
      {classes.length > 0 && (
        <p>
          <a href="/register">{t("register")}</a>
        </p>
      )}
      {teams.length > 0 && <Links heading={t("task_teams")} path="/teams/" of={teams} />}
    </>
  );
}

interface LinksProps {
  readonly heading: string;
  readonly path: string;
  readonly of: Topics["items"];
}

function Links({ heading, path, of }: LinksProps) {
  return (
    <section aria-label={heading}>
      <h1>{heading}</h1>
      <ul class="cards">
        {of.map(({ topic, name }) => (
          <li key={topic}>
            <a href={path + topic.slice(topic.indexOf(":") + 1)}>
              <bdi>{name}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
