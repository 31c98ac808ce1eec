"""Is everything as it must be? Each check says what it found and, where something is wrong, what to do."""

from __future__ import annotations

import asyncio
import re
import shutil
import stat
import sys
import zoneinfo
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from app.config import SettingError, Settings, read_settings, unknown_variables
from app.demo.passwords import with_demo_password
from app.key_file import key_file_of
from app.main import Node, open_node, package_version
from app.open_files import allow_open_files
from app.storage.sqlite_lock import FileLock
from app.storage.sqlite_reader import SqliteReader
from app.storage.sqlite_schema import SQLITE_VERSION
from models.journal import ORG
from models.ports import Storage, StorageLost, StorageRefused

OK, WARN, FAIL = "ok", "warn", "fail"

LOW_SPACE = 1_000_000_000
NO_SPACE = 100_000_000
"""Bytes that must be free on the disk of the database."""

OPEN_FILES = 4_096
"""Open files that should be allowed: each connection takes one."""

OLDEST_CLOCK = datetime(2025, 1, 1, tzinfo=UTC)
SKEW = timedelta(minutes=1)
"""How much an entry may be ahead: another node's clock, or this one's before it was set."""

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*>=\s*([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `ok`, `warn` or `fail`, about what, and in words."""

    level: str
    subject: str
    text: str


async def examine() -> AsyncIterator[Finding]:
    """Everything, one after the other. Changes nothing, but for what any start of the server would."""
    for finding in (_version(), _packages(), _open_files(), _time_zones(), _clock()):
        yield finding
    for line in unknown_variables():
        yield Finding(WARN, "configuration", line)
    try:
        settings = read_settings()
    except SettingError as error:
        yield Finding(FAIL, "configuration", f"{error}; the storage was not checked")
        return
    yield Finding(OK, "configuration", f"listens on {settings.host}, port {settings.port}")
    yield _secret(settings)
    yield await _redis(settings)
    async for finding in _storage(settings):
        yield finding


def _version() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(OK, "version", f"Rollcall {package_version()}, Python {version}, SQLite {SQLITE_VERSION}")


def _packages() -> Finding:
    """Whether what the installed package asks for is there, and not too old."""
    try:
        requirements = metadata.requires("rollcall") or []
    except metadata.PackageNotFoundError:
        return Finding(WARN, "packages", "Rollcall is not installed: pip install -e . in its folder")
    wrong = [line for requirement in requirements if (line := requirement_problem(requirement))]
    if wrong:
        return Finding(FAIL, "packages", f"{', '.join(wrong)}: pip install -r requirements.lock")
    return Finding(OK, "packages", f"all {len(requirements)} are there, and new enough")


def requirement_problem(requirement: str) -> str | None:
    """What is wrong with the package that is required as `name>=version`; None: nothing."""
    match = _REQUIREMENT.match(requirement)
    if match is None:
        return None
    name, wanted = match.groups()
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    return f"{name} {installed} is older than {wanted}" if _numbers(installed) < _numbers(wanted) else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _open_files() -> Finding:
    allowed = allow_open_files()
    if allowed in range(OPEN_FILES):
        text = f"only {allowed} may be allowed, and each connection takes one: raise LimitNOFILE"
        return Finding(WARN, "open files", text)
    return Finding(OK, "open files", "no limit" if allowed < 0 else f"{allowed} allowed")


def _time_zones() -> Finding:
    try:
        zoneinfo.ZoneInfo("Europe/London")
    except zoneinfo.ZoneInfoNotFoundError:
        return Finding(FAIL, "time zones", "the database of time zones is missing: pip install tzdata")
    return Finding(OK, "time zones", f"{len(zoneinfo.available_timezones())} known")


def _clock() -> Finding:
    now = datetime.now(UTC)
    local = now.astimezone()
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, here UTC{local:%z}"
    if now < OLDEST_CLOCK:
        return Finding(FAIL, "clock", f"{text} is wrong: set it, and keep it right by NTP")
    return Finding(OK, "clock", text)


def _secret(settings: Settings) -> Finding:
    if settings.keys:
        return Finding(
            OK, "secret", f"set, {len(settings.keys)} of them" if len(settings.keys) > 1 else "set"
        )
    path = key_file_of(settings)
    if path is None:
        return Finding(FAIL, "secret", "ROLLCALL_SECRET must be set here: see docs/configuration.md")
    if not path.exists():
        return Finding(OK, "secret", f"will be made at the first start, and kept in {path}")
    return _private(path, "secret", "kept in")


def _private(path: Path, subject: str, words: str) -> Finding:
    """Whether nobody but the owner may read the file."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            WARN, subject, f"{words} {path}, which others may read (mode {mode:o}): chmod 600 {path}"
        )
    return Finding(OK, subject, f"{words} {path}")


async def _redis(settings: Settings) -> Finding:
    """Whether what is published in it comes back."""
    if not settings.redis_url:
        if settings.database_file is not None:
            return Finding(OK, "redis", "none is set, and one node needs none")
        return Finding(OK, "redis", "none is set: of other nodes' changes this one hears up to 2 s late")
    # Imported where it is used: the driver takes as long as all the rest.
    from redis.exceptions import RedisError

    from realtime.redis_address import echo

    try:
        await echo(settings.redis_url)
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        text = f"cannot be used ({str(error) or 'no answer'}): start it, or correct ROLLCALL_REDIS_URL"
        return Finding(FAIL, "redis", f"{text}; serve works without, and tells /readyz that it is degraded")
    if settings.database_file is not None:
        return Finding(OK, "redis", "carries messages; not needed, because a SQLite file is for one node")
    return Finding(OK, "redis", "carries messages")


async def _storage(settings: Settings) -> AsyncIterator[Finding]:
    file = settings.database_file
    if file is not None:
        yield _disk(file)
        if not file.exists():
            yield Finding(OK, "storage", f"{file} will be made at the first start")
            return
        yield _private(file, "storage", "SQLite,")
        holder = await asyncio.to_thread(_holder, file)
        if holder is not None:
            async for finding in _storage_in_use(file, holder):
                yield finding
            return
    try:
        node = await open_node(settings)
    except (StorageRefused, StorageLost) as error:
        yield Finding(FAIL, "storage", str(error))
        return
    try:
        async for finding in _node(node):
            yield finding
    except StorageLost as lost:
        yield Finding(FAIL, "storage", f"does not answer: {lost}")
    finally:
        await node.close()


def _disk(file: Path) -> Finding:
    folder = next(folder for folder in file.absolute().parents if folder.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free in {folder}"
    if free < NO_SPACE:
        return Finding(FAIL, "disk", f"{text}: make room, or nothing can be written soon")
    if free < LOW_SPACE:
        return Finding(WARN, "disk", f"{text}: make room")
    return Finding(OK, "disk", text)


def _holder(file: Path) -> str | None:
    """What the lock says about the process that has the file open; None if there is none."""
    lock = FileLock(file)
    try:
        lock.acquire()
    except StorageRefused as refused:
        return str(refused).partition(";")[0]
    lock.release()
    return None


async def _storage_in_use(file: Path, holder: str) -> AsyncIterator[Finding]:
    """What can be read beside a running server."""
    yield Finding(OK, "storage", f"{holder}: only read, so writing and demo passwords were not checked")
    reader = SqliteReader(file)
    try:
        await reader.open()
        yield _newest(await reader.newest())
    except (StorageRefused, StorageLost) as error:
        yield Finding(FAIL, "storage", str(error))
    finally:
        await reader.close()


async def _node(node: Node) -> AsyncIterator[Finding]:
    await node.storage.ping()
    yield Finding(OK, "storage", "can be read and written")
    yield _newest(await _newest_entry(node.storage))
    yield await _demo_passwords(node)


async def _newest_entry(storage: Storage) -> str | None:
    """The time of the newest entry of any school, team or `org`."""
    times = []
    for noun in (ORG, "school", "team"):
        for lag in await storage.lagging("doctor", noun):
            entries = await storage.read(lag.room, after=lag.head - 1, limit=1)
            times += [entry.at for entry in entries]
    return max(times, default=None)


def _newest(at: str | None) -> Finding:
    if at is None:
        return Finding(OK, "journal", "empty")
    if datetime.fromisoformat(at) > datetime.now(UTC) + SKEW:
        return Finding(
            FAIL, "journal", f"its newest entry is of {at}, later than this clock says: set the clock"
        )
    return Finding(OK, "journal", f"the newest entry is of {at}")


async def _demo_passwords(node: Node) -> Finding:
    users = await with_demo_password(node.storage, node.credentials, node.passwords)
    if not users:
        return Finding(OK, "demo", "nobody has the demo password")
    text = f"{len(users)} accounts have the demo password"
    if node.settings.on_loopback:
        return Finding(OK, "demo", f"{text}; only this machine can connect")
    if node.settings.allow_demo_passwords:
        return Finding(
            WARN, "demo", f"{text}, and others can connect, as ROLLCALL_ALLOW_DEMO_PASSWORDS allows"
        )
    return Finding(FAIL, "demo", f"{text}, so serve would refuse: python -m app demo --password NEW")
