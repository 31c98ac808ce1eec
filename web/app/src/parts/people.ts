/** Who marked and who took a register, in words. */

import { t } from "../messages";
import type { Mark, Register } from "../records";
import { user } from "../session";

/** Whose mark it is. */
export function marker({ by, by_name, source }: Mark): string {
  const isOffice = source === "office" || source === "planned";
  return named(by, by_name) ?? t(isOffice ? "reg_the_office" : "reg_somebody");
}

/** Who has taken a register. */
export function taker({ taken_by, taken_by_name }: Register): string {
  return named(taken_by, taken_by_name) ?? t("reg_somebody");
}

function named(id: string | null, name: string | null | undefined): string | null {
  return id !== null && id === user.value?.id ? t("reg_you") : (name ?? null);
}
