"""Writes many records into a room with few commits, as actions would have made them, and none twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from models.clock import rfc3339
from models.journal import Commit, Entry, HeadMoved, Record
from models.ports import Clock, Loaded, Storage
from models.record import RecordKey, topics_of

T = TypeVar("T")

AT_ONCE = 500
"""Entries in one commit."""

Advance = Callable[[int], object]
"""Told how much more is done."""


class Draft(NamedTuple):
    """An entry that is to be: `type` is the action's, or a derived one."""

    type: str
    record: Record

    @property
    def key(self) -> RecordKey:
        return (self.record["kind"], self.record["id"])


Decide = Callable[[Loaded], Awaitable[Sequence[Draft]]]
"""What to write, given what is there."""


class Loader:
    """Appends straight to the journal. Other nodes may append to the same room meanwhile. StorageLost."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def append(self, room: str, keys: Sequence[RecordKey], decide: Decide) -> int:
        """Write what `decide` wants, given the records with these keys, as one bulk commit; how many entries.

        `decide` is asked again if the room has changed meanwhile.
        """
        while True:
            loaded = await self._storage.load(room, (), keys)
            drafts = await decide(loaded)
            if not drafts:
                return 0
            try:
                await self._storage.append(self._commit(room, loaded.head, drafts))
            except HeadMoved:
                continue
            return len(drafts)

    async def add_missing(self, room: str, drafts: Iterable[Draft], advance: Advance) -> int:
        """Write those of the records that are not there and never were; how many."""
        added = 0
        for some in in_parts(drafts, AT_ONCE):

            async def decide(loaded: Loaded, some: list[Draft] = some) -> list[Draft]:
                return missing(some, loaded)

            added += await self.append(room, [draft.key for draft in some], decide)
            advance(len(some))
        return added

    def _commit(self, room: str, head: int, drafts: Sequence[Draft]) -> Commit:
        at = rfc3339(self._clock.now())
        entries = []
        for seq, draft in enumerate(drafts, head + 1):
            record = {**draft.record, "seq": seq}
            entries.append(Entry(room, seq, draft.type, record, None, at, None, topics_of(room, record)))
        return Commit(room, self._storage.epoch, tuple(entries), bulk=True)


def missing(drafts: Iterable[Draft], loaded: Loaded) -> list[Draft]:
    """The drafts of records that the room does not hold, not even as tombstones."""
    return [draft for draft in drafts if loaded.records[draft.key] is None]


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of this size; the last one may be shorter."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
