"""Which sessions are open, as every request asks: remembered for a moment, and corrected by the journal."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from models.journal import Commit
from models.ports import Clock, Storage
from models.session import user_room

FRESH = timedelta(seconds=5)
"""How long another node's `user.logout` may go unnoticed here."""

KEPT = 100_000


class Sessions:
    """The state of sessions. What this node ends has ended at once; what another ends, after `FRESH` at the
    latest. `alone`: there is no other node.
    """

    def __init__(self, storage: Storage, clock: Clock, *, alone: bool = False, limit: int = KEPT) -> None:
        self._storage = storage
        self._clock = clock
        self._alone = alone
        self._limit = limit
        self._open: OrderedDict[str, datetime] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    async def is_open(self, user_id: str, session_id: str, *, anew: bool = False) -> bool:
        """Whether the user has begun this session and not ended it. `anew`: not even another node, before
        the call. StorageLost.
        """
        if session_id in self._ended:
            return False
        now = self._clock.now()
        seen = self._open.get(session_id)
        if seen is not None and seen <= now < seen + FRESH and (self._alone or not anew):
            return True
        session = await self._storage.get(user_room(user_id), "session", session_id)
        if session is not None and session["ended_at"] is not None:
            self._end(session_id)
        # It may have ended while it was being read.
        if session is None or session_id in self._ended:
            return False
        self._open[session_id] = now
        self._open.move_to_end(session_id)
        _shorten(self._open, self._limit)
        return True

    def apply(self, commit: Commit) -> None:
        """Take in what was committed to a room."""
        if commit.room.startswith("user:"):
            for entry in commit.entries:
                if entry.data["kind"] == "session" and entry.data["ended_at"] is not None:
                    self._end(entry.data["id"])

    def _end(self, session_id: str) -> None:
        self._open.pop(session_id, None)
        self._ended[session_id] = None
        _shorten(self._ended, self._limit)


def _shorten(known: OrderedDict[str, datetime] | OrderedDict[str, None], limit: int) -> None:
    while len(known) > limit:
        known.popitem(last=False)
