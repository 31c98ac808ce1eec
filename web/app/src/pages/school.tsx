/** The board of a school: for its office, its head, and a screen on the wall. */

import { Rejected } from "../api";
import { t } from "../messages";
import { reason } from "../parts/reason";
import { useLoad } from "../parts/load";
import type { School } from "../records";
import { SchoolBoard } from "../school/school_board";
import "../school/school.css";

export default function SchoolPage({ id }: { readonly id: string }) {
  return <Loaded key={id} id={id} />;
}

function Loaded({ id }: { readonly id: string }) {
  const { value, error } = useLoad<School>(`/api/schools/${encodeURIComponent(id)}`);
  if (value !== null) return <SchoolBoard school={value} />;
  if (error === null) return <p class="empty">{t("loading")}</p>;
  if (error instanceof Rejected && error.status === 403) return <p class="empty">{t("no_access")}</p>;
  return <p class="empty">{error instanceof Rejected ? t("failed", { reason: reason(error) }) : reason(error)}</p>;
}
