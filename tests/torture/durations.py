"""Many durations in little memory: how many there were of each millisecond."""

from __future__ import annotations

from collections import Counter


class Durations:
    """Seconds go in and come out; kept to the millisecond."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.worst = 0.0

    def add(self, seconds: float) -> None:
        """One more; less than nothing is nothing."""
        seconds = max(0.0, seconds)
        self._counts[round(seconds * 1000)] += 1
        self.worst = max(self.worst, seconds)

    def __len__(self) -> int:
        return self._counts.total()

    def percentile(self, percent: float) -> float:
        """The smallest duration that so many percent do not exceed; 0.0 where there are none."""
        left = len(self) * percent / 100
        for milliseconds in sorted(self._counts):
            left -= self._counts[milliseconds]
            if left <= 0:
                return milliseconds / 1000
        return 0.0
