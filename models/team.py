"""Teams and their members: what is kept of them, and what clients may say about them."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.journal import Record
from models.record import digest, record_kind
from models.schema import Id, Name, Payload, SetPayload, StrictString
from models.user import Email

TEAM_ROLES = ("lead", "member")

record_kind("team", indexes=(("room", "name"),))
record_kind("member", indexes=(("room", "name"),))


def team_record(id: str, name: str) -> Record:
    """A new team."""
    return {"kind": "team", "id": id, "name": name, "archived": False}


def member_id(team_id: str, user_id: str) -> str:
    """The id of a user's membership in a team."""
    return f"b{digest(team_id, user_id)}"


def member_record(team_id: str, user: Record, role: str) -> Record:
    """The user as a member of the team: what the team sees of an account."""
    return {
        "kind": "member",
        "id": member_id(team_id, user["id"]),
        "team_id": team_id,
        "user_id": user["id"],
        "name": user["name"],
        "role": role,
    }


class TeamCreatePayload(Payload):
    """`team.create`."""

    team_id = Id()
    name = Name(required=True)


class TeamChanges(SetPayload):
    """The fields of a team that may change."""

    name = Name()


class TeamUpdatePayload(Payload):
    """`team.update`."""

    team_id = Id(required=True)
    set = fields.Nested(TeamChanges, required=True)


class TeamPayload(Payload):
    """An action on a team as a whole."""

    team_id = Id(required=True)


class TeamAddMemberPayload(Payload):
    """`team.add_member`: a user by id or e-mail, who gets this role in the team instead of the one before."""

    team_id = Id(required=True)
    user_id = Id()
    email = Email()
    role = StrictString(required=True, validate=validate.OneOf(TEAM_ROLES, error="must be one of: {choices}"))

    @validates_schema
    def _check_who(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("user_id" in data) == ("email" in data):
            raise ValidationError("must be given, or email instead, but not both", "user_id")


class TeamRemoveMemberPayload(Payload):
    """`team.remove_member`."""

    team_id = Id(required=True)
    user_id = Id(required=True)
