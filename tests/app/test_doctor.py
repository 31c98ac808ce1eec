import asyncio
import os
import resource
import shutil
import zoneinfo
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import doctor
from app.cli import cli
from app.passwords import BcryptPasswords
from app.storage.mongo import MongoStorage
from models.journal import ORG
from tests.kit import CoreKit, open_kit
from tests.parts.process import ServerProcess

SECRET = "0123456789abcdef0123456789abcdef"
TEAM = {"kind": "team", "id": "t1", "name": "Team", "archived": False}


class Checkup:
    """Runs the doctor in this process on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "data" / "rollcall.db"

    def run(self, command: str = "doctor", *arguments: str, **settings: str) -> Result:
        env = {"ROLLCALL_DATABASE_URL": f"sqlite:///{self.file}"}
        env |= {f"ROLLCALL_{name}": value for name, value in settings.items()}
        return CliRunner().invoke(cli, [command, *arguments], env=env, catch_exceptions=False)

    def findings(self, **settings: str) -> dict[tuple[str, str], str]:
        """`(level, subject)` → text; checks that the exit status fits."""
        result = self.run(**settings)
        found: dict[tuple[str, str], str] = {}
        for line in result.stdout.splitlines():
            level, _, rest = line.partition(" ")
            subject, _, text = rest.strip().partition(": ")
            assert level in ("ok", "warn", "fail")
            found[level, subject] = f"{found.get((level, subject), '')}{text}\n"
        failed = sum(line.startswith("fail ") for line in result.stdout.splitlines())
        assert result.exit_code == (1 if failed else 0)
        assert result.stderr == (f"Error: {failed} of the checks failed\n" if failed else "")
        return found

    def make(self) -> None:
        """Make the database."""
        assert self.run("demo", "--schools", "1", "--classes", "1").exit_code == 0

    def fill(self, at: datetime) -> None:
        """Write an entry at this time."""

        async def fill() -> None:
            self.file.parent.mkdir(exist_ok=True)
            async with open_kit(self.file) as kit:
                kit.clock.moment = at
                await kit.put(ORG, TEAM)

        asyncio.run(fill())


@pytest.fixture
def checkup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkup:
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("app.main.BcryptPasswords", partial(BcryptPasswords, rounds=4))
    monkeypatch.setattr(metadata, "requires", lambda name: ["click>=8.0"])
    return Checkup(tmp_path)


def test_before_the_first_start_all_is_well_and_nothing_is_made(checkup: Checkup) -> None:
    found = checkup.findings()
    assert {level for level, _ in found} == {"ok"}
    assert found["ok", "storage"] == f"{checkup.file} will be made at the first start\n"
    assert found["ok", "secret"] == f"will be made at the first start, and kept in {checkup.file}.key\n"
    assert not checkup.file.parent.exists()


def test_a_database_that_is_free_is_read_and_written(checkup: Checkup) -> None:
    checkup.make()
    found = checkup.findings()
    assert found["ok", "storage"] == f"SQLite, {checkup.file}\ncan be read and written\n"
    assert found["ok", "journal"].startswith("the newest entry is of 20")
    assert found["ok", "demo"] == "13 accounts have the demo password; only this machine can connect\n"


def test_a_wrong_setting_fails_and_the_rest_is_still_checked(checkup: Checkup) -> None:
    found = checkup.findings(PORT="eighty")
    assert found["fail", "configuration"].startswith("ROLLCALL_PORT is 'eighty', but must be a whole number")
    assert ("ok", "clock") in found
    assert not any(subject == "storage" for _, subject in found)


def test_a_misspelt_variable_is_a_warning(checkup: Checkup) -> None:
    assert "did you mean ROLLCALL_PORT?" in checkup.findings(PROT="1")["warn", "configuration"]


def test_a_missing_secret_fails_where_one_must_be_set(checkup: Checkup) -> None:
    assert checkup.findings(HOST="0.0.0.0")["fail", "secret"].startswith("ROLLCALL_SECRET must be set")
    assert checkup.findings(HOST="0.0.0.0", SECRET=SECRET)["ok", "secret"] == "set\n"
    assert checkup.findings(SECRET=f"{SECRET},{SECRET}2")["ok", "secret"] == "set, 2 of them\n"


def test_files_that_others_may_read_are_a_warning(checkup: Checkup) -> None:
    checkup.make()
    key_file = Path(f"{checkup.file}.key")
    key_file.write_text(SECRET)
    for path, subject in ((key_file, "secret"), (checkup.file, "storage")):
        path.chmod(0o600)
        assert ("warn", subject) not in checkup.findings()
        path.chmod(0o640)
        text = checkup.findings()["warn", subject]
        assert f"{path}, which others may read (mode 640): chmod 600 {path}" in text


def test_demo_passwords_fail_beyond_this_machine_unless_allowed(checkup: Checkup) -> None:
    checkup.make()
    open_to_all = {"HOST": "0.0.0.0", "SECRET": SECRET}
    refused = checkup.findings(**open_to_all)["fail", "demo"]
    assert refused.startswith("13 accounts have the demo password, so serve would refuse: python -m app demo")
    allowed = checkup.findings(**open_to_all, ALLOW_DEMO_PASSWORDS="on")
    assert allowed["warn", "demo"].startswith("13 accounts have the demo password, and others can connect")
    checkup.run("demo", "--password", "another password", "--schools", "0", "--teams", "0")
    assert checkup.findings(**open_to_all)["ok", "demo"] == "nobody has the demo password\n"


def test_an_entry_of_the_future_means_that_the_clock_is_wrong(checkup: Checkup) -> None:
    checkup.fill(datetime.now(UTC) + timedelta(hours=1))
    assert "later than this clock says: set the clock" in checkup.findings()["fail", "journal"]


def test_an_entry_of_a_moment_ago_is_well(checkup: Checkup) -> None:
    checkup.fill(datetime.now(UTC))
    assert ("ok", "journal") in checkup.findings()


def test_a_file_that_is_no_database_fails(checkup: Checkup) -> None:
    checkup.file.parent.mkdir()
    checkup.file.write_text("minutes of the meeting" * 100)
    assert f"{checkup.file}" in checkup.findings()["fail", "storage"]


async def test_beside_a_running_server_it_reads_what_it_can_and_says_so(
    checkup: Checkup, core: CoreKit, tmp_path: Path
) -> None:
    await core.put(ORG, TEAM)
    checkup.file = tmp_path / "rollcall.db"
    found = await asyncio.to_thread(checkup.findings)
    assert f"{checkup.file} is in use by process {os.getpid()} (" in found["ok", "storage"]
    assert "only read, so writing and demo passwords were not checked" in found["ok", "storage"]
    assert found["ok", "journal"] == "the newest entry is of 2026-03-02T08:30:00.000Z\n"
    core.clock.moment = datetime.now(UTC) + timedelta(hours=1)
    await core.put(ORG, TEAM)
    found = await asyncio.to_thread(checkup.findings)
    assert "later than this clock says" in found["fail", "journal"]


@pytest.mark.parametrize(("free", "level"), [(99_999_999, "fail"), (999_999_999, "warn"), (10**9, "ok")])
def test_little_room_on_the_disk_is_told(
    free: int, level: str, checkup: Checkup, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**12, 10**12 - free, free))
    assert f"{checkup.file.parent.parent}" in checkup.findings()[level, "disk"]


@pytest.mark.parametrize(("hard", "level"), [(1024, "warn"), (4096, "ok"), (resource.RLIM_INFINITY, "ok")])
def test_few_allowed_open_files_are_a_warning(
    hard: int, level: str, checkup: Checkup, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [(256, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, limit: limits.append(limit))
    assert (level, "open files") in checkup.findings()


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("nothing-like-this>=1", "nothing-like-this is missing"),
        (f"click>={int(metadata.version('click').partition('.')[0]) + 1}.0", "is older than"),
    ],
)
def test_a_package_that_is_missing_or_too_old_fails(
    requirement: str, problem: str, checkup: Checkup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["click>=8.0", requirement])
    text = checkup.findings()["fail", "packages"]
    assert problem in text
    assert text.endswith(": pip install -r requirements.lock\n")


def test_versions_are_compared_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "3.10.2")
    assert doctor.requirement_problem("x>=3.9") is None
    assert doctor.requirement_problem("x>=3.10.2") is None
    assert doctor.requirement_problem("x>=3.10.3") == "x 3.10.2 is older than 3.10.3"
    assert doctor.requirement_problem("x; extra == 'y'") is None


def test_a_missing_database_of_time_zones_fails(checkup: Checkup, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    assert checkup.findings()["fail", "time zones"].endswith("pip install tzdata\n")


def test_mongodb_is_checked_alike(checkup: Checkup, mongodb_database_url: str) -> None:
    found = checkup.findings(DATABASE_URL=mongodb_database_url, SECRET=SECRET)
    assert found["ok", "storage"] == "can be read and written\n"
    assert found["ok", "journal"] == "empty\n"


def test_a_redis_must_carry_messages(checkup: Checkup, redis_server: ServerProcess) -> None:
    found = checkup.findings(REDIS_URL=redis_server.url)
    assert found["ok", "redis"] == "carries messages; not needed, because a SQLite file is for one node\n"
    redis_server.stop()
    text = checkup.findings(REDIS_URL=redis_server.url)["fail", "redis"]
    assert text.startswith("cannot be used (Error 111 connecting to 127.0.0.1:")
    assert "start it, or correct ROLLCALL_REDIS_URL" in text


def test_a_redis_that_hangs_fails(
    checkup: Checkup, redis_server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.redis_address.LIMIT", 0.5)
    redis_server.pause()
    assert checkup.findings(REDIS_URL=redis_server.url)["fail", "redis"].startswith(
        "cannot be used (no answer)"
    )


def test_several_nodes_need_redis_to_hear_each_other_at_once(
    checkup: Checkup, mongodb_database_url: str, redis_url: str
) -> None:
    mongodb = {"DATABASE_URL": mongodb_database_url, "SECRET": SECRET}
    assert "up to 2 s late" in checkup.findings(**mongodb)["ok", "redis"]
    assert checkup.findings(**mongodb, REDIS_URL=redis_url)["ok", "redis"] == "carries messages\n"


def test_a_mongodb_that_is_not_there_fails(checkup: Checkup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.mongo.MongoStorage", partial(MongoStorage, timeout=0.2))
    found = checkup.findings(DATABASE_URL="mongodb://127.0.0.1:1/", SECRET=SECRET)
    assert "127.0.0.1:1" in found["fail", "storage"]
