"""A terminal for the tests of the commands."""

import os
from functools import partial
from pathlib import Path

import pytest

from app.passwords import BcryptPasswords
from tests.app.commands.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.main.BcryptPasswords", partial(BcryptPasswords, rounds=4))
    return Terminal(tmp_path)


@pytest.fixture
def school(terminal: Terminal) -> Terminal:
    """A terminal on a small demo."""
    terminal.ok("demo", "--schools", "1", "--classes", "1", "--students", "1", "--teams", "1")
    return terminal
