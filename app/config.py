"""The settings, read from environment variables. The only file that reads the environment.

docs/configuration.md describes every variable.
"""

from __future__ import annotations

import difflib
import ipaddress
import logging
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from environs import Env, EnvValidationError, ValidationError

PREFIX = "ROLLCALL_"
TEST_PREFIX = "ROLLCALL_TEST_"
"""Variables of the tests, about which nobody is warned."""

SQLITE = "sqlite:///"
MONGODB = ("mongodb://", "mongodb+srv://")
REDIS = re.compile(
    r"(rediss?://([^@/?#]*@)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[0-9]{0,4})?|unix://[^?#]*/[^?#]+)"
    r"(\?[^#]*)?\Z"
)

SECRET_LENGTH = 32
"""RFC 7518, section 3.2: a key for HS256 has at least 256 bits."""

HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'

LOG_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_NODE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_RATE = re.compile(r"[1-9][0-9]{0,8} ?/ ?([1-9][0-9]{0,5} ?)?(second|minute|hour|day)s?\Z")
_KEY = re.compile(r"(?:(?P<kid>[A-Za-z0-9_-]{1,32}):)?(?P<secret>[\x21-\x7e]+)\Z")


class SettingError(Exception):
    """A variable has a wrong value; the message says in one line which, what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that access tokens are signed with; `kid` names it in their header."""

    kid: str
    secret: str

    def __repr__(self) -> str:
        return f"Key(kid={self.kid!r})"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a node, checked.

    `keys`: the first one signs, the others only verify; empty where none was given. Rates are such as
    `1000/10 seconds`, or None for no limit. `log_level` is one of the logging module's. `redis_url` is empty
    where there is none.
    """

    host: str
    port: int
    database_url: str
    redis_url: str
    keys: tuple[Key, ...]
    node: str
    limit_actions: str | None
    limit_signin: str | None
    sign_up: bool
    allow_demo_passwords: bool
    log_level: int

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if _is_address(self.host):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host.lower() == "localhost"

    @property
    def database_file(self) -> Path | None:
        """The file of the embedded database; None for any other."""
        return Path(self.database_url.removeprefix(SQLITE)) if self.database_url.startswith(SQLITE) else None


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its name without the prefix, its default as one would write it, and what reads it.

    `parse` raises ValidationError with what is allowed. `secret`: a wrong value is not shown.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    secret: bool = False

    @property
    def full_name(self) -> str:
        return PREFIX + self.name


def read_settings() -> Settings:
    """The settings of this process. SettingError for the first wrong one.

    An empty variable counts as one that is not there.
    """
    env = Env(prefix=PREFIX)
    env.add_parser("setting", _parsed)
    values = {variable.name.lower(): _read(env, variable) for variable in VARIABLES}
    values["keys"] = values.pop("secret")
    return Settings(**values)


def unknown_variables() -> list[str]:
    """A line for each `ROLLCALL_…` variable that is none of ours, with the name that was probably meant."""
    known = [variable.name for variable in VARIABLES]
    lines = []
    for full_name in sorted(os.environ):
        name = full_name.removeprefix(PREFIX)
        if name != full_name and not full_name.startswith(TEST_PREFIX) and name not in known:
            meant = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {PREFIX}{meant[0]}?" if meant else "see docs/configuration.md"
            lines.append(f"{full_name} is not a setting and has no effect; {hint}")
    return lines


def key_of(text: str) -> Key:
    """The key that `KID:SECRET` or `SECRET` describes; one without a name gets one that follows from it."""
    match = _KEY.match(text)
    if match is None:
        raise ValidationError("must be made of visible ASCII characters without spaces")
    secret = match["secret"]
    if len(secret) < SECRET_LENGTH:
        raise ValidationError(
            f"must have at least {SECRET_LENGTH} characters; make one with: {HOW_TO_MAKE_ONE}"
        )
    return Key(match["kid"] or blake2b(secret.encode(), digest_size=6).hexdigest(), secret)


def _read(env: Env, variable: Variable) -> Any:
    try:
        return env.setting(variable.name, variable.default, variable=variable)
    except EnvValidationError as error:
        value = os.environ[variable.full_name]
        shown = "" if variable.secret else f" is {_without_password(value)!r}, but"
        raise SettingError(f"{variable.full_name}{shown} {'; '.join(error.error_messages)}") from None


def _parsed(raw: str, variable: Variable) -> Any:
    return variable.parse(raw.strip() or variable.default)


def _without_password(value: str) -> str:
    """The value, less what stands for user and password in an address."""
    return re.sub(r"//.*@", "//…@", value)


def _host(text: str) -> str:
    if not _is_address(text) and not _HOST_NAME.match(text):
        raise ValidationError(
            "must be an address or name to listen on, such as 127.0.0.1, or 0.0.0.0 for all"
        )
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValidationError("must be a whole number from 1 to 65535")
    return int(text)


def _database_url(text: str) -> str:
    path = text.removeprefix(SQLITE)
    is_file = text.startswith(SQLITE) and path.strip("/") and not path.endswith("/") and path != ":memory:"
    if not is_file and not (text.startswith(MONGODB) and len(text.partition("://")[2]) > 0):
        raise ValidationError(
            "must be sqlite:///FILE (relative to the current folder; sqlite:////FILE is absolute)"
            " or mongodb://HOST/NAME"
        )
    return text


def _redis_url(text: str) -> str:
    if not text:
        return text
    if not REDIS.match(text):
        raise ValidationError(
            "must be redis://HOST:PORT, rediss://HOST:PORT (encrypted) or unix:///SOCKET; or empty, for none"
        )
    # Imported where it is used: the driver takes as long as all the rest.
    from realtime.redis_address import redis_pool

    try:
        redis_pool(text, "rollcall")
    except ValueError as error:
        raise ValidationError(f"has a wrong option: {error}") from None
    return text


def _keys(text: str) -> tuple[Key, ...]:
    keys = tuple(key_of(part.strip()) for part in text.split(",") if part.strip())
    if len({key.kid for key in keys}) < len(keys):
        raise ValidationError("must name each key once, but two of its keys have the same name")
    return keys


def _node(text: str) -> str:
    if not text:
        return _this_node()
    if not _NODE.match(text):
        raise ValidationError("must be 1 to 64 of A-Z a-z 0-9 . _ -")
    return text


def _rate(text: str) -> str | None:
    if text.lower() == "off":
        return None
    if not _RATE.match(text):
        raise ValidationError("must be a rate such as 100/15 minutes (second, minute, hour or day), or off")
    return text


def _switch(text: str) -> bool:
    switches = {"on": True, "off": False}
    if text.lower() not in switches:
        raise ValidationError("must be on or off")
    return switches[text.lower()]


def _log_level(text: str) -> int:
    if text.lower() not in LOG_LEVELS:
        raise ValidationError(f"must be one of {', '.join(LOG_LEVELS)}")
    return LOG_LEVELS[text.lower()]


def _this_node() -> str:
    """The machine's name, as far as it can stand in a node's, and the process's id."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:48] or "node"
    return f"{host}-{os.getpid()}"


VARIABLES = (
    Variable("HOST", "127.0.0.1", _host),
    Variable("PORT", "8000", _port),
    Variable("DATABASE_URL", "sqlite:///data/rollcall.db", _database_url),
    Variable("REDIS_URL", "", _redis_url),
    Variable("SECRET", "", _keys, secret=True),
    Variable("NODE", "", _node),
    Variable("LIMIT_ACTIONS", "1000/10 seconds", _rate),
    Variable("LIMIT_SIGNIN", "100/15 minutes", _rate),
    Variable("SIGN_UP", "off", _switch),
    Variable("ALLOW_DEMO_PASSWORDS", "off", _switch),
    Variable("LOG_LEVEL", "info", _log_level),
)
