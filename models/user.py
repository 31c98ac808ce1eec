"""User accounts: what is kept of them, and the rules for e-mail addresses, passwords and roles."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.actor import ROLE_SCOPES
from models.errors import Invalid
from models.journal import ORG, Record
from models.record import record_kind
from models.schema import ID, LIST_LENGTH, NOTE_LENGTH, Id, Name, Payload, SetPayload, StrictString

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\Z")
EMAIL_LENGTH = 254
"""RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, its angle brackets included."""

PASSWORD_BYTES = (10, 72)
"""bcrypt takes 72 bytes at most into account."""

_MOST_COMMON = """
    0123456789 0987654321 1122334455 1234512345 123456789a 123456789q 1234567890 12345678900 12345678910
    1234567891 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc abcdefghij administrator asdfghjkl1 asdfghjkl; basketball
    football123 iloveyou12 iloveyou123 letmein123 liverpool1 manchester monkey12345 password01 password10
    password11 password12 password123 password1234 password12345 passwordpassword princess123 q1w2e3r4t5
    q1w2e3r4t5y6 qazwsxedcrfv qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop1 qwertyuiop[]
    sunshine123 superman123 testtest123 unknown123 welcome123 welcome1234 zaq12wsxcde3 zxcvbnm123
"""
COMMON_PASSWORDS = frozenset(_MOST_COMMON.split())
"""From the head of the published lists of leaked passwords, what the rule of length lets through."""

SCHOOL_ROLES = frozenset({"school_admin", "office", "viewer", "teacher"})
"""The roles that lie within one school, and that its admin may give."""

MOST_PREFERENCES = 50

PASSWORD_HASH = "_password_hash"  # noqa: S105 - the name of a field
"""Where a payload carries a password's hash once the password is taken out. No client can send this field."""

record_kind("user", indexes=(("room", "email"), ("room", "name")), lists=("scopes",))

Roles = Sequence[Mapping[str, str]]
"""Role assignments, each `{role, scope}`."""


def user_record(
    id: str, *, email: str, name: str, roles: Roles, school_of: Mapping[str, str], created_at: str
) -> Record:
    """A new account. `school_of` gives the school's id for each class that a role is held in."""
    return {
        "kind": "user",
        "id": id,
        "email": email,
        "name": name,
        **assigned(roles, school_of),
        "disabled": False,
        "preferences": {},
        "created_at": created_at,
    }


