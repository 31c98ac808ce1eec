import logging
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse

from app.config import PREFIX, VARIABLES, SettingError, Settings, Variable, read_settings, unknown_variables

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours is set."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def settings_with(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, value)
    return read_settings()


def test_nothing_needs_to_be_set() -> None:
    settings = read_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database_url == "sqlite:///data/rollcall.db"
    assert settings.database_file == Path("data/rollcall.db")
    assert settings.keys == ()
    assert settings.redis_url == ""
    assert (settings.limit_actions, settings.limit_signin) == ("1000/10 seconds", "100/15 minutes")
    assert not settings.sign_up
    assert not settings.allow_demo_passwords
    assert settings.log_level == logging.INFO
    assert re.fullmatch(rf"[A-Za-z0-9._-]+-{os.getpid()}", settings.node)
    assert settings.on_loopback


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(
        monkeypatch,
        HOST="0.0.0.0",
        PORT="80",
        DATABASE_URL="mongodb://a,b/rollcall?replicaSet=rs",
        REDIS_URL="redis://user:word@redis.internal:6380/2",
        SECRET=f"2026:{SECRET}",
        NODE="node-7",
        LIMIT_ACTIONS="5/second",
        LIMIT_SIGNIN="off",
        SIGN_UP="on",
        ALLOW_DEMO_PASSWORDS="on",
        LOG_LEVEL="debug",
    )
    assert (settings.host, settings.port, settings.node) == ("0.0.0.0", 80, "node-7")
    assert settings.database_url == "mongodb://a,b/rollcall?replicaSet=rs"
    assert settings.database_file is None
    assert settings.redis_url == "redis://user:word@redis.internal:6380/2"
    assert [(key.kid, key.secret) for key in settings.keys] == [("2026", SECRET)]
    assert (settings.limit_actions, settings.limit_signin) == ("5/second", None)
    assert settings.sign_up
    assert settings.allow_demo_passwords
    assert settings.log_level == logging.DEBUG
    assert not settings.on_loopback


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_an_empty_variable_counts_as_one_that_is_not_there(
    variable: Variable, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_settings()
    for text in ("", "  "):
        assert settings_with(monkeypatch, **{variable.name: text}) == expected


WRONG = [
    ("HOST", "no host", "must be an address or name to listen on, such as 127.0.0.1, or 0.0.0.0 for all"),
    ("HOST", "http://localhost", "must be an address or name to listen on"),
    ("HOST", "-x", "must be an address or name to listen on"),
    ("PORT", "eighty", "must be a whole number from 1 to 65535"),
    ("PORT", "0", "must be a whole number from 1 to 65535"),
    ("PORT", "65536", "must be a whole number from 1 to 65535"),
    ("PORT", "8_000", "must be a whole number from 1 to 65535"),
    ("PORT", "\u0668\u0660", "must be a whole number from 1 to 65535"),
    (
        "DATABASE_URL",
        "data/rollcall.db",
        "must be sqlite:///FILE (relative to the current folder; sqlite:////FILE",
    ),
    ("DATABASE_URL", "sqlite://rollcall.db", "must be sqlite:///FILE"),
    ("DATABASE_URL", "sqlite:///", "must be sqlite:///FILE"),
    ("DATABASE_URL", "sqlite:////", "must be sqlite:///FILE"),
    ("DATABASE_URL", "sqlite:///data/", "must be sqlite:///FILE"),
    ("DATABASE_URL", "sqlite:///:memory:", "must be sqlite:///FILE"),
    ("DATABASE_URL", "postgres://localhost/x", "must be sqlite:///FILE"),
    ("DATABASE_URL", "mongodb://", "must be sqlite:///FILE"),
    (
        "REDIS_URL",
        "localhost:6379",
        "must be redis://HOST:PORT, rediss://HOST:PORT (encrypted) or unix:///SOCKET",
    ),
    ("REDIS_URL", "http://localhost", "must be redis://HOST:PORT"),
    ("REDIS_URL", "redis://", "must be redis://HOST:PORT"),
    ("REDIS_URL", "redis://local host", "must be redis://HOST:PORT"),
    ("REDIS_URL", "redis://localhost:port", "must be redis://HOST:PORT"),
    ("REDIS_URL", "redis://localhost/first", "must be redis://HOST:PORT"),
    ("REDIS_URL", "redis://localhost#1", "must be redis://HOST:PORT"),
    ("REDIS_URL", "unix://redis.sock", "must be redis://HOST:PORT"),
    ("REDIS_URL", "redis://localhost?speed=high", "has a wrong option: "),
    ("REDIS_URL", "redis://localhost?socket_keepalive=x&max_connections=many", "has a wrong option: "),
    ("NODE", "a node", "must be 1 to 64 of A-Z a-z 0-9 . _ -"),
    ("NODE", "n" * 65, "must be 1 to 64 of A-Z a-z 0-9 . _ -"),
    ("LIMIT_ACTIONS", "many", "must be a rate such as 100/15 minutes (second, minute, hour or day), or off"),
    ("LIMIT_ACTIONS", "0/second", "must be a rate such as"),
    ("LIMIT_ACTIONS", "10/0 seconds", "must be a rate such as"),
    ("LIMIT_SIGNIN", "10/second;5/minute", "must be a rate such as"),
    ("LIMIT_SIGNIN", "10 per fortnight", "must be a rate such as"),
    ("SIGN_UP", "yes", "must be on or off"),
    ("ALLOW_DEMO_PASSWORDS", "1", "must be on or off"),
    ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_a_wrong_value_is_one_line_with_variable_value_and_what_is_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError) as caught:
        settings_with(monkeypatch, **{name: value})
    line = str(caught.value)
    assert line.startswith(f"ROLLCALL_{name} is {value!r}, but {allowed}")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("short", "must have at least 32 characters; make one with: python -c"),
        (f"{SECRET},short", "must have at least 32 characters"),
        (SECRET.replace("a", " "), "must be made of visible ASCII characters without spaces"),
        (SECRET + "\u00e9", "must be made of visible ASCII characters without spaces"),
        (f"k:{SECRET},k:{OTHER}", "must name each key once, but two of its keys have the same name"),
        (f"{SECRET},{SECRET}", "must name each key once"),
    ],
)
def test_a_wrong_secret_is_refused_and_not_shown(
    value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError) as caught:
        settings_with(monkeypatch, SECRET=value)
    assert str(caught.value).startswith(f"ROLLCALL_SECRET {allowed}")
    assert not any(part in str(caught.value) for part in value.split(","))


