"""How many files and connections this process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress

WANTED = 65_536


def allow_open_files() -> int:
    """Raise the limit as far as the system lets this process, up to `WANTED`; the limit that holds then.

    The usual default of 1,024 would turn away most of a school that comes online at once.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if most == resource.RLIM_INFINITY else min(WANTED, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        # macOS allows fewer than it says.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
