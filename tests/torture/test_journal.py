"""The verdict finds what is wrong in the storage, and what of it did not arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.torture.journal import Journal, StoredEntry, check_records, check_view, read_journal
from tests.torture.known import Json, KnownRoom
from tests.torture.sent import Sent
from tests.torture.test_view import DAY, TOPIC, Sight, mark, update
from tests.torture.violations import Violations


def entry(seq: int, *, number: int | None = None, **more: Any) -> StoredEntry:
    """As stored by writer `w0`, as its action `number`, which is `seq` unless given."""
    op_id = f"w0-{seq if number is None else number}"
    base = StoredEntry(f"c{seq}", seq, "attendance.mark", mark(seq), "u", "t", op_id, (TOPIC,))
    return base._replace(**more)


def verdict(
    entries: Sequence[StoredEntry], acks: Sequence[int] = (), shown: Sequence[Json] = ()
) -> dict[str, int]:
    """What is found in a journal, where the writer was answered `acks` for its actions 1, 2, …."""
    violations = Violations()
    room = KnownRoom(TOPIC, violations)
    for each in shown:
        room.show(each["seq"], each, "v0")
    sent = Sent("w0", "u", TOPIC, violations)
    for number in range(10):
        sent.next()
        if 0 < number <= len(acks) and acks[number - 1]:
            seq = acks[number - 1]
            sent.answer(
                number,
                {"op_id": f"w0-{number}", "room": TOPIC, "seq": seq, "data": mark(seq), "duplicate": False},
            )
    read_journal(room, entries, {"w0": sent}, violations)
    return dict(violations.counts)


def test_a_journal_as_it_should_be_is_no_violation() -> None:
    derived = entry(3, by=None, op_id=None)
    assert verdict([entry(1), entry(2), derived, entry(4, number=3)], [1, 2, 4], [update(2, 1)]) == {}


def test_what_was_never_acknowledged_may_be_there_or_not() -> None:
    assert verdict([entry(1), entry(2)], [1]) == {}
    assert verdict([entry(1)], [1]) == {}


def test_acknowledged_and_not_stored_is_lost() -> None:
    assert verdict([entry(1)], [1, 2]) == {"lost": 1}


def test_shown_and_not_stored_is_lost() -> None:
    assert verdict([entry(1)], [1], [update(2, 1)]) == {"lost": 1}


def test_a_number_that_is_missing_is_lost() -> None:
    assert verdict([entry(1), entry(3)]) == {"lost": 1}


def test_a_number_that_comes_twice_is_duplicated() -> None:
    assert verdict([entry(1), entry(1, number=2)]) == {"duplicated": 1}


def test_an_action_that_is_stored_twice_is_duplicated() -> None:
    assert verdict([entry(1), entry(2, number=1)], [1]) == {"duplicated": 1}


def test_acknowledged_as_another_is_diverged() -> None:
    assert verdict([entry(1), entry(2, number=3, data=mark(2))], [1, 0, 1]) == {"diverged": 2}


def test_acknowledged_otherwise_than_it_is_stored_is_diverged() -> None:
    assert verdict([entry(1, data=mark(1, "A"))], [1]) == {"diverged": 1}


def test_shown_otherwise_than_it_is_stored_is_diverged() -> None:
    assert verdict([entry(1)], [], [update(1, 0, data=mark(1, "A"))]) == {"diverged": 1}


@pytest.mark.parametrize("wrong", [entry(1, by="somebody"), entry(1, op_id="w0-99")])
def test_what_nobody_has_sent_is_diverged(wrong: StoredEntry) -> None:
    assert verdict([wrong]) == {"diverged": 1}


def seen(sight: Sight, entries: Sequence[StoredEntry]) -> dict[str, int]:
    """What is found in a view."""
    journal = read_journal(sight.room, entries, {}, sight.violations)
    check_view(sight.view, journal, DAY, sight.violations)
    return sight.counts


STORED = [entry(seq) for seq in range(1, 7)]


def test_a_view_that_has_seen_everything_is_no_violation() -> None:
    sight = Sight()
    sight.snapshot(2, mark(2))
    sight.push(3, 4)
    sight.tail(6, update(5, 4), update(6, 5))
    assert seen(sight, STORED) == {}


def test_an_entry_that_never_came_is_lost_though_prev_does_not_show_it() -> None:
    sight = Sight()
    sight.snapshot(2, mark(2))
    sight.push(3)
    for seq, prev in ((5, 3), (6, 5)):
        sight.view.update(update(seq, prev), 0.0)
    assert seen(sight, STORED) == {"lost": 1}


def test_an_entry_of_another_topic_is_diverged() -> None:
    sight = Sight()
    sight.snapshot(4, mark(4))
    sight.push(5, 6)
    stored = [*STORED[:4], entry(5, topics=("class:s1-c1",)), STORED[5]]
    assert seen(sight, stored) == {"diverged": 1}


def test_a_view_that_has_stopped_is_diverged() -> None:
    sight = Sight()
    sight.snapshot(2, mark(2))
    sight.push(3, 4)
    assert seen(sight, STORED) == {"diverged": 2}


def test_a_view_with_another_record_is_diverged() -> None:
    sight = Sight()
    sight.snapshot(6, mark(6, "A"))
    assert seen(sight, STORED) == {"diverged": 1}


def test_a_view_with_a_record_that_is_not_there_is_diverged() -> None:
    sight = Sight()
    sight.snapshot(6, mark(6), mark(6, id="m2"))
    assert seen(sight, STORED) == {"diverged": 1}


def test_another_day_and_what_snapshots_leave_out_are_not_compared() -> None:
    sight = Sight()
    sight.snapshot(
        6, mark(6), {**mark(6, id="m2"), "date": "2026-03-01"}, {"kind": "comment", "id": "c", "seq": 6}
    )
    assert seen(sight, STORED) == {}


def test_records_are_what_the_journal_adds_up_to() -> None:
    journal = Journal(records={("mark", "m1"): mark(6)})
    for stored, found in (
        ({("mark", "m1"): mark(6)}, {}),
        ({("mark", "m1"): mark(5)}, {"diverged": 1}),
        ({}, {"diverged": 1}),
    ):
        violations = Violations()
        check_records(TOPIC, journal, stored, violations)
        assert violations.counts == found
