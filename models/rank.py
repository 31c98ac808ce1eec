"""The order of tasks within a section: each has a whole number, its rank, and lower ranks come first.

A task that is put between two others gets the number halfway. Where no number is left, tasks behind it are
spread out: as few as are needed for the work to stay logarithmic in the length of the section on average.
The rule is that of Dietz and Sleator, "Two algorithms for maintaining order in a list" (STOC 1987), on a line
instead of a circle.
"""

from __future__ import annotations

from collections.abc import Sequence

GAP = 2**30
"""The distance to the next rank at the ends of a section.

Clients hold whole numbers exactly up to 2**53: enough for 2**23 tasks put at an end.
"""


def rank_before_all(first: int | None) -> int:
    """A rank before the lowest rank of a section; None: the section is empty."""
    return 0 if first is None else first - GAP


def rank_after_all(last: int | None) -> int:
    """A rank after the highest rank of a section; None: the section is empty."""
    return 0 if last is None else last + GAP


def rank_behind(ranks: Sequence[int], *, to_end: bool) -> tuple[int, list[int]] | None:
    """A rank right behind the first of `ranks`, and new ones for the second, third, … that must change.

    `ranks`: ascending; `to_end`: nothing comes after the last one. None: more of the section must be seen.
    """
    first = ranks[0]
    for count, rank in enumerate(ranks[1:], 1):
        width = rank - first
        if width > count * count:
            spread = [first + width * i // count for i in range(1, count)]
            return (first + (spread[0] if spread else rank)) // 2, spread
    if not to_end:
        return None
    return first + GAP, [first + GAP * i for i in range(2, len(ranks) + 1)]