def test_a_password_in_a_wrong_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError) as caught:
        settings_with(monkeypatch, DATABASE_URL="mysql://root:hun@ter2@db/x")
    assert str(caught.value).startswith("ROLLCALL_DATABASE_URL is 'mysql://…@db/x', but must be")


def test_several_keys_are_kept_in_their_order_with_names_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = settings_with(monkeypatch, SECRET=OTHER).keys[0]
    keys = settings_with(monkeypatch, SECRET=f"new:{SECRET}, {OTHER},").keys
    assert [(key.kid, key.secret) for key in keys] == [("new", SECRET), (alone.kid, OTHER)]
    assert re.fullmatch(r"[0-9a-f]{12}", alone.kid)


def test_secrets_do_not_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECRET not in repr(settings_with(monkeypatch, SECRET=SECRET))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("localhost.example.org", False),
        ("school.example", False),
    ],
)
def test_loopback_is_where_only_this_machine_can_connect(
    host: str, loopback: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_with(monkeypatch, HOST=host).on_loopback == loopback


@pytest.mark.parametrize(
    ("url", "file"),
    [("sqlite:///here.db", "here.db"), ("sqlite:////var/lib/roll%20call.db", "/var/lib/roll%20call.db")],
)
def test_four_slashes_make_a_database_file_absolute(
    url: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_with(monkeypatch, DATABASE_URL=url).database_file == Path(file)


def test_a_misspelt_variable_is_reported_with_the_name_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROLLCALL_PROT", "1")
    monkeypatch.setenv("ROLLCALL_XYZZY", "1")
    monkeypatch.setenv("ROLLCALL_PORT", "1")
    monkeypatch.setenv("ROLLCALL_TEST_MONGODB_URL", "mongodb://localhost")
    assert unknown_variables() == [
        "ROLLCALL_PROT is not a setting and has no effect; did you mean ROLLCALL_PORT?",
        "ROLLCALL_XYZZY is not a setting and has no effect; see docs/configuration.md",
    ]


def refusal_of(patch: pytest.MonkeyPatch, variable: Variable, text: str) -> str | None:
    try:
        settings_with(patch, **{variable.name: text})
    except SettingError as error:
        return str(error)
    return None


@given(st.sampled_from(VARIABLES), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_is_either_read_or_refused_in_one_line(variable: Variable, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        message = refusal_of(patch, variable, text)
    assert message is None or message.startswith(f"ROLLCALL_{variable.name} ")
    assert message is None or len(message.splitlines()) == 1


_UNITS = st.sampled_from(["second", "minutes", "hour", "days"])


@given(st.integers(1, 10**6), st.one_of(st.none(), st.integers(1, 1000)), _UNITS)
def test_an_accepted_rate_means_the_same_to_the_limiter(amount: int, multiple: int | None, unit: str) -> None:
    text = f"{amount}/{unit}" if multiple is None else f"{amount}/{multiple} {unit}"
    with pytest.MonkeyPatch.context() as patch:
        assert settings_with(patch, LIMIT_ACTIONS=text).limit_actions == text
    rate = parse(text)
    assert (rate.amount, rate.multiples) == (amount, multiple or 1)
    assert rate.GRANULARITY.name == unit.rstrip("s")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://127.0.0.1:6379/0",
        "redis://[::1]:6379",
        "redis://:secret@cache-1.example.test",
        "redis://user:secret@cache/15",
        "rediss://cache.example.test:6380/?ssl_cert_reqs=none",
        "unix:///run/redis/redis.sock",
        "unix:///run/redis/redis.sock?db=1",
    ],
)
def test_every_form_of_an_address_of_redis_is_accepted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch, REDIS_URL=url).redis_url == url
