"""Each check of a view finds what it is there for, and nothing in a history as it should be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.torture.durations import Durations
from tests.torture.known import Json, KnownRoom
from tests.torture.view import View
from tests.torture.violations import Violations

DAY = "2026-03-02"
TOPIC = "school:s1"


class Sight:
    """A view of `school:s1`, and what its room is known to hold."""

    def __init__(self, topic: str = TOPIC) -> None:
        self.violations = Violations()
        self.staleness = Durations()
        self.room = KnownRoom("school:s1", self.violations)
        self.view = View("v0", topic, DAY, self.room, self.violations, self.staleness)

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.violations.counts)

    def snapshot(self, seq: int, *records: Json, now: float = 0.0) -> None:
        self.view.request()
        answer = {"position": {"epoch": "e", "seq": seq}, "mode": "snapshot", "records": list(records)}
        self.view.reply(answer, now)

    def tail(self, seq: int, *entries: Json, now: float = 0.0) -> None:
        self.view.request()
        self.view.reply(
            {"position": {"epoch": "e", "seq": seq}, "mode": "tail", "entries": list(entries)}, now
        )

    def push(self, *seqs: int, now: float = 0.0) -> bool:
        """Each with the one before it as `prev`; whether the last one made it ask again."""
        again = False
        for seq in seqs:
            again = self.view.update(update(seq, seq - 1), now)
        return again


def mark(seq: int, code: str = "P", id: str = "m1") -> Json:
    return {"kind": "mark", "id": id, "seq": seq, "date": DAY, "code": code}


def update(seq: int, prev: int, **more: Any) -> Json:
    base = {"type": "attendance.mark", "by": "u", "at": "t", "op_id": f"w0-{seq}", "data": mark(seq)}
    return {"topic": TOPIC, "seq": seq, "prev": prev, **base, **more}


def test_a_history_as_it_should_be_is_no_violation() -> None:
    sight = Sight()
    sight.snapshot(3, mark(3))
    sight.push(3, 4, 5)
    sight.view.lost()
    assert sight.view.request()["since"] == {"epoch": "e", "seq": 5}
    sight.tail(8, update(6, 5), update(8, 6))
    sight.push(8, 9)
    assert sight.counts == {}
    assert sight.view.seq == 9
    assert [list(stretch.seqs) for stretch in sight.view.stretches] == [[4, 5, 6, 8, 9]]
    assert [(stretch.after, stretch.end) for stretch in sight.view.stretches] == [(3, 9)]
    assert sight.view.records["mark", "m1"]["seq"] == 9


def test_an_update_that_comes_twice_is_duplicated() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.push(4, 5, 5)
    sight.push(4)
    assert sight.counts == {"duplicated": 2}


def test_an_update_that_comes_late_is_reordered() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.view.update(update(5, 3), 0.0)
    sight.view.update(update(4, 3), 0.0)
    assert sight.counts == {"reordered": 1}


def test_order_is_that_of_one_subscription() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.push(4, 5)
    sight.tail(5)
    sight.push(5, 6)
    assert sight.counts == {}


def test_a_hole_is_lost_and_asked_for() -> None:
    sight = Sight()
    sight.snapshot(3)
    assert not sight.push(4)
    assert sight.push(6)
    assert sight.counts == {"lost": 1}
    assert sight.view.request()["since"]["seq"] == 4


def test_while_it_waits_for_a_reply_it_counts_no_hole() -> None:
    sight = Sight()
    sight.snapshot(3)
    assert sight.view.resync()
    assert "since" not in sight.view.request()
    assert not sight.push(9)
    assert sight.counts == {}


def test_a_tail_with_a_hole_is_lost() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.tail(9, update(5, 3), update(9, 8))
    assert sight.counts == {"lost": 1}


@pytest.mark.parametrize(("seqs", "kind"), [((5, 5), "duplicated"), ((5, 6, 4), "reordered")])
def test_a_tail_is_in_order(seqs: tuple[int, ...], kind: str) -> None:
    sight = Sight()
    sight.snapshot(3)
    before = [3, *seqs]
    sight.tail(9, *(update(seq, prev) for seq, prev in zip(seqs, before, strict=False)))
    assert sight.counts == {kind: 1}


def test_a_tail_that_was_not_asked_for_is_diverged() -> None:
    sight = Sight()
    sight.tail(9, update(9, 3))
    assert sight.counts == {"diverged": 1}


def test_a_tail_beyond_its_position_is_diverged() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.tail(4, update(4, 3), update(5, 4))
    assert sight.counts == {"diverged": 1}


def test_a_snapshot_from_the_past_is_lost() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.push(4, 5)
    sight.view.forget()
    sight.snapshot(4)
    assert sight.counts == {"lost": 1}


@pytest.mark.parametrize("shown", [[], [mark(2)]])
def test_a_snapshot_without_what_was_acknowledged_before_its_position_is_lost(shown: list[Json]) -> None:
    sight = Sight()
    sight.room.acknowledge(3, 0.0, mark(3), (TOPIC,))
    sight.snapshot(3, *shown)
    assert sight.counts == {"lost": 1}


def test_a_snapshot_need_not_hold_what_came_later_or_belongs_elsewhere() -> None:
    sight = Sight()
    sight.room.acknowledge(4, 0.0, mark(4), (TOPIC,))
    sight.room.acknowledge(2, 0.0, mark(2, id="m2"), ("class:s1-c2",))
    sight.snapshot(3)
    assert sight.counts == {}


def test_what_two_are_shown_otherwise_is_diverged() -> None:
    sight = Sight()
    other = View("v1", TOPIC, DAY, sight.room, sight.violations, sight.staleness)
    sight.snapshot(3)
    sight.push(4)
    other.update(update(4, 3, data=mark(4, "A")), 0.0)
    assert sight.counts == {"diverged": 1}


def test_only_newer_records_replace_and_deleted_ones_go() -> None:
    sight = Sight()
    sight.snapshot(3, mark(5, "L"))
    sight.push(4)
    assert sight.view.records["mark", "m1"]["code"] == "L"
    sight.view.update(update(6, 4, data={"kind": "mark", "id": "m1", "seq": 6, "deleted": True}), 0.0)
    assert sight.view.records == {}
    assert sight.counts == {}


def test_conflated_topics_leave_entries_out() -> None:
    sight = Sight("summary:s1")
    sight.snapshot(3)
    sight.view.update(update(9, 3), 0.0)
    assert sight.view.stretches[0].end == 3
    assert sight.counts == {}


def test_staleness_is_the_time_from_acknowledgement_to_sight() -> None:
    sight = Sight()
    sight.snapshot(3)
    sight.room.acknowledge(4, 10.0, mark(4), (TOPIC,))
    sight.push(4, now=10.5)
    assert sight.staleness.worst == 0.5
    sight.room.acknowledge(6, 11.0, mark(6), (TOPIC,))
    sight.room.acknowledge(7, 12.0, mark(7), (TOPIC,))
    sight.view.forget()
    sight.snapshot(7, mark(7), now=13.0)
    assert sight.staleness.worst == 2.0
