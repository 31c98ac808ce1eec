"""Times and dates as they stand in records."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


def rfc3339(moment: datetime) -> str:
    """UTC, RFC 3339 with milliseconds: `2026-03-02T08:15:00.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1024)
def day_in(zone: str, moment: datetime) -> date:
    """The date at a moment in an IANA time zone, such as a school's own."""
    return moment.astimezone(ZoneInfo(zone)).date()
