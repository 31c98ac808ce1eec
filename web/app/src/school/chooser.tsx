/** Which period is shown: that of now, another one, or the whole day. */

import { t } from "../messages";
import type { Period } from "../records";
import type { Address } from "./address";
import { clockTime, currentPeriod, phaseOf } from "./clock";

const NOW = "now";
const DAY = "day";

interface ChooserProps {
  readonly address: Address;
  /** In their order. */
  readonly periods: readonly Period[];
  readonly time: string;
  /** Whether the whole day can be shown. */
  readonly day: boolean;
}

export function Chooser({ address, periods, time, day }: ChooserProps) {
  const chosen = address.day && day ? DAY : address.period === undefined ? NOW : `=${address.period}`;
  const current = currentPeriod(periods, time);
  const choose = (value: string): void => {
    const { one } = address;
    if (value === NOW) address.go({ one });
    else if (value === DAY) address.go({ one, day: true });
    else address.go({ one, period: value.slice(1) });
  };
  return (
    <label class="chooser">
      {t("school_period")}
      <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value={NOW}>{current === undefined ? "–" : t(`school_period_${phaseOf(current, time)}`, { period: current.name })}</option>
        {periods.map(({ id, name, start, end }) => (
          <option key={id} value={`=${id}`}>
            {name} ({clockTime(start)}–{clockTime(end)})
          </option>
        ))}
        {day && <option value={DAY}>{t("school_day_whole")}</option>}
      </select>
    </label>
  );
}
