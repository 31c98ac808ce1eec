"""The address of a MongoDB, and what to tell a person who cannot connect to it."""

from __future__ import annotations

from pymongo.errors import ConfigurationError, ConnectionFailure, NotPrimaryError, OperationFailure
from pymongo.uri_parser import parse_uri

from app.storage.mongo_limits import brief
from models.ports import StorageRefused

SETTING = "ROLLCALL_DATABASE_URL"

_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13


def hosts_of(url: str) -> str:
    """The hosts of an address, as a message may show them.

    Blocks for `mongodb+srv://`, which asks the name service. StorageRefused if the address is wrong, also for
    options that do not exist, about which the driver would only warn.
    """
    try:
        hosts = parse_uri(url, warn=False)["nodelist"]
    except (ConfigurationError, ValueError) as error:
        # What the driver quotes may be a part of the password.
        reason = brief(error).partition('"')[0].strip()
        raise StorageRefused(f"{SETTING} is not the address of a MongoDB: {reason}") from error
    return ", ".join(host if port is None else f"{host}:{port}" for host, port in hosts)


def refusal(hosts: str, error: Exception) -> StorageRefused:
    """What to say when the database at these hosts cannot be opened."""
    where = f"MongoDB at {hosts}"
    match error:
        case OperationFailure(code=code) if code == _AUTHENTICATION_FAILED:
            text = f"{where} refuses the user name or the password in {SETTING}"
        case OperationFailure(code=code) if code == _UNAUTHORIZED:
            text = f"{where} refuses the user in {SETTING} ({brief(error)}): grant the role readWrite"
        case NotPrimaryError():
            text = f"{where} is not the primary: name all members and the replica set in {SETTING}"
        case ConnectionFailure():
            text = f"{where} cannot be reached ({brief(error)}): start it, or correct {SETTING}"
        case _:
            text = f"{where} cannot be used: {brief(error)}"
    return StorageRefused(text)
