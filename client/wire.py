"""What travels between a client and the server, as docs/protocol.md describes it: JSON objects, and these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
"""A JSON object that nobody changes: a record, an update, an ack, an error."""

RETRYABLE = ("unavailable", "rate_limited")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a room's journal."""

    epoch: str
    seq: int

    def to_wire(self) -> dict[str, Any]:
        """As the server gave it."""
        return {"epoch": self.epoch, "seq": self.seq}

    @staticmethod
    def from_wire(wire: Json) -> Position:
        """As the server gives it."""
        return Position(wire["epoch"], wire["seq"])


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with the seconds it is still good for."""

    access_token: str
    expires_in: float


def is_retryable(error: Json) -> bool:
    """Whether the same may be sent again: nothing was decided, or what was decided will be told again."""
    return error["code"] in RETRYABLE
