"""Sessions, from a sign-in to its end: records of the user's own room, where an end reaches every node."""

from __future__ import annotations

from marshmallow import validate

from models.journal import Record
from models.record import record_kind
from models.schema import Id, Moment, Payload, StrictString

SIGNED_OUT = "signed_out"
"""The user ended the session."""

REUSE = "reuse"
"""A refresh token was used twice: one of its two holders is not the user, so both lose the session."""

DISABLED = "disabled"
"""The account was disabled: what was signed in before stays out, also after it is enabled again."""

NEW_PASSWORD = "new_password"  # noqa: S105 - a reason
"""The account got another password: who knew the old one is out."""

REASONS = (SIGNED_OUT, REUSE, DISABLED, NEW_PASSWORD)

record_kind("session", indexes=(("room", "ended_at", "at"),))


def user_room(user_id: str) -> str:
    """The room of a user's own records."""
    return f"user:{user_id}"


def session_record(session_id: str, user_id: str, at: str) -> Record:
    """A session that begins at `at`; its id is the `sid` of its tokens."""
    return {
        "kind": "session",
        "id": session_id,
        "user_id": user_id,
        "at": at,
        "ended_at": None,
        "reason": None,
    }


def ended_session(session: Record, at: str, reason: str) -> Record:
    """The session, over since `at`. Nothing begins it again."""
    return {**session, "ended_at": at, "reason": reason}


class LoginPayload(Payload):
    """`user.login`."""

    user_id = Id(required=True)
    session_id = Id(required=True)


class LogoutPayload(Payload):
    """`user.logout`: one session, or without `session_id` all that are open; `before` spares those begun
    later.
    """

    user_id = Id(required=True)
    session_id = Id(load_default=None, allow_none=True)
    before = Moment(load_default=None, allow_none=True)
    reason = StrictString(required=True, validate=validate.OneOf(REASONS))
