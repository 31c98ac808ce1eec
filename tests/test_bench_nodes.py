"""The benchmarks of several nodes and of a day: what they compute, and that they run to their end."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from bench.crowd import Round
from bench.day import Day, Minute, spans, students
from bench.day import report as day_report
from bench.generator import Load, LoadFailed, Share
from bench.load import Samples
from bench.nodes import BY_ROOM, EVENLY, ONE, HotRound, cpu_of_nodes, node_of, pictures
from bench.quiet import Kept
from bench.servers import Size
from tests.parts.missing import missing
from tests.parts.redis import redis_binary
from tests.test_bench import rows, run

SMALL = ("--rounds", "1", "--noisy")
AT_ONCE = ("--settle", "0.1")
ONE_NODE = Load(2.0, 1.0, 0.5, 10, 1_000, 200.0, 1.0, 2.0, 0.0, (Share(1.0, 1_000),))
TWO_NODES = replace(ONE_NODE, deliveries=2_000, nodes=(Share(0.75, 1_000), Share(0.25, 1_000)))


pytestmark = pytest.mark.usefixtures("compiler")


def node(*ack_ms: float) -> Round:
    """What a node has shown that acknowledged as many marks, each after so many milliseconds."""
    return Round(2.0, Samples(0.0, len(ack_ms), list(ack_ms)), len(ack_ms), 0.2, 0.1)


# -- several nodes


def test_the_writers_of_a_room_are_on_one_node_or_spread_over_all() -> None:
    size = Size(schools=2, classes=4)
    first = [f"s1-c{number}" for number in range(1, 5)]
    assert {node_of(BY_ROOM, size, 2)[id] for id in first} == {0}
    assert set(node_of(BY_ROOM, size, 2).values()) == {0, 1}
    assert [node_of(EVENLY, size, 2)[id] for id in first] == [0, 1, 0, 1]
    assert set(node_of(ONE, size, 2).values()) == {0}


def test_what_a_delivery_costs_is_told_apart_for_the_nodes_that_only_receive() -> None:
    assert cpu_of_nodes(TWO_NODES, 0) == pytest.approx(500)
    assert cpu_of_nodes(TWO_NODES, 0, 1) == pytest.approx(750)
    assert cpu_of_nodes(TWO_NODES, 1) == pytest.approx(250)


def test_marks_of_all_nodes_are_taken_together_and_their_shares_compared() -> None:
    hot = HotRound([node(1, 2, 3, 4), node(5, 6)])
    assert hot.rate == 3
    assert (hot.ack_ms(0.5), hot.ack_ms(0.99)) == (4, 6)
    assert hot.unevenness == 2
    assert HotRound([node(1), node()]).unevenness == inf


def test_nodes_that_acknowledge_nothing_have_no_latency() -> None:
    with pytest.raises(LoadFailed, match="none of the writers' marks"):
        HotRound([node(), node()]).ack_ms(0.5)


def test_only_several_nodes_have_receiving_ones_in_the_picture() -> None:
    kept = {("Rollcall", 1): Kept([ONE_NODE]), ("Rollcall", 2): Kept([TWO_NODES])}
    drawn = pictures(kept)
    assert list(drawn) == ["nodes-deliveries.svg", "nodes-cpu.svg"]
    assert "Rollcall, receiving" in drawn["nodes-cpu.svg"]
    assert "Rollcall, receiving" not in pictures({("Rollcall", 1): Kept([ONE_NODE])})["nodes-cpu.svg"]


def test_nodes_are_measured_and_drawn(mongodb_url: str, tmp_path: Path) -> None:
    if redis_binary() is None:
        missing("Redis", "install redis-server")
    size = ("--nodes", "2", "--members", "3", "--schools", "2", "--classes", "2")
    times = ("--seconds", "0.3", "--warm-up", "0.1", "--pictures", str(tmp_path))
    printed = run("nodes", *SMALL, "--only", "Rollcall", "--mongodb", mongodb_url, *size, *times, *AT_ONCE)
    assert [row[2] for row in rows(printed) if row[0] == "Rollcall"] == ["1, writing", "2, receiving"]
    assert [row[0] for row in rows(printed)][-3:] == [ONE, EVENLY, BY_ROOM]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nodes-cpu.svg", "nodes-deliveries.svg"]


# -- a day


def test_minutes_are_whole_but_the_last() -> None:
    assert spans(2.5) == [60, 60, 30]
    assert spans(0.01) == [0.6]


def test_every_school_has_its_turn_before_one_has_another() -> None:
    assert students(2)[:4] == ["s1-c1-p1", "s2-c1-p1", "s1-c1-p2", "s2-c1-p2"]


def test_the_day_shows_memory_before_in_and_after_its_minutes() -> None:
    day = Day(2, 5, 20, empty=1 << 20, start=2 << 20, end=4 << 20, minutes=[Minute(ONE_NODE, 3 << 20, True)])
    assert [(row[0], row[5]) for row in rows(day_report(day))] == [
        ("nobody connected", "1"),
        ("start", "2"),
        ("1", "3"),
        ("end", "4"),
    ]


def test_a_day_is_measured() -> None:
    size = ("--minutes", "0.01", "--rooms", "2", "--members-each", "3", "--pace", "20")
    printed = run("day", *size, *AT_ONCE)
    assert [row[0] for row in rows(printed)] == ["nobody connected", "start", "1", "end"]
