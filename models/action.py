"""What a client asks for, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.actor import Actor
from models.journal import Record

Payload = dict[str, Any]
"""An action's payload after its schema: every declared field present or defaulted, nothing else."""


@dataclass(slots=True)
class Action:
    """An action as a door builds it. `payload`, `op_id` and `if_seq` are still as the client sent them."""

    type: Any
    payload: Any
    op_id: Any
    actor: Actor
    if_seq: Any = None


@dataclass(slots=True)
class Ack:
    """The answer to an accepted action. `data`: the record it is about, or a list of them; `seq`: of its
    last entry.
    """

    op_id: str | None
    room: str
    seq: int
    data: Record | list[Record]
    duplicate: bool = False

    def to_wire(self) -> dict[str, Any]:
        return {
            "ok": True,
            "op_id": self.op_id,
            "room": self.room,
            "seq": self.seq,
            "data": self.data,
            "duplicate": self.duplicate,
        }
