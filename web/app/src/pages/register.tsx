/** The register of one class in one lesson. */

import { useRoute } from "preact-iso";

import { t } from "../messages";
import { reason } from "../parts/reason";
import type { Place } from "../register/acts";
import { Sheet } from "../register/sheet";
import { useClassDay } from "../register/use_sheet";
import "../register/register.css";

export default function RegisterPage() {
  const { params } = useRoute();
  const place = { class_id: params["class"] ?? "", date: params["date"] ?? "", period: params["period"] ?? "" };
  return <OneRegister key={`${place.class_id} ${place.date} ${place.period}`} place={place} />;
}

function OneRegister({ place }: { readonly place: Place }) {
  const classDay = useClassDay(place.class_id, place.date);
  const { cls, school, status } = classDay;
  if (status.error !== undefined) return <p class="empty">{t("failed", { reason: reason(status.error) })}</p>;
  if (cls === null || school === null) return <p class="empty">{status.state === "offline" ? t("reg_offline") : t("loading")}</p>;
  return <Sheet place={place} day={classDay} cls={cls} school={school} />;
}
