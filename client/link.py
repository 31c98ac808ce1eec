"""The connection: when to make one, with which token, and what to do when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast, get_args

from client.effects import AskToken, Closing, Connect, Disconnect, Give, Greeted, Timer, TimerName, Why
from client.pause import pause_after, pause_spread
from client.requests import Requests
from client.wire import Json, Token

GREETING_LIMIT = 30.0
"""Seconds from the begin of an attempt to the greeting, which may wait while many come back at once."""

FAREWELL_LIMIT = 10.0
"""Seconds from `closing` to the end of the connection."""

STEADY = 10.0
"""Seconds after which a connection counts as a success, so that the next pause is a short one."""

RENEW_AT = 0.7
RENEW_SPREAD = 0.1
"""A token is renewed when this share of its time is over, and up to `RENEW_SPREAD` more."""

RENEW_AGAIN = 10.0
"""Seconds until a renewal that failed is tried again."""

NEW_TOKEN = ("expired", "roles_changed", "signed_out", "disabled")
"""Ends of a connection that a new token may help against."""

LinkTimer = Literal["connect", "greeting", "farewell", "renew"]


class Link:
    """Keeps one connection for one user, until it is stopped.

    `stopped_by` says why it was; None: the application wanted it. `token` is the newest one.
    """

    def __init__(
        self,
        user: str,
        give: Give,
        requests: Requests,
        random: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._user = user
        self._give = give
        self._requests = requests
        self._random = random
        self._now = now
        self.state: Literal["idle", "waiting", "asking", "connecting", "open", "closing", "stopped"] = "idle"
        self.stopped_by: str | None = None
        self.token: str | None = None
        self._is_fresh = False
        self._is_asking = False
        self._why: Why = "connect"
        self._failures = 0
        self._opened_at = 0.0
        self._is_spread = False

    def start(self) -> None:
        """Begin."""
        if self.state == "idle":
            self.connect()

    def stop(self, code: str | None = None) -> None:
        """End for good."""
        if self.state == "stopped":
            return
        self.state = "stopped"
        self.stopped_by = code
        for name in get_args(LinkTimer):
            self._set_timer(name, None)
        self._give(Disconnect())

    def token_given(self, token: Token) -> None:
        """The application has given a token."""
        self._is_asking = False
        if self.state == "stopped":
            return
        self.token = token.access_token
        self._is_fresh = True
        self._set_timer("renew", token.expires_in * (RENEW_AT + RENEW_SPREAD * self._random()))
        if self.state == "asking":
            self.connect()
        elif self.state == "open":
            self._renew(token.access_token)

    def token_failed(self) -> None:
        """The application could not get a token now."""
        self._is_asking = False
        if self.state == "asking":
            self._wait(self._pause())
        elif self.state == "open":
            self._renew_later()

    def token_denied(self) -> None:
        """The application has no token any more."""
        self._is_asking = False
        if self.state == "asking":
            self.stop(self._why)

    def ready(self, ready: Json) -> None:
        """The server has greeted the connection."""
        if self.state != "connecting":
            return
        self._set_timer("greeting", None)
        if ready["user"]["id"] != self._user:
            self.stop("another_user")
            return
        self.state = "open"
        self._why = "connect"
        self._opened_at = self._now()
        self._give(Greeted(ready))
        if not self._is_fresh:
            self._ask("renew")

    def refused(self, code: str) -> None:
        """The server has refused the connection, by this error code."""
        if self.state != "connecting":
            return
        if code == "unauthenticated":
            self._want_token("unauthenticated")
        self._set_timer("greeting", None)
        self._give(Disconnect())
        self._wait(self._pause())

    def closing(self, code: str) -> None:
        """The server is about to end the connection."""
        if self.state != "open":
            return
        self.state = "closing"
        if code in NEW_TOKEN:
            self._want_token(cast("Why", code))
        else:
            self._is_spread = True
        self._set_timer("farewell", FAREWELL_LIMIT)
        self._give(Closing(code))

    def lost(self) -> None:
        """The connection is gone, or the attempt has failed."""
        if self.state not in ("connecting", "open", "closing"):
            return
        if self.state != "connecting" and self._now() - self._opened_at >= STEADY:
            self._failures = 0
        self._set_timer("greeting", None)
        self._set_timer("farewell", None)
        self._wait(pause_spread(self._random) if self._is_spread else self._pause())
        self._is_spread = False

    def drop(self) -> None:
        """The connection is of no use: end it and make another one."""
        self._give(Disconnect())
        self.lost()

    def online(self) -> None:
        """The device has a network again: do not wait for longer than needed."""
        if self.state == "waiting":
            self._wait(pause_after(0, self._random))

    def connect(self) -> None:
        """The pause before the next attempt is over."""
        if self.token is not None and self._is_fresh:
            self.state = "connecting"
            self._set_timer("greeting", GREETING_LIMIT)
            self._give(Connect(self.token))
        else:
            self.state = "asking"
            self._ask(self._why)

    def renew_due(self) -> None:
        """The token is about to run out."""
        self._is_fresh = False
        if self.state == "open":
            self._ask("renew")

    def _renew(self, token: str) -> None:
        def answered(answer: Any) -> None:
            if not answer["ok"]:
                self._renew_later()

        self._requests.send("renew", {"token": token}, answered)

    def _renew_later(self) -> None:
        self._set_timer("renew", RENEW_AGAIN * (0.5 + self._random()))

    def _ask(self, why: Why) -> None:
        if self._is_asking:
            return
        self._is_asking = True
        self._give(AskToken(why))

    def _want_token(self, why: Why) -> None:
        self._is_fresh = False
        self._why = why

    def _pause(self) -> float:
        self._failures += 1
        return pause_after(self._failures - 1, self._random)

    def _wait(self, seconds: float) -> None:
        self.state = "waiting"
        self._set_timer("connect", seconds)

    def _set_timer(self, name: TimerName, after: float | None) -> None:
        self._give(Timer(name, after))
