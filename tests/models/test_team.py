from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from models.schema import ID, invalid_from
from models.team import TeamAddMemberPayload, member_id, member_record, team_record


def test_a_new_team() -> None:
    assert team_record("t1", "Sports day") == {
        "kind": "team",
        "id": "t1",
        "name": "Sports day",
        "archived": False,
    }


def test_a_member_shows_nothing_of_the_account_but_its_name() -> None:
    user = {"kind": "user", "id": "u1", "name": "Ada", "email": "ada@example.test", "roles": [], "seq": 4}
    assert member_record("t1", user, "lead") == {
        "kind": "member",
        "id": member_id("t1", "u1"),
        "team_id": "t1",
        "user_id": "u1",
        "name": "Ada",
        "role": "lead",
    }


def test_the_id_of_a_member_follows_from_team_and_user() -> None:
    assert member_id("t1", "u1") == member_id("t1", "u1")
    assert member_id("t1", "u1") != member_id("t", "1u1")
    assert ID.match(member_id("t" * 64, "u" * 64))


@pytest.mark.parametrize("who", [{"user_id": "u1"}, {"email": "Ada@example.test"}])
def test_a_member_is_named_by_id_or_by_address(who: dict[str, str]) -> None:
    payload = TeamAddMemberPayload().load({"team_id": "t1", "role": "lead", **who})
    assert payload == {"team_id": "t1", "role": "lead", **{k: v.lower() for k, v in who.items()}}


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ({}, "user_id"),
        ({"user_id": "u1", "email": "ada@example.test"}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"email": "ada"}, "email"),
        ({"user_id": "u1", "role": "admin"}, "role"),
        ({"user_id": "u1", "since": "today"}, "since"),
    ],
)
def test_a_wrong_field_of_a_new_member_is_named(who: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TeamAddMemberPayload().load({"team_id": "t1", "role": "member", **who})
    assert list(invalid_from(caught.value).fields or {}) == [path]
