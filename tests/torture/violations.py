"""What must never happen, counted, and the first ones of each kind in words."""

from __future__ import annotations

from collections import Counter
from typing import Literal, get_args

Kind = Literal["lost", "duplicated", "reordered", "diverged", "refused"]

KINDS: tuple[Kind, ...] = get_args(Kind)
TOLD = 10


class Violations:
    """`lost`: something acknowledged or stored did not arrive. `duplicated`: it had effect or arrived more
    than once. `reordered`: it arrived or was decided out of order. `diverged`: what somebody shows, or was
    told, is not what the storage holds. `refused`: an answer that no fault excuses.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.told: list[str] = []

    def add(self, kind: Kind, what: str) -> None:
        """Something that must never happen has happened."""
        self.counts[kind] += 1
        if self.counts[kind] <= TOLD:
            self.told.append(f"{kind}: {what}")

    def __bool__(self) -> bool:
        return bool(self.counts)
