"""Every command that goes to MongoDB, for those who want to know how it is used."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.storage.mongo_documents import Document


class CommandTrace(CommandListener):
    """Calls `trace` with each command as it is sent, in the thread that sends it."""

    def __init__(self, trace: Callable[[Document], object]) -> None:
        self._trace = trace

    def started(self, event: CommandStartedEvent) -> None:
        """Pass the command on."""
        self._trace(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing: what is asked matters, not the answer."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing, likewise."""
