import os

import pytest

from app.storage.sqlite_lock import FileLock
from tests.app.commands.terminal import ADD, COMMANDS, PASSWORD, Terminal


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
    "arguments", [["sreve"], ["serve", "--wrokers"], ["user", "add"], ["journal", "tail"]]
)
def test_misuse_ends_with_status_2_and_points_to_the_help(arguments: list[str], terminal: Terminal) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == 2
    assert "--help" in result.stderr
    assert "Error: " in result.stderr


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


def test_commands_act_on_mongodb_alike(terminal: Terminal, mongodb_database_url: str) -> None:
    terminal.env = {"ROLLCALL_DATABASE_URL": mongodb_database_url}
    small = ("--schools", "1", "--classes", "2", "--students", "3", "--teams", "1", "--history", "1")
    assert terminal.ok("demo", *small).endswith(" entries written.\n")
    assert terminal.ok("demo", *small).endswith(" all of it was there already.\n")
    terminal.ok(*ADD, "--role", "teacher@s1-c1", input=PASSWORD)
    assert terminal.ok("user", "role", "ada@school.example").endswith("  teacher@class:s1-c1\n")
    assert "user.create user " in terminal.ok("journal", "tail", "org").splitlines()[-1]
