"""The committer of a room: orders its actions, decides them in batches, and writes each batch as one commit.

Group commit without a timer: while one batch is being written, the next one gathers. An idle room's action
goes at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handlers.dispatch.batch import Batch, CutBatch, Decider, Prepared
from handlers.dispatch.context import RoomState
from models.action import Ack
from models.errors import Internal, RollcallError, TooLarge, Unavailable
from models.journal import Commit, CommitTooLarge, DuplicateOp, HeadMoved
from models.ports import Clock, Credentials, Loaded, Storage, StorageLost
from models.record import RecordKey

BATCH = 256
QUEUE = 4_096
CACHED_RECORDS = 8_192
TAIL_READ = 1_000
LOST_RACES = 50
RETRY_AFTER = 1.0

log = logging.getLogger("rollcall.committer")


@dataclass(slots=True)
class Waiting:
    """An action in a committer's queue, and where its answer goes."""

    prepared: Prepared
    answer: asyncio.Future[Ack]


class Committer:
    """One room on one node.

    Every submitted action gets exactly one answer: its ack, a RollcallError, or Unavailable when the
    storage is lost. An answer is only given after the commit is durable (or, for a rejection, against a
    head confirmed after the action came in). Actions are decided in the order of `submit`. A caller that
    goes away changes nothing.
    """

    def __init__(
        self,
        room: str,
        *,
        storage: Storage,
        credentials: Credentials,
        decider: Decider,
        clock: Clock,
        committed: Callable[[Commit], None],
        queue: int = QUEUE,
    ) -> None:
        self.room = room
        self._storage = storage
        self._credentials = credentials
        self._decider = decider
        self._clock = clock
        self._committed = committed
        self._limit = queue
        self._queue: deque[Waiting] = deque()
        self._state = RoomState()
        self._head: int | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return self._task is None

    def submit(self, prepared: Prepared) -> asyncio.Future[Ack]:
        """Queue an action; the future is its answer. Unavailable at once when the queue is full."""
        if len(self._queue) >= self._limit:
            raise Unavailable(
                "Too much is waiting in this room; try again in a moment.", retry_after=RETRY_AFTER
            )
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(prepared, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"committer {self.room}")
        return answer

    async def drained(self) -> None:
        """Return when everything that was submitted is answered."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                try:
                    await self._commit(batch)
                except StorageLost as lost:
                    log.warning("storage lost in %s: %s", self.room, lost)
                    self._forget()
                    _reject_all(batch, Unavailable(retry_after=RETRY_AFTER))
                except Exception:
                    log.exception("committer of %s", self.room)
                    self._forget()
                    _reject_all(batch, Internal())
        finally:
            self._task = None

    async def _commit(self, batch: list[Waiting]) -> None:
        """Decide and write the batch, as often as other nodes append first."""
        for _ in range(LOST_RACES):
            if not batch:
                return
            loaded = await self._load(batch)
            decided, outcomes = await self._decide(batch, loaded)
            commit = decided.commit(self._storage.epoch)
            if commit is not None:
                for user_id, password_hash in decided.passwords.items():
                    await self._credentials.set_password_hash(user_id, password_hash)
                try:
                    await self._storage.append(commit)
                except (HeadMoved, DuplicateOp):
                    continue
                except CommitTooLarge:
                    batch = self._halve(batch)
                    continue
                self._take_in(commit)
            for waiting, outcome in zip(batch, outcomes, strict=False):
                _answer(waiting, outcome)
            self._queue.extendleft(reversed(batch[len(outcomes) :]))
            if commit is not None:
                self._committed(commit)
            return
        _reject_all(batch, Unavailable("This room is very busy; try again.", retry_after=RETRY_AFTER))

    def _halve(self, batch: list[Waiting]) -> list[Waiting]:
        """The first half; the second goes back to the front of the queue. One action alone is refused."""
        if len(batch) == 1:
            _answer(batch[0], TooLarge("This action changes more than one commit can hold."))
            return []
        half = len(batch) // 2
        self._queue.extendleft(reversed(batch[half:]))
        return batch[:half]

    async def _load(self, batch: Sequence[Waiting]) -> Loaded:
        """Everything the batch needs in one look, and the head confirmed, so that even a rejection is
        against the newest state.
        """
        ops = [op for waiting in batch if (op := waiting.prepared.op) is not None]
        keys: dict[RecordKey, None] = {}
        for waiting in batch:
            prepared = waiting.prepared
            keys.update(dict.fromkeys(prepared.spec.reads(prepared.room, prepared.payload)))
        wanted = [key for key in keys if key not in self._state.records]
        loaded = await self._storage.load(self.room, ops, wanted)
        if loaded.head != self._head:
            await self._catch_up(loaded.head)
        self._state.records.update(loaded.records)
        return loaded

    async def _catch_up(self, head: int) -> None:
        """Another node has appended: forget the records that its entries touched."""
        known = self._head
        if known is None or head < known or head - known > TAIL_READ:
            self._state.clear()
        else:
            for entry in await self._storage.read(self.room, after=known, up_to=head, limit=TAIL_READ):
                self._state.drop((entry.data["kind"], entry.data["id"]))
        self._head = head

    async def _decide(
        self, waiting: Sequence[Waiting], loaded: Loaded
    ) -> tuple[Batch, list[Ack | RollcallError]]:
        """Decide in order; stops early where an action needs what is decided so far to be committed."""
        batch = Batch(self.room, loaded.head, self._clock.now())
        outcomes: list[Ack | RollcallError] = []
        for one in waiting:
            try:
                outcomes.append(await self._decider.decide(one.prepared, batch, self._state, loaded.answers))
            except RollcallError as rejection:
                outcomes.append(rejection)
            except CutBatch:
                break
            except StorageLost:
                raise
            except Exception:
                log.exception("%s in %s", one.prepared.spec.type, self.room)
                outcomes.append(Internal())
        return batch, outcomes

    def _take_in(self, commit: Commit) -> None:
        """What was written is now the newest state."""
        self._head = commit.last
        for entry in commit.entries:
            kind = entry.data["kind"]
            self._state.found.pop(kind, None)
            self._state.records[kind, entry.data["id"]] = entry.data
        if len(self._state.records) > CACHED_RECORDS:
            self._state.clear()

    def _forget(self) -> None:
        self._head = None
        self._state.clear()


class Committers:
    """The committers of a node, one for each room that is in use."""

    def __init__(self, make: Callable[[str], Committer], limit: int = 2_048) -> None:
        self._make = make
        self._limit = limit
        self._committers: OrderedDict[str, Committer] = OrderedDict()
        self._closed = False

    def submit(self, prepared: Prepared) -> asyncio.Future[Ack]:
        """Queue the action in its room. Unavailable when the queue is full or the node is stopping."""
        if self._closed:
            raise Unavailable("This server is stopping; try again.", retry_after=RETRY_AFTER)
        committer = self._committers.get(prepared.room)
        if committer is None:
            committer = self._committers[prepared.room] = self._make(prepared.room)
            self._evict()
        self._committers.move_to_end(prepared.room)
        return committer.submit(prepared)

    async def close(self) -> None:
        """Accept nothing new, and answer everything that was accepted."""
        self._closed = True
        await asyncio.gather(*(committer.drained() for committer in self._committers.values()))

    def _evict(self) -> None:
        surplus = len(self._committers) - self._limit
        for room in [room for room, c in self._committers.items() if c.idle][: max(0, surplus)]:
            del self._committers[room]


def _answer(waiting: Waiting, outcome: Ack | RollcallError) -> None:
    if waiting.answer.done():
        return
    if isinstance(outcome, RollcallError):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)


def _reject_all(batch: Sequence[Waiting], error: RollcallError) -> None:
    for waiting in batch:
        _answer(waiting, error)
