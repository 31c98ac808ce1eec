from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from models.actor import ROLE_SCOPES
from models.errors import Invalid
from models.schema import invalid_from
from models.user import (
    COMMON_PASSWORDS,
    PASSWORD_BYTES,
    UserCreatePayload,
    UserSetRolesPayload,
    UserUpdatePayload,
    check_password,
    is_active_admin,
    lies_within,
    normal_email,
    team_roles,
    user_record,
    with_team_role,
)


def a_user(*roles: tuple[str, str], school_of: dict[str, str] | None = None) -> dict[str, Any]:
    return user_record(
        "u1",
        email="ada@example.test",
        name="Ada Example",
        roles=[{"role": role, "scope": scope} for role, scope in roles],
        school_of=school_of or {},
        created_at="2026-03-02T08:30:00.000Z",
    )


def wrong_fields(schema: type[Schema], payload: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        schema().load(payload)
    return list(invalid_from(caught.value).fields or {})


def test_a_new_account_is_found_by_the_places_of_its_roles_and_the_schools_of_its_classes() -> None:
    user = a_user(
        ("teacher", "class:s1-c1"), ("office", "school:s2"), ("lead", "team:t1"), school_of={"s1-c1": "s1"}
    )
    assert user["scopes"] == ["class:s1-c1", "school:s1", "school:s2", "team:t1"]
    assert user["roles"][0] == {"role": "teacher", "scope": "class:s1-c1"}
    assert (user["disabled"], user["preferences"]) == (False, {})


@pytest.mark.parametrize(
    ("roles", "within"),
    [
        ([], False),
        ([("office", "school:s1")], True),
        ([("school_admin", "school:s1"), ("viewer", "school:s1")], True),
        ([("teacher", "class:s1-c1")], True),
        ([("teacher", "class:s2-c1")], False),
        ([("teacher", "class:s1-c1"), ("teacher", "class:s2-c1")], False),
        ([("office", "school:s1"), ("office", "school:s2")], False),
        ([("office", "school:s1"), ("member", "team:t1")], False),
        ([("member", "team:t1")], False),
        ([("admin", "org"), ("office", "school:s1")], False),
    ],
)
def test_a_user_lies_within_a_school_with_all_roles_or_not_at_all(
    roles: list[tuple[str, str]], within: bool
) -> None:
    user = a_user(*roles, school_of={"s1-c1": "s1", "s2-c1": "s2"})
    assert lies_within(user, ["school:s1"]) is within


def test_a_user_may_lie_within_several_schools_of_one_administrator() -> None:
    user = a_user(("office", "school:s1"), ("office", "school:s2"))
    assert lies_within(user, ["school:s1", "school:s2", "school:s3"])


def test_a_disabled_admin_is_not_active() -> None:
    admin = a_user(("admin", "org"))
    assert is_active_admin(admin)
    assert not is_active_admin({**admin, "disabled": True})
    assert not is_active_admin(a_user(("school_admin", "school:s1")))


def test_a_role_in_a_team_replaces_the_one_before() -> None:
    user = a_user(("office", "school:s1"), ("member", "team:t1"))
    lead = with_team_role(user, "t1", "lead")
    assert team_roles(lead) == {"t1": "lead"}
    assert lead["scopes"] == ["school:s1", "team:t1"]
    gone = with_team_role(lead, "t1", None)
    assert (team_roles(gone), gone["scopes"]) == ({}, ["school:s1"])
    assert team_roles(user) == {"t1": "member"}


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Ada@Example.TEST ", "ada@example.test"),
        ("A\u030angstro\u0308m@example.test", "\u00e5ngstr\u00f6m@example.test"),
    ],
)
def test_an_account_is_found_by_its_address_however_it_is_written(text: str, email: str) -> None:
    assert normal_email(text) == email
    payload = UserCreatePayload().load({"email": text, "name": "Ada"})
    assert payload["email"] == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.test",
        "ada@example",
        "ada@@example.test",
        "a da@example.test",
        "ada@example..test",
        "ada@.test",
        "ada@example.test.",
        "ada\u0000@example.test",
        "ada\u202e@example.test",
        "x" * 65 + "@example.test",
        "ada@" + "x" * 250 + ".test",
        {"$gt": ""},
        None,
    ],
)
def test_what_is_no_address_is_refused(email: Any) -> None:
    assert {
        path.partition(".")[0] for path in wrong_fields(UserCreatePayload, {"email": email, "name": "Ada"})
    } == {"email"}


