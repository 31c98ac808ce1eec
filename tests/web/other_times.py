"""`python -m tests.web.other_times serve`: the server with a clock, and lifetimes of tokens, that tests set.
Nothing of this is in the server itself.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from app import main as composition
from app.auth import Auth
from app.cli import main
from app.clock import SystemClock
from app.tokens import JwtTokens
from tests.parts.quick_app import make_passwords_cheap

AHEAD = "OTHER_TIMES_AHEAD"
"""The name of a file with the seconds by which the server's clock is ahead of the machine's."""

ACCESS = "OTHER_TIMES_ACCESS"
REFRESH = "OTHER_TIMES_REFRESH"
"""Seconds that tokens are good for."""

_machine_time = time.time


def _ahead() -> float:
    path = Path(os.environ[AHEAD])
    return float(path.read_text()) if path.exists() else 0.0


class _Clock(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(seconds=_ahead())


def _lifetime(of: type, name: str, variable: str) -> None:
    if seconds := os.environ.get(variable):
        of.__init__.__kwdefaults__[name] = timedelta(seconds=float(seconds))  # type: ignore[misc]


if __name__ == "__main__":
    make_passwords_cheap()
    composition.SystemClock = _Clock  # type: ignore[attr-defined]
    # What the header Date says.
    time.time = lambda: _machine_time() + _ahead()
    _lifetime(JwtTokens, "lifetime", ACCESS)
    _lifetime(Auth, "refresh_lifetime", REFRESH)
    main()
