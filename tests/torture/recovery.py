"""How long it takes after a storm until everything is as if there had been none."""

from __future__ import annotations

import asyncio

from tests.torture.crowd import Crowd
from tests.torture.durations import Durations
from tests.torture.view import View
from tests.torture.violations import Violations

LOOK = 0.01
LIMIT = 30.0
"""Seconds; who has not recovered by then never will."""


class Recovery:
    """`viewers`: for each view and storm the seconds until it stood where everything acknowledged by the
    storm's end is in it. `writers`: until everything they had sent by then was answered.
    """

    def __init__(self, crowd: Crowd, violations: Violations) -> None:
        self.viewers = Durations()
        self.writers = Durations()
        self._crowd = crowd
        self._violations = violations

    async def wait(self) -> None:
        """The storm is over. Returns when everybody has recovered, or is given up."""
        clock = asyncio.get_running_loop().time
        began = clock()
        behind = {view: _goal(view.topic, view.room.newest) for view in self._crowd.views}
        unanswered = {writer: set(writer.pending) for writer in self._crowd.writers}
        while behind or unanswered:
            passed = clock() - began
            for view in [view for view, seq in behind.items() if view.is_live and view.seq >= seq]:
                del behind[view]
                self.viewers.add(passed)
            for writer in [w for w, numbers in unanswered.items() if not numbers & w.pending.keys()]:
                del unanswered[writer]
                self.writers.add(passed)
            if passed > LIMIT:
                for view in behind:
                    self._violations.add(
                        "diverged",
                        f"{LIMIT:g} s after a storm {view.who} stands at {view.seq}, {self._state(view)}",
                    )
                for _ in unanswered:
                    self.writers.add(passed)
                return
            await asyncio.sleep(LOOK)

    def _state(self, view: View) -> str:
        (owner,) = (one for one in self._crowd.subscribers if view in one.views)
        return f"live {view.is_live}, {owner.link.state}, told {owner.closings[-3:]}"


def _goal(topic: str, newest: dict[str, int]) -> int:
    """Where a view must stand. Of a conflated topic nobody knows which entries it gets."""
    return 0 if topic.startswith("summary:") else newest.get(topic, 0)