def assigned(roles: Roles, school_of: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an account that hold these roles.

    `scopes`: where the roles are held, each place once, and with a class its school, so that the users of a
    school can be found.
    """
    scopes: dict[str, None] = {}
    for assignment in roles:
        noun, _, id = assignment["scope"].partition(":")
        scopes[assignment["scope"]] = None
        if noun == "class":
            scopes[f"school:{school_of[id]}"] = None
    return {"roles": [{"role": a["role"], "scope": a["scope"]} for a in roles], "scopes": list(scopes)}


def lies_within(user: Record, schools: Collection[str]) -> bool:
    """Whether the user has roles and all of them lie within the schools, given as scopes `school:ID`."""
    held = {scope for scope in user["scopes"] if scope.startswith("school:")}
    only_there = all(assignment["role"] in SCHOOL_ROLES for assignment in user["roles"])
    return bool(held) and only_there and held <= set(schools)


def is_active_admin(user: Record) -> bool:
    """Whether the user can act as admin."""
    return not user["disabled"] and any(assignment["role"] == "admin" for assignment in user["roles"])


def team_roles(user: Record) -> dict[str, str]:
    """The user's role in each of their teams, by the team's id."""
    teams = (a for a in user["roles"] if a["scope"].startswith("team:"))
    return {assignment["scope"].partition(":")[2]: assignment["role"] for assignment in teams}


def with_team_role(user: Record, team_id: str, role: str | None) -> Record:
    """The user with this role in the team instead of the one before; with None without any."""
    scope = f"team:{team_id}"
    roles = [assignment for assignment in user["roles"] if assignment["scope"] != scope]
    scopes = [held for held in user["scopes"] if held != scope]
    if role is not None:
        roles.append({"role": role, "scope": scope})
        scopes.append(scope)
    return {**user, "roles": roles, "scopes": scopes}


def normal_email(text: str) -> str:
    """An e-mail address as accounts are found by it: no space around it, lower case, composed (NFC)."""
    return unicodedata.normalize("NFC", text.strip().lower())


def check_password(password: str, *, email: str, name: str) -> None:
    """Return if the password may be used for this account; Invalid otherwise, without repeating it."""
    least, most = PASSWORD_BYTES
    size = len(password.encode())
    told = {email, email.partition("@")[0], name.strip().lower()}
    if any(unicodedata.category(character) == "Cc" for character in password):
        raise Invalid.field("password", "must not contain control characters")
    if size < least:
        raise Invalid.field("password", f"must have at least {least} characters")
    if size > most:
        raise Invalid.field("password", f"must have at most {most} bytes, that is {most} plain letters")
    if password.lower() in told:
        raise Invalid.field("password", "must not be the e-mail address or the name")
    if password.lower() in COMMON_PASSWORDS or len(set(password)) == 1:
        raise Invalid.field("password", "is one of the most common passwords; choose another")


class Email(StrictString):
    """An e-mail address, in the form of `normal_email`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        email = normal_email(super()._deserialize(value, attr, data, **kwargs))
        printable = not any(unicodedata.category(character).startswith("C") for character in email)
        if not EMAIL.match(email) or len(email.encode()) > EMAIL_LENGTH or not printable:
            raise ValidationError("must be an e-mail address, such as name@example.com")
        return email


class RolePayload(Payload):
    """One role in one place."""

    role = StrictString(
        required=True, validate=validate.OneOf(tuple(ROLE_SCOPES), error="must be one of: {choices}")
    )
    scope = StrictString(required=True)

    @validates_schema
    def _check_scope(self, data: dict[str, str], **kwargs: Any) -> None:
        wanted = ROLE_SCOPES[data["role"]]
        noun, _, id = data["scope"].partition(":")
        if wanted == ORG:
            if data["scope"] != ORG:
                raise ValidationError(f"must be {ORG} for the role {data['role']}", "scope")
        elif noun != wanted or not ID.match(id):
            raise ValidationError(f"must be {wanted}:ID for the role {data['role']}", "scope")


def _no_role_twice(roles: list[dict[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    teams: set[str] = set()
    for assignment in roles:
        pair = (assignment["role"], assignment["scope"])
        if pair in seen:
            raise ValidationError(f"must name each role once, but {pair[0]} in {pair[1]} stands twice")
        if pair[1] in teams:
            raise ValidationError(f"must name one role for each team, but {pair[1]} has two")
        seen.add(pair)
        if pair[1].startswith("team:"):
            teams.add(pair[1])


def _Roles(**kwargs: Any) -> fields.List[Any]:  # noqa: N802 - stands where a field class would
    size = validate.Length(max=LIST_LENGTH, error="must have at most {max} roles")
    return fields.List(fields.Nested(RolePayload), validate=[size, _no_role_twice], **kwargs)


def _check_preferences(preferences: dict[Any, Any]) -> None:
    if len(preferences) > MOST_PREFERENCES:
        raise ValidationError(f"must have at most {MOST_PREFERENCES} entries")
    for key, value in preferences.items():
        if not isinstance(key, str) or not ID.match(key):
            raise ValidationError("must have names of 1 to 64 of A-Z a-z 0-9 _ -")
        if not _is_plain(value):
            raise ValidationError(f"{key} must be a text, a number, true, false or null")


def _is_plain(value: Any) -> bool:
    """Whether the value is small, and read alike everywhere: JavaScript is exact below 2**53."""
    if isinstance(value, str):
        return len(value) <= NOTE_LENGTH and value.isprintable()
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) < 2**53)


class UserCreatePayload(Payload):
    """`user.create`; without a password nobody can sign in to the account yet."""

    email = Email(required=True)
    name = Name(required=True)
    password = StrictString()
    roles = _Roles(load_default=list)


class UserSignUpPayload(Payload):
    """`user.sign_up`: an account that somebody makes for themselves."""

    email = Email(required=True)
    name = Name(required=True)
    password = StrictString(required=True)


class UserChanges(SetPayload):
    """The fields of an account that may change. `preferences` are replaced as a whole."""

    email = Email()
    name = Name()
    preferences = fields.Dict(validate=_check_preferences)


class UserUpdatePayload(Payload):
    """`user.update`."""

    user_id = Id(required=True)
    set = fields.Nested(UserChanges, required=True)


class UserSetRolesPayload(Payload):
    """`user.set_roles`: these roles instead of the ones before."""

    user_id = Id(required=True)
    roles = _Roles(required=True)


class UserPayload(Payload):
    """An action on an account as a whole."""

    user_id = Id(required=True)
