"""What the nemesis does, and when: pure, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Target = Literal["node", "Redis", "storage", "doors", "Redis link", "storage link", "reader", "sends"]

TARGETS: tuple[Target, ...] = get_args(Target)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: to what it happens (one of each node, or the one there is), and how long it lasts.

    `seconds` is the usual range. One in `LONG` lasts as long as `longest`: beyond the limits of the server,
    such as the 5 s in which the storage has to answer.
    """

    name: str
    target: Target
    seconds: tuple[float, float]
    longest: float
    of_each_node: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it begins `at` seconds after its storm and lasts `seconds`. `node` counts from 0."""

    kind: str
    at: float
    seconds: float
    node: int | None


@dataclass(frozen=True, slots=True)
class Storm:
    """Faults that overlap, after `pause` seconds of calm."""

    pause: float
    faults: tuple[Fault, ...]


LONG = 12
MOST_AT_ONCE = 4
SPREAD = 1.0
"""Seconds in which the faults of a storm begin."""

PAUSE = (0.2, 1.0)

KINDS = (
    Kind("kill a node", "node", (0.0, 1.0), 3.0, of_each_node=True),
    Kind("stop a node", "node", (0.3, 2.5), 7.0, of_each_node=True),
    Kind("kill Redis", "Redis", (0.1, 1.5), 6.0),
    Kind("stop Redis", "Redis", (0.3, 3.0), 8.0),
    Kind("empty Redis", "Redis", (0.0, 0.0), 0.0),
    Kind("kill Redis's Pub/Sub clients", "Redis", (0.0, 0.0), 0.0),
    Kind("publish old messages again", "Redis", (0.0, 0.5), 2.0),
    Kind("cut a node off from Redis", "Redis link", (0.0, 1.5), 6.0, of_each_node=True),
    Kind("stall a node's way to Redis", "Redis link", (0.3, 2.5), 8.0, of_each_node=True),
    Kind("stop the storage", "storage", (0.2, 2.0), 6.5),
    Kind("cut a node off from the storage", "storage link", (0.0, 1.5), 6.0, of_each_node=True),
    Kind("stall a node's way to the storage", "storage link", (0.3, 2.0), 6.5, of_each_node=True),
    Kind("slow a node's way to the storage", "storage link", (0.5, 2.0), 4.0, of_each_node=True),
    Kind("cut clients", "doors", (0.0, 0.0), 0.0, of_each_node=True),
    Kind("refuse clients", "doors", (0.3, 2.0), 5.0, of_each_node=True),
    Kind("stall clients", "doors", (0.3, 2.5), 8.0, of_each_node=True),
    Kind("slow clients", "doors", (0.5, 2.5), 6.0, of_each_node=True),
    Kind("a client that never reads", "reader", (30.0, 40.0), 60.0, of_each_node=True),
    Kind("a client that only answers pings", "reader", (30.0, 40.0), 60.0, of_each_node=True),
    Kind("send twice", "sends", (0.5, 2.0), 4.0),
    Kind("send in another order", "sends", (0.5, 2.0), 4.0),
)

KIND = {kind.name: kind for kind in KINDS}


def storms(seed: int, nodes: int, targets: Sequence[Target]) -> Iterator[Storm]:
    """Storms without end against so many nodes, with faults on these targets only.

    Every kind comes once before any comes again. Within a storm nothing happens twice to the same thing.
    """
    chance = random.Random(seed)
    kinds = [kind for kind in KINDS if kind.target in targets]
    bag: list[Kind] = []
    while True:
        faults: dict[tuple[str, int | None], Fault] = {}
        for _ in range(chance.randint(1, MOST_AT_ONCE)):
            if not bag:
                bag = chance.sample(kinds, len(kinds))
            kind = bag[-1]
            node = chance.randrange(nodes) if kind.of_each_node else None
            thing = (kind.target, node)
            if thing in faults:
                break
            bag.pop()
            faults[thing] = Fault(kind.name, chance.uniform(0.0, SPREAD), _seconds(chance, kind), node)
        yield Storm(chance.uniform(*PAUSE), tuple(sorted(faults.values(), key=lambda fault: fault.at)))


def _seconds(chance: random.Random, kind: Kind) -> float:
    return kind.longest if chance.randrange(LONG) == 0 else chance.uniform(*kind.seconds)
