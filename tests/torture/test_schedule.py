"""The nemesis' schedule: the same for the same seed, everything in it, nothing twice at once."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.torture.schedule import KIND, KINDS, MOST_AT_ONCE, SPREAD, TARGETS, storms

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_storms(seed: int) -> None:
    first, second = (list(islice(storms(seed, 3, TARGETS), 100)) for _ in range(2))
    assert first == second


def test_another_seed_gives_other_storms() -> None:
    firsts = {next(storms(seed, 3, TARGETS)) for seed in SEEDS}
    assert len(firsts) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_comes_before_any_comes_again(seed: int) -> None:
    kinds = [fault.kind for storm in islice(storms(seed, 3, TARGETS), 400) for fault in storm.faults]
    counts = [kinds.count(kind.name) for kind in KINDS]
    assert max(counts) - min(counts) <= 1
    assert min(counts) > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_storm_nothing_happens_twice_to_the_same_thing(seed: int) -> None:
    for storm in islice(storms(seed, 3, TARGETS), 200):
        things = [(KIND[fault.kind].target, fault.node) for fault in storm.faults]
        assert len(set(things)) == len(things)
        assert 1 <= len(things) <= MOST_AT_ONCE
        assert sorted(fault.at for fault in storm.faults) == [fault.at for fault in storm.faults]


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_are_on_nodes_that_are_there_and_within_their_times(seed: int) -> None:
    for storm in islice(storms(seed, 2, TARGETS), 200):
        for fault in storm.faults:
            kind = KIND[fault.kind]
            assert fault.node in ((0, 1) if kind.of_each_node else (None,))
            assert 0 <= fault.at <= SPREAD
            assert kind.seconds[0] <= fault.seconds <= max(kind.seconds[1], kind.longest)


def test_some_faults_outlast_the_limits_of_the_server() -> None:
    faults = [fault for storm in islice(storms(1, 3, TARGETS), 400) for fault in storm.faults]
    for kind in ("stop the storage", "stall a node's way to the storage", "stop a node"):
        assert any(fault.seconds > 5 for fault in faults if fault.kind == kind)


def test_what_is_not_there_is_left_alone() -> None:
    kinds = {fault.kind for storm in islice(storms(1, 1, ["doors"]), 50) for fault in storm.faults}
    assert kinds == {"cut clients", "refuse clients", "stall clients", "slow clients"}
