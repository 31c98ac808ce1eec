"""Which rounds count. A shared machine is faster at one moment than at the next.

The rule, fixed before anything is measured: a loop of fixed work runs on both cores before and after each
round. Where the two times of a core differ by more than `AGREE`, or where the hypervisor gave more than
`STOLEN` of the two cores to others meanwhile, the round is dropped and tried again later, at most as often as
there are rounds.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Generic, TypeVar

from bench.cores import SERVER_CORE, generator_core, stolen_seconds
from bench.table import spread

AGREE = 0.1
"""How far the two times may be apart, as a share of the longer one."""

STOLEN = 0.05
"""How much of the two cores' time may be stolen, as a share."""

STEPS = 200_000
"""Of the loop: about 5 ms."""

SAMPLES = 5

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How the machine was `at` a moment of perf_counter: the seconds that the loop took on each core, and the
    seconds that were stolen from both since the machine started.
    """

    at: float
    server: float
    generator: float
    stolen: float

    def agrees(self, later: Pace) -> bool:
        """Whether each core was as fast both times, and was ours in between."""
        pairs = ((self.server, later.server), (self.generator, later.generator))
        same = all(abs(one - two) <= AGREE * max(one, two) for one, two in pairs)
        return same and later.stolen - self.stolen <= STOLEN * 2 * (later.at - self.at)


@dataclass(slots=True)
class Kept(Generic[T]):
    """The results of one thing's rounds that were quiet, and how many were not."""

    results: list[T] = field(default_factory=list)
    dropped: int = 0

    def spread(self, value: Callable[[T], float], digits: int = 0) -> str:
        """A value's median with the smallest and the largest; a dash where no round was quiet."""
        return spread([value(one) for one in self.results], digits) if self.results else "–"

    def median(self, value: Callable[[T], float]) -> float | None:
        """The median of a value; None where no round was quiet."""
        return median(value(one) for one in self.results) if self.results else None

    @property
    def rounds(self) -> str:
        """How many rounds were kept, and of how many if not of all."""
        kept = len(self.results)
        return f"{kept} of {kept + self.dropped}" if self.dropped else str(kept)


def pace() -> Pace:
    """How fast the cores are now. This process is on the generator's core afterwards."""
    cores = (SERVER_CORE, generator_core())
    server, generator = (_seconds_on(core) for core in cores)
    return Pace(perf_counter(), server, generator, stolen_seconds(set(cores)))


def _seconds_on(core: int) -> float:
    os.sched_setaffinity(0, {core})
    return median(_loop() for _ in range(SAMPLES))


def _loop() -> float:
    begin = perf_counter()
    for _ in range(STEPS):
        pass
    return perf_counter() - begin


async def in_turns(
    works: Mapping[K, Callable[[], Awaitable[T]]],
    *,
    rounds: int,
    noisy: bool = False,
    pace: Callable[[], Pace] = pace,
) -> dict[K, Kept[T]]:
    """Each work once in each round, so that what the machine does besides meets all of them alike; then the
    noisy ones again. With `noisy`, those count too.
    """
    kept: dict[K, Kept[T]] = {key: Kept() for key in works}
    before = pace()
    for turn in range(2 * rounds):
        wanted: Iterable[K] = works if turn < rounds else [k for k in works if len(kept[k].results) < rounds]
        for key in wanted:
            result = await works[key]()
            after = pace()
            if noisy or before.agrees(after):
                kept[key].results.append(result)
            else:
                kept[key].dropped += 1
            before = after
    return kept
