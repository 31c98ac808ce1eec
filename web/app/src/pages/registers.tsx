/** Today's lessons of a teacher. */

import { t, day } from "../messages";
import { reason } from "../parts/reason";
import { useLoad } from "../parts/load";
import type { Class, School } from "../records";
import { dayIn } from "../register/device";
import { Lessons } from "../register/lessons";
import "../register/register.css";

interface Topics {
  readonly items: readonly { readonly topic: string; readonly name: string }[];
}

export default function Registers() {
  const { value, error } = useLoad<Topics>("/api/topics");
  if (value === null) return <p class="empty">{error === null ? t("loading") : t("failed", { reason: reason(error) })}</p>;
  const classes = value.items.filter(({ topic }) => topic.startsWith("class:")).map(({ topic }) => topic.slice("class:".length));
  return (
    <section aria-labelledby="lessons">
      <h1 id="lessons">{t("reg_today")}</h1>
      {classes.length === 0 && <p class="empty">{t("reg_no_classes")}</p>}
      <div class="classes">
        {classes.map((id) => (
          <OneClass key={id} id={id} />
        ))}
      </div>
    </section>
  );
}

/** The day is the school's, so it comes first. */
function OneClass({ id }: { readonly id: string }) {
  const { value } = useLoad<Class>(`/api/classes/${encodeURIComponent(id)}`);
  if (value === null || value.archived) return null;
  return <OfSchool id={id} schoolId={value.school_id} />;
}

function OfSchool({ id, schoolId }: { readonly id: string; readonly schoolId: string }) {
  const { value } = useLoad<School>(`/api/schools/${encodeURIComponent(schoolId)}`);
  if (value === null) return <p class="empty">{t("loading")}</p>;
  return (
    <div class="class">
      <p class="when">{day(dayIn(value.time_zone))}</p>
      <Lessons id={id} school={value} />
    </div>
  );
}
