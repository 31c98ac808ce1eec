import pytest

from models.journal import ORG
from models.query import query
from tests.app.commands.terminal import ADD, PASSWORD, Terminal


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
