"""What a person is told who gives a wrong address, or cannot connect; and that no password is in it."""

from __future__ import annotations

import pytest
from pymongo.errors import NotPrimaryError, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from app.storage.mongo_address import hosts_of, refusal
from models.ports import StorageRefused


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mongo://host/db", "must begin with 'mongodb://'"),
        ("mongodb://", "at least one hostname"),
        ("mongodb://host:port/db", "Port contains non-digit characters"),
        ("mongodb://host:99999/db", "Port must be an integer"),
        ("mongodb://host/d b", "Bad database name"),
        ("mongodb://host/db?readPreference=none", "not a valid read preference"),
        ("mongodb://host/db?retryWrite=true", "Unknown option"),
        ("mongodb://user:p@ss:secret@host/db", "must be escaped"),
        ("mongodb://user:se/secret@host/db", "Bad database name"),
        ("mongodb://user:%zzsecret@host/db", "must be escaped"),
    ],
)
def test_a_wrong_address_is_refused_in_one_line_without_the_password(url: str, reason: str) -> None:
    with pytest.raises(StorageRefused, match=reason) as refused:
        hosts_of(url)
    message = str(refused.value)
    assert message.startswith("ROLLCALL_DATABASE_URL is not the address of a MongoDB: ")
    assert "\n" not in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("mongodb://localhost/db", "localhost:27017"),
        ("mongodb://user:secret@a:1,b:2/db?replicaSet=x", "a:1, b:2"),
        ("mongodb://[::1]:27018", "::1:27018"),
        ("mongodb://%2Ftmp%2Fmongodb.sock/db", "/tmp/mongodb.sock"),
    ],
)
def test_the_hosts_of_an_address_as_a_message_shows_them(url: str, hosts: str) -> None:
    assert hosts_of(url) == hosts


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            OperationFailure("Authentication failed.", 18, {}),
            "MongoDB at a:1 refuses the user name or the password in ROLLCALL_DATABASE_URL",
        ),
        (
            OperationFailure("not authorized on x", 13, {}),
            "MongoDB at a:1 refuses the user in ROLLCALL_DATABASE_URL (not authorized on x): "
            "grant the role readWrite",
        ),
        (
            NotPrimaryError("not primary", {}),
            "MongoDB at a:1 is not the primary: "
            "name all members and the replica set in ROLLCALL_DATABASE_URL",
        ),
        (
            ServerSelectionTimeoutError("a:1: refused, Timeout: 5.0s, Topology Description: <long>"),
            "MongoDB at a:1 cannot be reached (a:1: refused): start it, or correct ROLLCALL_DATABASE_URL",
        ),
        (
            OperationFailure("index of the same name\nexists", 86, {}),
            "MongoDB at a:1 cannot be used: index of the same name",
        ),
    ],
)
def test_what_is_wrong_and_what_to_do_in_one_line(error: PyMongoError, text: str) -> None:
    assert str(refusal("a:1", error)) == text
