"""The system's time and randomness."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class RandomIds:
    """Ids of 96 random bits from the operating system."""

    def new(self, prefix: str) -> str:
        return f"{prefix}-{secrets.token_urlsafe(12)}"
