import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from app.passwords import BcryptPasswords
from app.storage.sqlite_lock import FileLock
from models.journal import ORG, Record
from models.query import query
from tests.kit import CoreKit, open_kit
from tests.parts.process import Child, environment_without

T = TypeVar("T")

PASSWORD = "correct horse"
ADD = ["user", "add", "ada@school.example", "--name", "Ada Example", "--password-stdin"]
COMMANDS = [
    ["serve"],
    ["demo"],
    ["user", "add", "a@b.example", "--name", "A", "--password-stdin"],
    ["user", "password", "a@b.example", "--password-stdin"],
    ["user", "role", "a@b.example"],
    ["journal", "tail", "org"],
]


class Terminal:
    """Runs commands in this process, with a database of their own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rollcall.db"
        self.env = {"ROLLCALL_DATABASE_URL": f"sqlite:///{self.file}"}

    def run(self, *arguments: str, input: str | None = None, **settings: str) -> Result:
        """Run a command; `settings` without their prefix."""
        env = {**self.env, **{f"ROLLCALL_{name}": value for name, value in settings.items()}}
        return CliRunner().invoke(cli, list(arguments), input=input, env=env, catch_exceptions=False)

    def ok(self, *arguments: str, input: str | None = None, **settings: str) -> str:
        """What a command prints that succeeds."""
        result = self.run(*arguments, input=input, **settings)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    def fails(self, *arguments: str, input: str | None = None, status: int = 1, **settings: str) -> str:
        """The one line of a command that fails."""
        result = self.run(*arguments, input=input, **settings)
        assert result.exit_code == status, result.output
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
        return line.removeprefix("Error: ")

    def look(self, into: Callable[[CoreKit], Awaitable[T]]) -> T:
        """Look into the database between two commands."""

        async def look() -> T:
            async with open_kit(self.file) as kit:
                return await into(kit)

        return asyncio.run(look())

    def user(self, email: str) -> Record:
        """The account with this address."""

        async def find(kit: CoreKit) -> Record:
            (user,) = await kit.storage.find(query("user", room=ORG, email=email))
            return user

        return self.look(find)

    def can_sign_in(self, email: str, password: str) -> bool:
        """Whether the password fits."""
        user_id = self.user(email)["id"]

        async def verify(kit: CoreKit) -> bool:
            return await kit.passwords.verify(password, await kit.credentials.password_hash(user_id))

        return self.look(verify)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.main.BcryptPasswords", partial(BcryptPasswords, rounds=4))
    return Terminal(tmp_path)


def roles_of(user: Record) -> list[tuple[str, str]]:
    return [(each["role"], each["scope"]) for each in user["roles"]]


# -- help and misuse


def test_help_names_every_command(terminal: Terminal) -> None:
    text = terminal.ok("--help")
    assert all(f"\n  {name} " in text for name in ("serve", "demo", "user", "journal", "doctor"))


@pytest.mark.parametrize(
    "command", [*COMMANDS, ["doctor"], ["user"], ["journal"]], ids=lambda command: "-".join(command[:2])
)
def test_every_command_explains_itself_and_every_option(command: list[str], terminal: Terminal) -> None:
    text = terminal.ok(*command[:2], "--help")
    usage, _, options = text.partition("Options:")
    assert len(usage.splitlines()) > 3
    assert terminal.ok(*command[:2], "-h") == text
    for option in options.splitlines():
        assert not option.startswith("  --") or len(option.split()) > 2, option


@pytest.mark.parametrize(
    "arguments", [["sreve"], ["serve", "--workers"], ["user", "add"], ["journal", "tail"]]
)
def test_misuse_ends_with_status_2_and_points_to_the_help(arguments: list[str], terminal: Terminal) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == 2
    assert "--help" in result.stderr
    assert "Error: " in result.stderr


# -- settings and storage


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command[:2]))
def test_a_wrong_setting_stops_every_command_with_one_line(command: list[str], terminal: Terminal) -> None:
    line = terminal.fails(*command, status=2, PORT="eighty")
    assert line == "ROLLCALL_PORT is 'eighty', but must be a whole number from 1 to 65535"
    assert not terminal.file.exists()


def test_a_misspelt_setting_is_reported(terminal: Terminal) -> None:
    result = terminal.run(*ADD, input=PASSWORD, PROT="80")
    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: ROLLCALL_PROT is not a setting and has no effect; did you mean ROLLCALL_PORT?\n"
    )


@pytest.mark.parametrize("command", COMMANDS[:-1], ids=lambda command: "-".join(command[:2]))
def test_a_database_that_another_process_has_is_refused_in_one_line(
    command: list[str], terminal: Terminal
) -> None:
    terminal.ok("demo", "--schools", "0", "--teams", "0")
    lock = FileLock(terminal.file)
    lock.acquire()
    try:
        line = terminal.fails(*command, input=PASSWORD)
    finally:
        lock.release()
    assert f"{terminal.file} is in use by process {os.getpid()}" in line


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command[:2]))
def test_a_file_that_is_no_database_is_refused_in_one_line(command: list[str], terminal: Terminal) -> None:
    terminal.file.write_text("minutes of the meeting, which nobody may overwrite" * 100)
    assert str(terminal.file) in terminal.fails(*command, input=PASSWORD)
    assert terminal.file.read_text().startswith("minutes")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command[:2]))
def test_a_folder_in_place_of_the_database_is_refused_in_one_line(
    command: list[str], terminal: Terminal
) -> None:
    terminal.file.mkdir()
    assert str(terminal.file) in terminal.fails(*command, input=PASSWORD)


def test_serve_beyond_this_machine_needs_a_secret(terminal: Terminal) -> None:
    line = terminal.fails("serve", status=2, HOST="0.0.0.0")
    assert line.startswith("ROLLCALL_SECRET must be set")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_serve_beyond_this_machine_is_refused_while_one_account_has_the_demo_password(
    host: str, school: Terminal
) -> None:
    school.ok("demo", "--schools", "0", "--teams", "0", "--password", "another password")
    secret = "0123456789abcdef0123456789abcdef"
    school.ok("user", "password", "viewer@s1.demo.test", "--password-stdin", input="rollcall-demo")
    line = school.fails("serve", HOST=host, SECRET=secret)
    assert line.startswith("viewer@s1.demo.test still has the demo password, which everybody knows, and ")
    school.ok("user", "password", "viewer@s1.demo.test", "--password-stdin", input="one more password")
    # No machine has an address of 192.0.2.0/24 (RFC 5737), so it would have listened now.
    line = school.fails("serve", HOST="192.0.2.1", SECRET=secret)
    assert line == "192.0.2.1 is no address of this machine: set ROLLCALL_HOST"


# -- demo


def test_demo_says_what_it_did(terminal: Terminal) -> None:
    small = ("--schools", "2", "--classes", "3", "--students", "4", "--teams", "1")
    line = terminal.ok("demo", *small)
    assert line.startswith("Demo data: 2 schools, 6 classes, 24 students, 1 teams; ")
    assert line.endswith(" entries written.\n")
    again = terminal.ok("demo", *small)
    assert again == "Demo data: 2 schools, 6 classes, 24 students, 1 teams; all of it was there already.\n"
    replaced = terminal.ok("demo", *small, "--password", PASSWORD)
    assert replaced.endswith(" all of it was there already. 17 accounts have the new password.\n")
    assert terminal.can_sign_in("member1@t1.demo.test", PASSWORD)


def test_demo_without_numbers_is_the_one_that_clients_are_written_against(terminal: Terminal) -> None:
    assert terminal.ok("demo").startswith("Demo data: 3 schools, 24 classes, 600 students, 2 teams; ")


def test_demo_if_empty_leaves_what_is_there(terminal: Terminal) -> None:
    terminal.ok(*ADD, input=PASSWORD)
    assert terminal.ok("demo", "--if-empty") == "There is data already; nothing was added.\n"
    assert terminal.look(lambda kit: kit.storage.find(query("school", room=ORG))) == []
    other = Terminal(terminal.file.parent / "other")
    assert other.ok("demo", "--if-empty", "--schools", "1", "--classes", "1").endswith(" entries written.\n")


def test_demo_refuses_a_password_that_breaks_the_rules(terminal: Terminal) -> None:
    assert terminal.fails("demo", "--password", "short") == "password: must have at least 10 characters"


@pytest.mark.parametrize(
    ("option", "value"), [("--schools", "-1"), ("--students", "x"), ("--history", "-1"), ("--classes", "201")]
)
def test_demo_refuses_numbers_that_make_no_sense(option: str, value: str, terminal: Terminal) -> None:
    result = terminal.run("demo", option, value)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr


# -- user


@pytest.fixture
def school(terminal: Terminal) -> Terminal:
    """A terminal on a small demo."""
    terminal.ok("demo", "--schools", "1", "--classes", "1", "--students", "1", "--teams", "1")
    return terminal


def test_user_add_makes_an_account_that_can_sign_in(school: Terminal) -> None:
    line = school.ok(
        *ADD, "--role", "teacher@s1-c1", "--role", "lead@team:t1", "--role", "admin", input=PASSWORD
    )
    user = school.user("ada@school.example")
    assert user["name"] == "Ada Example"
    assert roles_of(user) == [("teacher", "class:s1-c1"), ("lead", "team:t1"), ("admin", "org")]
    assert line == (
        f"{user['id']}  ada@school.example  Ada Example  teacher@class:s1-c1, lead@team:t1, admin@org\n"
    )
    assert school.can_sign_in("ada@school.example", PASSWORD)


def test_user_add_goes_through_the_journal_without_the_password(school: Terminal) -> None:
    school.ok(*ADD, "--role", "lead@t1", input=PASSWORD)
    journal = school.ok("journal", "tail", "org", "--json")
    newest = [orjson.loads(line) for line in journal.splitlines()][-2:]
    assert [entry["type"] for entry in newest] == ["user.create", "team.member"]
    assert PASSWORD not in journal
    members = school.look(lambda kit: kit.storage.find(query("member", room="team:t1")))
    assert "Ada Example" in {member["name"] for member in members}


def test_user_add_takes_a_password_with_any_line_end_and_its_spaces(terminal: Terminal) -> None:
    terminal.ok(*ADD, input=" pass word 12 \r\n")
    assert terminal.can_sign_in("ada@school.example", " pass word 12 ")


@pytest.mark.parametrize(
    ("arguments", "password", "line"),
    [
        (["--role", "teacher@s1-c9"], PASSWORD, "roles.0.scope: there is no class s1-c9"),
        (["--role", "viewer@class:s1"], PASSWORD, "roles.0.scope: must be school:ID for the role viewer"),
        ([], "short", "password: must have at least 10 characters"),
        ([], "", "password: must have at least 10 characters"),
        (["--name", " "], PASSWORD, "name: must not be empty"),
    ],
)
def test_user_add_refuses_by_the_rules_of_the_action(
    arguments: list[str], password: str, line: str, school: Terminal
) -> None:
    assert school.fails(*ADD, *arguments, input=password) == line


def test_user_add_refuses_an_address_that_is_taken(terminal: Terminal) -> None:
    terminal.ok(*ADD, input=PASSWORD)
    line = terminal.fails(
        "user", "add", "ADA@school.example", "--name", "B", "--password-stdin", input=PASSWORD
    )
    assert line == "There is an account with this e-mail address already."


@pytest.mark.parametrize(
    ("role", "message"),
    [
        (
            "king",
            "'king' is no role; the roles are admin, school_admin, office, viewer, teacher, lead, member",
        ),
        ("teacher", "teacher needs the class that it is for: teacher@class:ID"),
        ("", "'' is no role"),
    ],
)
def test_a_role_that_makes_no_sense_is_misuse(role: str, message: str, terminal: Terminal) -> None:
    result = terminal.run(*ADD, "--role", role, input=PASSWORD)
    assert result.exit_code == 2
    assert message in result.stderr


def test_without_a_terminal_the_password_must_come_from_standard_input(terminal: Terminal) -> None:
    result = terminal.run("user", "add", "a@b.example", "--name", "A", input=PASSWORD)
    assert result.exit_code == 2
    assert "use --password-stdin" in result.stderr
    assert not terminal.file.exists()


def test_in_a_terminal_the_password_is_asked_for_twice_and_not_shown(terminal: Terminal) -> None:
    keyboard, tty = pty.openpty()
    command = [sys.executable, "-m", "app", "user", "add", "ada@school.example", "--name", "Ada Example"]
    child = subprocess.Popen(
        command,
        env=environment_without("ROLLCALL_") | terminal.env,
        stdin=tty,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        shown = b""
        assert child.stdout is not None
        for answer in (PASSWORD, "something else", PASSWORD, PASSWORD):
            while not shown.endswith((b"Password: ", b"confirmation: ")):
                byte = child.stdout.read(1)
                assert byte, shown
                shown += byte
            os.write(keyboard, f"{answer}\n".encode())
            shown += b"\n"
        shown += child.communicate(timeout=60)[0]
    finally:
        child.kill()
        os.close(tty)
        os.close(keyboard)
    assert child.returncode == 0, shown
    assert b"The two entered values do not match" in shown
    assert PASSWORD.encode() not in shown
    assert terminal.can_sign_in("ada@school.example", PASSWORD)


def test_user_password_replaces_the_password_and_ends_the_sessions(terminal: Terminal) -> None:
    terminal.ok(*ADD, input=PASSWORD)
    user_id = terminal.user("ada@school.example")["id"]

    async def sign_in(kit: CoreKit) -> None:
        await kit.core.dispatcher.run_internal("user.login", {"user_id": user_id, "session_id": "s-1"})

    terminal.look(sign_in)
    line = terminal.ok(
        "user", "password", " Ada@School.example", "--password-stdin", input="another password"
    )
    assert line == "ada@school.example has a new password, and has to sign in again everywhere.\n"
    assert terminal.can_sign_in("ada@school.example", "another password")
    assert not terminal.can_sign_in("ada@school.example", PASSWORD)
    (session,) = terminal.look(lambda kit: kit.storage.find(query("session", room=f"user:{user_id}")))
    assert session["ended_at"] is not None


@pytest.mark.parametrize("password", ["short", "ada@school.example", "Ada Example"])
def test_user_password_keeps_the_rules(password: str, terminal: Terminal) -> None:
    terminal.ok(*ADD, input=PASSWORD)
    line = terminal.fails("user", "password", "ada@school.example", "--password-stdin", input=password)
    assert line.startswith("password: must ")
    assert terminal.can_sign_in("ada@school.example", PASSWORD)


@pytest.mark.parametrize("command", ["password", "role"])
def test_an_unknown_address_is_named(command: str, terminal: Terminal) -> None:
    option = ["--password-stdin"] if command == "password" else []
    line = terminal.fails("user", command, "nobody@school.example", *option, input=PASSWORD)
    assert line == "there is no account with the e-mail address nobody@school.example"


def test_user_role_gives_takes_and_shows_roles(school: Terminal) -> None:
    school.ok(*ADD, "--role", "teacher@s1-c1", input=PASSWORD)
    email = "ada@school.example"
    line = school.ok("user", "role", email, "--add", "office@s1", "--remove", "teacher@class:s1-c1")
    assert line.endswith("  office@school:s1\n")
    assert roles_of(school.user(email)) == [("office", "school:s1")]
    assert school.ok("user", "role", email, "--add", "office@s1") == line
    assert school.ok("user", "role", email) == line
    assert school.ok("user", "role", email, "--remove", "office@s1").endswith("  no roles\n")


def test_user_role_refuses_what_cannot_be(school: Terminal) -> None:
    line = school.fails("user", "role", "admin@demo.test", "--remove", "admin")
    assert line == "roles: is the only administrator left: make somebody else one first"
    line = school.fails("user", "role", "head@s1.demo.test", "--remove", "office@s1")
    assert line == "head@s1.demo.test has no role office@school:s1"
    line = school.fails("user", "role", "head@s1.demo.test", "--add", "office@s9")
    assert line == "roles.1.scope: there is no school s9"


# -- journal


def test_journal_tail_prints_the_newest_entries_in_order(school: Terminal) -> None:
    head = school.look(lambda kit: kit.storage.heads(["team:t1"]))["team:t1"]
    lines = school.ok("journal", "tail", "team:t1").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(head - 19, head + 1))
    assert any(" u-t1-lead task.create task task-" in line for line in lines)
    lines = school.ok("journal", "tail", "team:t1", "--after", "0").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, head + 1))
    assert school.ok("journal", "tail", "team:t1", "--after", str(head)) == ""


def test_journal_tail_as_json_is_the_audit_trail(school: Terminal) -> None:
    lines = school.ok("journal", "tail", "school:s1", "--after", "0", "--json").splitlines()
    entries = school.look(lambda kit: kit.storage.read("school:s1", after=0, limit=100))
    assert [orjson.loads(line) for line in lines] == [entry.to_wire() for entry in entries]


def test_journal_tail_of_a_room_without_entries_says_so(school: Terminal) -> None:
    result = school.run("journal", "tail", "school:s9")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "school:s9 has no entries\n")


@pytest.mark.parametrize("room", ["class:s1-c1", "summary:s1", "school:", "everything", ""])
def test_journal_tail_of_what_is_no_room_is_misuse(room: str, terminal: Terminal) -> None:
    result = terminal.run("journal", "tail", room)
    assert result.exit_code == 2
    assert "must be org, school:ID, team:ID or user:ID" in result.stderr


def test_journal_tail_without_a_database_says_what_to_do(terminal: Terminal) -> None:
    line = terminal.fails("journal", "tail", "org")
    assert line == f"there is no database {terminal.file} yet: start the server first"
    assert not terminal.file.exists()


async def test_journal_tail_follows_a_database_that_is_in_use(core: CoreKit, tmp_path: Path) -> None:
    await core.actor("u1")
    environment = environment_without("ROLLCALL_") | {
        "ROLLCALL_DATABASE_URL": f"sqlite:///{tmp_path}/rollcall.db",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "app", "journal", "tail", "org", "--follow"]
    child = Child(command, env=environment, cwd=tmp_path)
    child.spawn()
    try:
        await asyncio.to_thread(child.wait_for_line, r"^ +1 .* user u1 ")
        await core.actor("u2")
        await asyncio.to_thread(child.wait_for_line, r"^ +2 .* user u2 ")
        os.kill(child.pid, signal.SIGINT)
        assert await child.exited() == 0
        assert len(child.output.splitlines()) == 2
    finally:
        child.kill()


# -- MongoDB


def test_commands_act_on_mongodb_alike(terminal: Terminal, mongodb_database_url: str) -> None:
    terminal.env = {"ROLLCALL_DATABASE_URL": mongodb_database_url}
    small = ("--schools", "1", "--classes", "2", "--students", "3", "--teams", "1", "--history", "1")
    assert terminal.ok("demo", *small).endswith(" entries written.\n")
    assert terminal.ok("demo", *small).endswith(" all of it was there already.\n")
    terminal.ok(*ADD, "--role", "teacher@s1-c1", input=PASSWORD)
    assert terminal.ok("user", "role", "ada@school.example").endswith("  teacher@class:s1-c1\n")
    assert "user.create user " in terminal.ok("journal", "tail", "org").splitlines()[-1]
