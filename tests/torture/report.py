"""What came of a run, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.torture.durations import Durations
from tests.torture.schedule import KINDS as FAULTS
from tests.torture.violations import KINDS, Violations

ERRORS = 10


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run. `recovered`: actions that had their effect without anybody being told."""

    seed: int
    nodes: int
    subscribers: int
    writers: int
    seconds: float
    faults: Mapping[str, int]
    idlers: Mapping[str, int]
    actions: int
    acknowledged: int
    sends: int
    unavailable: int
    connections: int
    entries: int
    recovered: int
    updates: int
    resyncs: int
    waits: Durations
    staleness: Durations
    viewers: Durations
    answers: Durations
    errors: Sequence[str]
    violations: Violations

    def text(self) -> str:
        """The report as Markdown tables."""
        return "\n".join([*self._figures(), "", *self._faults(), "", *self._violations()])

    def _figures(self) -> list[str]:
        rows = [
            ("seed", str(self.seed)),
            ("nodes, subscribers, writers", f"{self.nodes}, {self.subscribers}, {self.writers}"),
            ("seconds of writing", f"{self.seconds:,.0f}"),
            ("faults", f"{sum(self.faults.values()):,}"),
            ("actions", f"{self.actions:,}"),
            ("acknowledged", f"{self.acknowledged:,}"),
            ("sent, with everything that was sent again", f"{self.sends:,}"),
            ("answered `unavailable`", f"{self.unavailable:,}"),
            ("connections made", f"{self.connections:,}"),
            ("entries in the journals", f"{self.entries:,}"),
            ("updates pushed to subscribers", f"{self.updates:,}"),
            ("`resync`s", f"{self.resyncs:,}"),
            ("from action to acknowledgement, p50, p99, worst", _three(self.waits)),
            ("staleness, p50, p99, worst", _three(self.staleness)),
            ("recovery of viewers after a storm, p50, p99, worst", _three(self.viewers)),
            ("recovery of writers after a storm, p50, p99, worst", _three(self.answers)),
            *(
                (f"clients that did not read: {end}", f"{count:,}")
                for end, count in sorted(self.idlers.items())
            ),
            ("errors in the nodes' logs", f"{len(self.errors):,}"),
            *((kind, f"{self.violations.counts[kind]:,}") for kind in KINDS),
        ]
        return ["| figure | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]

    def _faults(self) -> list[str]:
        rows = [(kind.name, self.faults.get(kind.name, 0)) for kind in FAULTS]
        return ["| fault | times |", "| --- | --- |", *(f"| {name} | {times} |" for name, times in rows)]

    def _violations(self) -> list[str]:
        return [*self.violations.told, *self.errors[:ERRORS]]


def _three(durations: Durations) -> str:
    p50, p99 = durations.percentile(50), durations.percentile(99)
    return f"{p50:.3f} s, {p99:.3f} s, {durations.worst:.3f} s"
