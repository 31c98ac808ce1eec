"""The committer of a room: orders its actions, decides them in batches, and writes each batch as one commit.

Group commit without a timer: while the storage is busy with other commits, of whatever rooms, a batch gathers
(`Storage.ready`). On an idle node an action goes at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from handlers.dispatch.answers import RETRY_AFTER
from handlers.dispatch.batch import Batch, CutBatch, Decider, Prepared
from handlers.dispatch.room_state import RoomState
from models.action import Ack
from models.errors import Internal, RollcallError, TooLarge, Unavailable
from models.journal import Commit, CommitTooLarge, DuplicateOp, Entry, HeadMoved, Op
from models.ports import Clock, Credentials, Storage, StorageLost, Turns
from models.record import RecordKey

BATCH = 256
QUEUE = 4_096
CACHED_RECORDS = 8_192
"""Records and query results that a room remembers."""
TAIL_READ = 1_000
LOST_RACES = 50

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
    goes away changes nothing. `committed` hears every commit; `found` hears the head where none was known
    before, for a commit whose outcome was lost has been heard by nobody.
    """

    def __init__(
        self,
        room: str,
        *,
        storage: Storage,
        credentials: Credentials,
        decider: Decider,
        turns: Turns,
        clock: Clock,
        committed: Callable[[Commit], None],
        found: Callable[[str, int], None],
        queue: int = QUEUE,
    ) -> None:
        self.room = room
        self._storage = storage
        self._credentials = credentials
        self._decider = decider
        self._turns = turns
        self._clock = clock
        self._committed = committed
        self._found = found
        self._limit = queue
        self._queue: deque[Waiting] = deque()
        self._state = RoomState()
        self._head: int | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return self._task is None

    @property
    def cached(self) -> int:
        """How many records and query results are remembered."""
        return self._state.size

    def forget(self) -> None:
        """Remember nothing any more. Only between two batches."""
        self._head = None
        self._state.clear()

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
                batch: list[Waiting] = []
                try:
                    await self._storage.ready()
                    batch = self._take(BATCH)
                    await self._commit(batch)
                except StorageLost as lost:
                    log.warning("storage lost in %s: %s", self.room, lost)
                    self.forget()
                    _reject_all(batch or self._take(len(self._queue)), Unavailable(retry_after=RETRY_AFTER))
                except Exception:
                    log.exception("committer of %s", self.room)
                    self.forget()
                    _reject_all(batch or self._take(len(self._queue)), Internal())
        finally:
            self._task = None

    def _take(self, most: int) -> list[Waiting]:
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    async def _commit(self, batch: list[Waiting]) -> None:
        """Decide and write the batch, as often as other nodes append first.

        The first try is on what is remembered: that the append goes through proves that the head was the
        newest and no op known. Where it does not, and before anything is rejected, the storage is asked.
        Where other nodes are writing here, the room's turn is taken before.
        """
        ask = False
        for _ in range(LOST_RACES):
            fresh = await self._turns.take(self.room)
            try:
                if await self._try(batch, ask=ask or not fresh):
                    return
            finally:
                self._turns.give(self.room)
            ask = True
        _reject_all(batch, Unavailable("This room is very busy; try again.", retry_after=RETRY_AFTER))

    async def _try(self, batch: list[Waiting], *, ask: bool) -> bool:
        """Decide and write the batch, or a part of it that fits into one commit. False if that must be tried
        again, with a look at the storage first.
        """
        answers = await self._load(batch, ask=ask)
        decided, outcomes = await self._decide(batch, answers)
        commit = decided.commit(self._storage.epoch)
        if not ask and (commit is None or any(isinstance(one, RollcallError) for one in outcomes)):
            return False
        try:
            if commit is None:
                # No append shows that nobody was first: records that were read may be newer than those that
                # were remembered, and what was decided on both is of no use.
                if (await self._storage.heads([self.room]))[self.room] != self._head:
                    return False
            elif not await self._write(commit, decided.passwords):
                return False
        except CommitTooLarge:
            if len(batch) == 1:
                _answer(batch[0], TooLarge("This action changes more than one commit can hold."))
                return True
            self._put_back(batch, len(batch) // 2)
            return False
        self._put_back(batch, len(outcomes))
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Internal):
                log.error("%s in %s", waiting.prepared.spec.type, self.room, exc_info=outcome.__cause__)
            _answer(waiting, outcome)
        if commit is not None:
            self._committed(commit)
        return True

    async def _write(self, commit: Commit, passwords: Mapping[str, str]) -> bool:
        """Write what was decided. False if another node was first. CommitTooLarge."""
        for user_id, password_hash in passwords.items():
            await self._credentials.set_password_hash(user_id, password_hash)
        try:
            await self._storage.append(commit)
        except HeadMoved:
            self._turns.lost(self.room)
            return False
        except DuplicateOp:
            return False
        self._take_in(commit)
        return True

    def _put_back(self, batch: list[Waiting], kept: int) -> None:
        """Shorten the batch to what is kept; the rest is the first in the queue again, and no part of what
        becomes of this batch.
        """
        self._queue.extendleft(reversed(batch[kept:]))
        del batch[kept:]

    async def _load(self, batch: Sequence[Waiting], *, ask: bool) -> Mapping[Op, Sequence[Entry]]:
        """Bring what the batch is sure to read. `ask`: also bring the head up to date, and return what the
        journal holds of the batch's ops.
        """
        if self._state.size > CACHED_RECORDS:
            self._state.clear()
        records = self._state.records
        wanted: dict[RecordKey, None] = {}
        for waiting in batch:
            prepared = waiting.prepared
            for key in prepared.spec.reads(prepared.room, prepared.payload):
                if key not in records:
                    wanted[key] = None
        if not (ask or wanted or self._head is None):
            return {}
        ops = [op for waiting in batch if (op := waiting.prepared.op) is not None] if ask else []
        loaded = await self._storage.load(self.room, ops, list(wanted))
        if loaded.head != self._head:
            await self._catch_up(loaded.head)
        records.update(loaded.records)
        return loaded.answers

    async def _catch_up(self, head: int) -> None:
        """Another node has appended: take in what it wrote."""
        known = self._head
        if known is None:
            self._found(self.room, head)
        if known is None or head < known or head - known > TAIL_READ:
            self._state.clear()
        else:
            self._state.take_in(await self._storage.read(self.room, after=known, up_to=head, limit=TAIL_READ))
        self._head = head

    async def _decide(
        self, waiting: Sequence[Waiting], answers: Mapping[Op, Sequence[Entry]]
    ) -> tuple[Batch, list[Ack | RollcallError]]:
        """Decide in order; stops early where an action needs what is decided so far to be committed."""
        batch = self._decider.begin(self.room, self._head or 0, self._clock.now(), self._state)
        outcomes: list[Ack | RollcallError] = []
        for one in waiting:
            try:
                outcomes.append(await self._decider.decide(one.prepared, batch, answers))
            except RollcallError as rejection:
                outcomes.append(rejection)
            except CutBatch:
                break
            except StorageLost:
                raise
            except Exception as mistake:  # noqa: BLE001 - told where it is the answer; see `_try`
                outcomes.append(_internal(mistake))
        return batch, outcomes

    def _take_in(self, commit: Commit) -> None:
        """What was written is now the newest state."""
        self._head = commit.last
        self._state.take_in(commit.entries)


def _internal(cause: Exception) -> Internal:
    error = Internal()
    error.__cause__ = cause
    return error


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
