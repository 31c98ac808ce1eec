"""Results as Markdown tables: medians with the smallest and the largest, for the machine is never quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median


def spread(values: Sequence[float], digits: int = 0) -> str:
    """`median (smallest to largest)`."""
    middle, low, high = (f"{value:,.{digits}f}" for value in (median(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that is not below `share` (0 to 1) of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
