/** All schools of a district at a glance. */

import { DistrictBoard } from "../district/district_board";
import { t } from "../messages";
import { reason } from "../parts/reason";
import { useAllSchools } from "../district/schools";
import "../district/district.css";

export default function DistrictPage() {
  const { found, error } = useAllSchools();
  if (found !== null) return found.schools.length === 0 ? <p class="empty">{t("nothing_here")}</p> : <DistrictBoard {...found} />;
  return <p class="empty">{error === null ? t("loading") : t("failed", { reason: reason(error) })}</p>;
}
