"""A subscriber: keeps its views current through whatever happens, by the protocol's rules for clients."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from tests.torture.known import Json
from tests.torture.link import Link
from tests.torture.view import View
from tests.torture.violations import Violations

FORGETFUL = 0.1
"""The share of connections on which it begins anew, with snapshots, as one does who has just come."""

PASSING = frozenset({"unavailable", "rate_limited"})
"""Errors that go away."""

AGAIN = 0.3
"""Seconds before it asks again after such an error."""


class Subscriber:
    """One connected viewer of some topics."""

    def __init__(
        self,
        views: Sequence[View],
        doors: Sequence[str],
        token: Callable[[], str],
        chance: random.Random,
        violations: Violations,
    ) -> None:
        self.views = list(views)
        self.link = Link(self, doors, token, chance)
        self.closings: list[str] = []
        self._of_topic = {view.topic: view for view in views}
        self._chance = chance
        self._violations = violations
        self._asked: dict[str, int] = {}
        self._requests = 0
        self._clock = asyncio.get_running_loop().time

    def opened(self) -> None:
        if self._chance.random() < FORGETFUL:
            for view in self.views:
                view.forget()
        self._ask(self.views)

    def lost(self) -> None:
        self._asked.clear()
        for view in self.views:
            view.lost()

    def event(self, name: str, data: Any) -> None:
        if name == "update":
            view = self._of_topic[data["topic"]]
            if view.update(data, self._clock()):
                self._ask([view])
        elif name == "resync":
            view = self._of_topic[data["topic"]]
            if view.resync():
                self._ask([view])
        elif name == "closing":
            self.closings.append(data["code"])

    def _ask(self, views: Iterable[View]) -> None:
        views = list(views)
        self._requests += 1
        for view in views:
            self._asked[view.topic] = self._requests
        request = {"topics": [view.request() for view in views]}
        self.link.ask("subscribe", request, partial(self._answered, self._requests, views))

    def _answered(self, request: int, views: Sequence[View], answer: Json) -> None:
        """A reply counts if it is the one to the newest request about its topic."""
        now = self._clock()
        replies = answer["topics"] if answer["ok"] else [answer] * len(views)
        for view, reply in zip(views, replies, strict=True):
            if self._asked.get(view.topic) != request:
                continue
            error = reply.get("error")
            if error is None:
                view.reply(reply, now)
            elif error["code"] in PASSING:
                asyncio.get_running_loop().call_later(AGAIN, self._ask_again, request, view)
            else:
                self._violations.add("refused", f"{view.who}: {error}")

    def _ask_again(self, request: int, view: View) -> None:
        if self._asked.get(view.topic) == request:
            self._ask([view])
