"""What can go wrong for the application."""

from __future__ import annotations

from client.wire import Json


class Refused(Exception):
    """The server has refused something; `error` says what and why, as it came."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.error = error

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.error["code"])


class QueueError(Exception):
    """An action cannot be queued; the message says why."""


class StoreError(Exception):
    """A store cannot be used, or could not keep an action; the message says why."""


class Withdrawn(Exception):
    """The application has taken the action back before it was sent."""


class Offline(Exception):
    """There is no connection."""


class Stopped(Exception):
    """The client has stopped. What its store keeps goes out with the next client."""
