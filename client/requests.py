"""What was asked of the server and has no answer yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from client.effects import Emit, Fetch, Give, Timer
from client.wire import Json

ANSWER_LIMIT = 30.0
"""Seconds without an answer after which a connection counts as broken; it may take twice as long to be
noticed. The server's own limits are shorter, so an answer that takes longer is lost.
"""

Answered = Callable[[Any], None]


class Requests:
    """Numbers requests, and hands each answer to who asked."""

    def __init__(self, give: Give) -> None:
        self._give = give
        self._waiting: dict[int, Answered] = {}
        self._lost_calls: dict[int, Callable[[], None]] = {}
        self._last = 0
        self._mark: int | None = None  # the newest request when the timer was set

    def send(self, event: str, data: Json, answered: Answered, lost: Callable[[], None] | None = None) -> int:
        """Send an event. Exactly one of `answered` and `lost` is called."""
        id = self._expect(answered)
        if lost is not None:
            self._lost_calls[id] = lost
        self._give(Emit(id, event, data))
        return id

    def fetch(self, topic: str, date: str | None, answered: Answered) -> int:
        """Get a snapshot by HTTP; `answered` gets None where that was not possible."""
        id = self._expect(answered)
        self._give(Fetch(id, topic, date))
        return id

    def answered(self, id: int, answer: Any) -> None:
        """The answer to a request has come. One that nobody waits for any more is ignored."""
        call = self._waiting.pop(id, None)
        if call is None:
            return
        self._lost_calls.pop(id, None)
        call(answer)

    def lost(self) -> None:
        """The connection is gone, and with it every answer."""
        calls = list(self._lost_calls.values())
        self._waiting.clear()
        self._lost_calls.clear()
        self._stop_timer()
        for call in calls:
            call()

    def is_overdue(self) -> bool:
        """The timer has run down. True: an answer is overdue."""
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            self._mark = None
            return False
        if self._mark is not None and oldest <= self._mark:
            return True
        self._start_timer()
        return False

    def _expect(self, answered: Answered) -> int:
        self._last += 1
        self._waiting[self._last] = answered
        if self._mark is None:
            self._start_timer()
        return self._last

    def _start_timer(self) -> None:
        self._mark = self._last
        self._give(Timer("answers", ANSWER_LIMIT))

    def _stop_timer(self) -> None:
        if self._mark is not None:
            self._give(Timer("answers", None))
        self._mark = None