@pytest.mark.parametrize(
    "password", ["rollcall-demo", "x" * 9 + "y", "p" * 71 + "q", "a passphrase with spaces", "пароль-длинный"]
)
def test_a_password_of_10_to_72_bytes_is_allowed(password: str) -> None:
    check_password(password, email="ada@example.test", name="Ada Example")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "x" * 8 + "y",
        "p" * 72 + "q",
        "й" * 36 + "ц",
        "correct\nhorse",
        "correct\x00horse",
        "ada@example.test",
        "ADA@example.TEST",
        "Ada Example",
        "ada.example",
        "Password123",
        "zzzzzzzzzzzz",
    ],
)
def test_a_weak_password_is_refused_without_being_repeated(password: str) -> None:
    email = "ada.example@example.test" if password == "ada.example" else "ada@example.test"
    with pytest.raises(Invalid) as caught:
        check_password(password, email=email, name="Ada Example")
    assert list(caught.value.fields or {}) == ["password"]
    assert not password or password not in caught.value.message


def test_the_common_passwords_are_only_those_that_the_rule_of_length_allows() -> None:
    least, most = PASSWORD_BYTES
    assert all(least <= len(password) <= most for password in COMMON_PASSWORDS)
    assert all(password == password.lower() for password in COMMON_PASSWORDS)
    assert "rollcall-demo" not in COMMON_PASSWORDS


@pytest.mark.parametrize(("role", "noun"), ROLE_SCOPES.items())
def test_each_role_is_held_in_its_own_kind_of_place(role: str, noun: str) -> None:
    scopes = {"org": "org", **{each: f"{each}:x1" for each in ("school", "class", "team")}}
    for other, scope in scopes.items():
        payload = {"user_id": "u1", "roles": [{"role": role, "scope": scope}]}
        if other == noun:
            assert UserSetRolesPayload().load(payload) == payload
        else:
            assert wrong_fields(UserSetRolesPayload, payload) == ["roles.0.scope"]


@pytest.mark.parametrize(
    ("roles", "path"),
    [
        ([{"role": "king", "scope": "org"}], "roles.0.role"),
        ([{"role": "office", "scope": "school:"}], "roles.0.scope"),
        ([{"role": "office", "scope": "school:a b"}], "roles.0.scope"),
        ([{"role": "office", "scope": "school:s1\n"}], "roles.0.scope"),
        ([{"role": "office"}], "roles.0.scope"),
        ([{"role": "office", "scope": "school:s1", "until": "2026"}], "roles.0.until"),
        ([{"role": "admin", "scope": "org"}] * 2, "roles"),
        ([{"role": "lead", "scope": "team:t1"}, {"role": "member", "scope": "team:t1"}], "roles"),
        ([{"role": "office", "scope": f"school:s{n}"} for n in range(501)], "roles"),
        (["admin"], "roles.0"),
        ({"role": "admin"}, "roles"),
        (None, "roles"),
    ],
)
def test_wrong_roles_are_named(roles: Any, path: str) -> None:
    assert wrong_fields(UserSetRolesPayload, {"user_id": "u1", "roles": roles}) == [path]


@pytest.mark.parametrize(
    "preferences",
    [
        {},
        {"theme": "dark", "rows": 50, "zoom": 1.5, "sound": False, "last": None},
        {f"k{n}": n for n in range(50)},
    ],
)
def test_preferences_are_small_plain_values(preferences: dict[str, Any]) -> None:
    payload = {"user_id": "u1", "set": {"preferences": preferences}}
    assert UserUpdatePayload().load(payload) == payload


@pytest.mark.parametrize(
    "preferences",
    [
        {"$set": 1},
        {"a.b": 1},
        {"": 1},
        {"a": {"b": 1}},
        {"a": [1]},
        {"a": float("nan")},
        {"a": 2**53},
        {"a": "x" * 1001},
        {"a": "\ud800"},
        {f"k{n}": n for n in range(51)},
        [],
        None,
    ],
)
def test_other_preferences_are_refused(preferences: Any) -> None:
    assert wrong_fields(UserUpdatePayload, {"user_id": "u1", "set": {"preferences": preferences}}) == [
        "set.preferences"
    ]


@pytest.mark.parametrize("field", ["roles", "disabled", "password", "_password_hash", "scopes", "id"])
def test_an_update_cannot_touch_anything_else(field: str) -> None:
    assert wrong_fields(UserUpdatePayload, {"user_id": "u1", "set": {field: "x"}}) == [f"set.{field}"]


def test_no_client_can_send_a_hash() -> None:
    payload = {"email": "ada@example.test", "name": "Ada", "_password_hash": "$2b$12$x"}
    assert wrong_fields(UserCreatePayload, payload) == ["_password_hash"]
