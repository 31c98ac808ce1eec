"""Running commands in a test."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from click.testing import CliRunner, Result

from app.cli import cli
from models.journal import ORG, Record
from models.query import query
from tests.kit import CoreKit, open_kit

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
