"""The one tree of errors that a person may see, and the shape they have on the wire.

Every refusal of an action is one of these; the doors map them to the wire with `to_wire` and `status`.
An exception's docstring is its default message (an idea of procrastinate's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

Fields = Mapping[str, Sequence[str]]
"""Dotted paths within the payload (or `type`, `op_id`, `if_seq`), each with what is wrong there."""


class RollcallError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Fields | None = None,
        current: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.fields = fields
        self.current = current
        self.retry_after = retry_after
        self.http_status = status or type(self).status
        super().__init__(self.message)

    def to_wire(self) -> dict[str, Any]:
        """The `error` object of the protocol: `{code, message, fields?, current?, retry_after?}`."""
        wire: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            wire["fields"] = {path: list(messages) for path, messages in self.fields.items()}
        if self.current is not None:
            wire["current"] = self.current
        if self.retry_after is not None:
            wire["retry_after"] = self.retry_after
        return wire


class Invalid(RollcallError):
    """The request is not valid."""

    code = "invalid"
    status = 422

    @classmethod
    def field(cls, path: str, message: str) -> Invalid:
        """An error about one field; the message names it too, for clients that show only the message."""
        return cls(f"{path}: {message}", fields={path: [message]})


class Unauthenticated(RollcallError):
    """Sign in first: the token is missing, wrong or expired."""

    code = "unauthenticated"
    status = 401


class Forbidden(RollcallError):
    """Your role does not allow this here."""

    code = "forbidden"
    status = 403


class NotFound(RollcallError):
    """There is no such thing."""

    code = "not_found"
    status = 404


class Conflict(RollcallError):
    """It has changed since you read it; `current` says what is there now."""

    code = "conflict"
    status = 409


class Locked(RollcallError):
    """The register is closed; ask the office to change it or to reopen it."""

    code = "locked"
    status = 423


class TooLarge(RollcallError):
    """The request is too large."""

    code = "too_large"
    status = 413


class RateLimited(RollcallError):
    """Too many requests; wait a little and try again."""

    code = "rate_limited"
    status = 429


class Unavailable(RollcallError):
    """The storage cannot be reached right now; try again with the same op_id."""

    code = "unavailable"
    status = 503


class Internal(RollcallError):
    """Something went wrong on our side."""

    code = "internal"
    status = 500
