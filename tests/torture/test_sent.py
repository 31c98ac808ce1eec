"""What a writer is answered: once, and always the same."""

from __future__ import annotations

from typing import Any

from tests.torture.sent import Order, Sent
from tests.torture.violations import Violations

ROOM = "school:s1"


def ack(seq: int, number: int = 0, **more: Any) -> dict[str, Any]:
    data = {"kind": "mark", "id": "m1", "seq": seq}
    return {"op_id": f"w0-{number}", "room": ROOM, "seq": seq, "data": data, "duplicate": False, **more}


def a_writer(count: int = 1) -> tuple[Sent, Violations]:
    violations = Violations()
    sent = Sent("w0", "u", ROOM, violations)
    assert [sent.next() for _ in range(count)] == [(number, f"w0-{number}") for number in range(count)]
    return sent, violations


def test_the_first_answer_counts_and_the_same_again_is_fine() -> None:
    sent, violations = a_writer()
    assert sent.answer(0, ack(7))
    assert not sent.answer(0, ack(7, duplicate=True))
    assert (sent.seq(0), sent.acknowledged) == (7, 1)
    assert not violations


def test_an_answer_whose_first_form_was_lost_is_fine() -> None:
    sent, violations = a_writer()
    assert sent.answer(0, ack(7, duplicate=True))
    assert not violations


def test_accepted_twice_is_duplicated() -> None:
    sent, violations = a_writer()
    sent.answer(0, ack(7))
    sent.answer(0, ack(7))
    assert violations.counts == {"duplicated": 1}


def test_another_number_the_second_time_is_duplicated() -> None:
    sent, violations = a_writer()
    sent.answer(0, ack(7))
    sent.answer(0, ack(8, duplicate=True))
    assert violations.counts == {"duplicated": 1}


def test_another_record_the_second_time_is_duplicated() -> None:
    sent, violations = a_writer()
    sent.answer(0, ack(7))
    sent.answer(0, ack(7, duplicate=True, data={"kind": "mark", "id": "m2", "seq": 7}))
    assert violations.counts == {"duplicated": 1}


def test_the_answer_to_another_action_is_diverged() -> None:
    sent, violations = a_writer(2)
    sent.answer(0, ack(7, number=1))
    sent.answer(0, ack(7, room="school:s2"))
    assert violations.counts == {"diverged": 2}


def test_decisions_in_the_order_of_sending_are_fine() -> None:
    violations = Violations()
    order = Order("w0", violations)
    for place, seq in ((1, 10), (2, 11), (5, 20)):
        order.accepted(place, seq)
    assert not violations


def test_an_action_that_overtakes_another_is_reordered() -> None:
    for decided in ([(2, 10), (1, 11)], [(1, 11), (2, 10)]):
        violations = Violations()
        order = Order("w0", violations)
        for place, seq in decided:
            order.accepted(place, seq)
        assert violations.counts == {"reordered": 1}
