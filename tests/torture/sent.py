"""What one writer has sent and what it was answered: the queue of Jepsen's total-queue, in arrays."""

from __future__ import annotations

from array import array

from tests.torture.known import Json, fingerprint
from tests.torture.violations import Violations


class Sent:
    """Actions 0, 1, … of one writer, who writes in one room. Nine bytes for each.

    The op_id of action N is `NAME-N`; `by` is the user who sends it.
    """

    def __init__(self, name: str, by: str, room: str, violations: Violations) -> None:
        self.name = name
        self.by = by
        self.room = room
        self.count = 0
        self.acknowledged = 0
        self.refused = 0
        self._violations = violations
        self._seqs = array("I")
        self._answers = array("I")
        self._accepted = bytearray()

    def next(self) -> tuple[int, str]:
        """The number and op_id of the next action."""
        number = self.count
        self.count += 1
        self._seqs.append(0)
        self._answers.append(0)
        self._accepted.append(0)
        return number, self.op_id(number)

    def op_id(self, number: int) -> str:
        """What the action is sent with, always."""
        return f"{self.name}-{number}"

    def answer(self, number: int, ack: Json) -> bool:
        """The action was accepted, now or before; True for the first answer."""
        if ack["op_id"] != self.op_id(number) or ack["room"] != self.room:
            self._violations.add("diverged", f"{self.op_id(number)} got another's answer: {ack}")
            return False
        seq, answer = ack["seq"], answer_fingerprint(ack["data"])
        if not ack["duplicate"]:
            if self._accepted[number]:
                self._violations.add("duplicated", f"{self.op_id(number)} was accepted twice: {ack}")
            self._accepted[number] = 1
        if not self._seqs[number]:
            self._seqs[number], self._answers[number] = seq, answer
            self.acknowledged += 1
            return True
        if (self._seqs[number], self._answers[number]) != (seq, answer):
            self._violations.add(
                "duplicated", f"{self.op_id(number)} was {self._seqs[number]} before, and is now {ack}"
            )
        return False

    def seq(self, number: int) -> int:
        """As what it was acknowledged; 0: it was not."""
        return self._seqs[number]

    def answered(self, number: int) -> int:
        """The fingerprint of the record in the acknowledgement."""
        return self._answers[number]


def answer_fingerprint(data: object) -> int:
    """A number for the record in an answer, the same wherever it comes from; never 0."""
    return fingerprint("", data, None, "", None)


class Order:
    """The actions of one connection are decided in the order in which they were sent."""

    def __init__(self, who: str, violations: Violations) -> None:
        self._who = who
        self._violations = violations
        self._place = 0
        self._seq = 0

    def accepted(self, place: int, seq: int) -> None:
        """What was sent as the connection's `place`-th was decided by that, as `seq`. Answers come in the
        order of decisions.
        """
        if place <= self._place or seq <= self._seq:
            self._violations.add(
                "reordered",
                f"{self._who}: action {place} became {seq} after action {self._place} became {self._seq}",
            )
        self._place, self._seq = max(place, self._place), max(seq, self._seq)
