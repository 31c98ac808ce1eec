import os
import pty
import subprocess
import sys

import orjson
import pytest

from models.journal import Record
from models.query import query
from tests.app.commands.terminal import ADD, PASSWORD, Terminal
from tests.kit import CoreKit
from tests.parts.process import environment_without


def roles_of(user: Record) -> list[tuple[str, str]]:
    return [(each["role"], each["scope"]) for each in user["roles"]]


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
