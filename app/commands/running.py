"""What all commands share: errors as one line, the settings, the event loop, and the node they act on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click
import uvloop

from app.config import SettingError, Settings, read_settings, unknown_variables
from app.main import Node, open_node
from models.errors import RollcallError
from models.ports import StorageLost, StorageRefused

T = TypeVar("T")

MISUSE = 2


class Failure(click.ClickException):
    """The command failed: one line on standard error and exit status 1."""


class WrongSettings(click.ClickException):
    """A setting is wrong: one line on standard error and exit status 2."""

    exit_code = MISUSE


def settings_of_process() -> Settings:
    """The settings; misspelt variables are reported on standard error. WrongSettings."""
    for line in unknown_variables():
        click.echo(f"Warning: {line}", err=True)
    try:
        return read_settings()
    except SettingError as error:
        raise WrongSettings(str(error)) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what a person can do something about becomes a Failure."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except SettingError as error:
        raise WrongSettings(str(error)) from None
    except StorageRefused as refused:
        raise Failure(str(refused)) from None
    except StorageLost as lost:
        raise Failure(f"the storage does not answer: {lost}") from None
    except RollcallError as error:
        raise Failure(error.message) from None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Node]:
    """A node without doors, closed afterwards. StorageRefused."""
    node = await open_node(settings)
    try:
        yield node
    finally:
        await node.close()
