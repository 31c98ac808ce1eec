"""The client: the core's rules over a real connection, store, clock and network."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec

import aiohttp

from client import effects
from client.connection import Connection, ConnectionListener
from client.core import Core
from client.effects import Effect, QueuedAction, Status, StoredAction, TimerName, Why
from client.errors import Offline, Refused, Stopped, StoreError, Withdrawn
from client.listeners import Listeners
from client.snapshot import fetch_snapshot
from client.store import MemoryStore, Store
from client.topic import Topic
from client.wire import Json, Token

P = ParamSpec("P")

GetToken = Callable[[Why], Awaitable[Token | None]]
"""Gives an access token whenever one is needed, only one at a time. None: there is none any more, and the
client stops. aiohttp.ClientError, OSError, TimeoutError or Refused: it is asked again after a pause.
"""


class Client:
    """Keeps a connection and the topics current, and sends each action until it is answered.

    `user` is the id of the user who acts. `store` keeps actions until they are answered, by default in
    memory. `affinity` is the home room, such as `school:s1`: its people meet on one node where there are
    several. Use it as `async with Client(…) as client`, or call `start` and `close`; who is to be told of
    something is best added before.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str,
        token: GetToken,
        store: Store | None = None,
        affinity: str | None = None,
        transports: Sequence[str] = ("websocket",),
    ) -> None:
        self._url = url.rstrip("/")
        self._get_token = token
        self._store = store or MemoryStore()
        self._affinity = affinity
        self._transports = transports
        self._core = Core(user=user, random=random.random, now=time.time)
        self._topics: dict[str, Topic] = {}
        self._callers: dict[str, asyncio.Future[Json]] = {}
        self._timers: dict[TimerName, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()  # those that end with the client
        self._connection: Connection | None = None
        self._flushing: asyncio.Handle | None = None
        self._statuses: Listeners[Status] = Listeners()
        self._action_changes: Listeners[QueuedAction] = Listeners()
        self._greetings: Listeners[Json] = Listeners()
        self._endings: Listeners[str] = Listeners()
        self._presences: Listeners[Json] = Listeners()

    async def __aenter__(self) -> Client:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Take over the actions that the store has kept, and begin to connect."""
        kept = await self._store.load()
        self._core.restore(kept)
        self._run(self._core.start)

    async def close(self) -> None:
        """End the connection. Actions without an answer stay in the store."""
        self._run(self._core.stop)
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def status(self) -> Status:
        """How current the client is as a whole."""
        return self._core.status

    @property
    def actions(self) -> list[QueuedAction]:
        """What is on its way or was refused, in the order of queueing."""
        return self._core.actions

    def on_status(self, listener: Callable[[Status], object]) -> Callable[[], None]:
        """Call when the status changes. The function returned ends that; so for all of these."""
        return self._statuses.add(listener)

    def on_action(self, listener: Callable[[QueuedAction], object]) -> Callable[[], None]:
        """Call at each step of each action, those included that an earlier client has left in the store."""
        return self._action_changes.add(listener)

    def on_ready(self, listener: Callable[[Json], object]) -> Callable[[], None]:
        """Call with each greeting of the server: who is signed in, and which topics there are."""
        return self._greetings.add(listener)

    def on_closing(self, listener: Callable[[str], object]) -> Callable[[], None]:
        """Call with the code by which the server ends a connection."""
        return self._endings.add(listener)

    def on_presence(self, listener: Callable[[Json], object]) -> Callable[[], None]:
        """Call when somebody comes to a subscribed topic or leaves it; who is there: `call("presence")`."""
        return self._presences.add(listener)

    def subscribe(self, name: str, *, date: str | None = None, fetch: bool = False) -> Topic:
        """Keep a topic current from now on. The same topic again is the same object.

        `date` (`YYYY-MM-DD`) is the day of the snapshot, by default today's; records of other days are then
        left out. Another one than before is taken over. `fetch`: get snapshots by HTTP, compressed, for large
        topics such as a school's. Several calls of one turn of the event loop are one request. Stopped.
        """
        self._check_running()
        self._core.subscribe(name, date, fetch=fetch)
        known = self._core.records(name)
        if known is not None and name not in self._topics:
            self._topics[name] = Topic(name, known, time.time())
        self._carry_out()
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)
        return self._topics[name]

    def unsubscribe(self, name: str) -> None:
        """End a subscription."""
        self._topics.pop(name, None)
        self._run(self._core.unsubscribe, name)

    async def act(
        self, type: str, payload: Json, *, if_seq: int | None = None, op_id: str | None = None
    ) -> Json:
        """Queue an action and wait for its answer, however long that takes; the ack.

        `if_seq`: refuse with `conflict` unless the record the action is about has this seq; 0: there is none
        yet. `op_id`: 1 to 64 of `A-Z a-z 0-9 _ -`, unique for each action, by default a random one. Who stops
        waiting does not take the action back. Refused, Withdrawn, QueueError, StoreError, Stopped.
        """
        action = StoredAction(op_id or uuid.uuid4().hex, type, payload, if_seq)
        outcome: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        adding = self._add(action)
        self._callers[action.op_id] = outcome
        try:
            await adding
            return await outcome
        finally:
            self._callers.pop(action.op_id, None)

    async def enqueue(
        self, type: str, payload: Json, *, if_seq: int | None = None, op_id: str | None = None
    ) -> str:
        """Queue an action; its op_id once it is kept. What becomes of it comes by `on_action`.

        One that is refused stays in `actions`, also in the next client, until it is dismissed. QueueError,
        StoreError, Stopped.
        """
        action = StoredAction(op_id or uuid.uuid4().hex, type, payload, if_seq)
        await self._add(action)
        return action.op_id

    def dismiss(self, op_id: str) -> None:
        """Forget a refused action."""
        self._run(self._core.dismiss, op_id)

    def may_withdraw(self, op_id: str) -> bool:
        """Whether `withdraw` would take the action back now."""
        return self._core.may_withdraw(op_id)

    def withdraw(self, op_id: str) -> bool:
        """Take back an action that was never sent, neither on this connection nor on an earlier one.

        Who waits for it in `act` gets Withdrawn. False: it may have been sent, and goes on. One that an
        earlier client has left in the store counts as sent.
        """
        is_withdrawn = self._core.withdraw(op_id)
        self._carry_out()
        return is_withdrawn

    async def call(self, event: str, data: Json) -> Json:
        """Send any other event, such as `presence`; its answer. Offline, Refused."""
        answer: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        if not self._core.call(event, data, partial(_settle, answer), partial(_settle, answer, None)):
            raise Offline("There is no connection.")
        self._carry_out()
        found = await answer
        if found is None:
            raise Offline("There is no connection.")
        if not found["ok"]:
            raise Refused(found["error"])
        return found

    # -- the core

    def _add(self, action: StoredAction) -> Awaitable[None]:
        """Give an action its place; done once it is kept, whoever waits for that."""
        self._check_running()
        self._core.enqueue(action)
        return asyncio.shield(self._own(self._keep(action)))

    async def _keep(self, action: StoredAction) -> None:
        try:
            await self._store.put(action)
        except StoreError:
            self._run(self._core.unstored, action.op_id)
            raise
        self._run(self._core.stored, action.op_id)

    def _flush(self) -> None:
        """The turn is over in which something was subscribed to."""
        self._flushing = None
        self._run(self._core.flush)

    def _run(self, input: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell the core something, and carry out what it wants."""
        input(*args, **kwargs)
        self._carry_out()

    def _carry_out(self) -> None:
        """Do what the core wants."""
        for effect in self._core.take():
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case effects.AskToken(why):
                self._asking.add(self._own(self._ask_token(why)))
            case effects.Connect(token):
                self._connect(token)
            case effects.Disconnect():
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
            case effects.Emit(id, event, data):
                if self._connection is not None:
                    self._connection.emit(
                        event, data, lambda answer: self._run(self._core.answered, id, answer)
                    )
            case effects.Fetch(id, topic, date):
                self._asking.add(self._own(self._fetch(id, topic, date)))
            case effects.Timer(name, after):
                self._set_timer(name, after)
            case effects.Put() | effects.Remove():
                self._own(self._store_or_not(effect))
            case _:
                self._tell(effect)

    def _tell(self, effect: effects.Told) -> None:
        match effect:
            case effects.Changed(name, changes) if name in self._topics:
                self._topics[name].tell_changes(changes)
            case effects.TopicStatusChanged(name, status) if name in self._topics:
                self._topics[name].tell_status(status)
            case effects.StatusChanged(status):
                self._statuses.tell(status)
                if status.state == "stopped":
                    self._stopped()
            case effects.ActionChanged(action):
                self._action_changes.tell(action)
                self._tell_caller(action)
            case effects.Greeted(ready):
                self._greetings.tell(ready)
            case effects.Closing(code):
                self._endings.tell(code)
            case effects.PresenceChanged(presence):
                self._presences.tell(presence)

    def _tell_caller(self, change: QueuedAction) -> None:
        caller = self._callers.get(change.action.op_id)
        if caller is None or caller.done():
            return
        if change.ack is not None:
            caller.set_result(change.ack)
        elif change.error is not None:
            caller.set_exception(Refused(change.error))
            self.dismiss(change.action.op_id)
        elif change.state == "withdrawn":
            caller.set_exception(Withdrawn("The action was withdrawn."))

    def _connect(self, token: str) -> None:
        # The room's id alone: nothing in it can be encoded in two ways, and a proxy compares what it gets.
        query = "" if self._affinity is None else f"?affinity={self._affinity.rpartition(':')[2]}"
        run, core = self._run, self._core
        listener = ConnectionListener(
            ready=lambda ready: run(core.ready, ready),
            refused=lambda code: run(core.refused, code),
            lost=lambda: run(core.lost),
            closing=lambda code: run(core.closing, code),
            update=lambda update: run(core.update, update),
            resync=lambda topic: run(core.resync, topic),
            presence=lambda presence: run(core.presence, presence),
        )
        self._connection = Connection(self._url + query, token, self._transports, listener)
        self._watch(self._connection.ended)

    def _set_timer(self, name: TimerName, after: float | None) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
        if after is not None:
            self._timers[name] = asyncio.get_running_loop().call_later(
                after, self._run, self._core.timer, name
            )

    async def _ask_token(self, why: Why) -> None:
        told = self._core.token_failed
        try:
            with suppress(aiohttp.ClientError, OSError, Refused):
                token = await self._get_token(why)
                told = self._core.token_denied if token is None else partial(self._core.token_given, token)
        finally:
            # Also after an error of the application's own, which the event loop reports.
            self._run(told)

    async def _fetch(self, id: int, topic: str, date: str | None) -> None:
        snapshot = await fetch_snapshot(self._url, self._core.token, topic, date)
        self._run(self._core.fetched, id, snapshot)

    async def _store_or_not(self, effect: effects.Put | effects.Remove) -> None:
        """Where this fails the next client sends the action again, and gets the same answer again."""
        with suppress(StoreError):
            if isinstance(effect, effects.Put):
                await self._store.put(effect.action)
            else:
                await self._store.remove(effect.op_id)

    def _stopped(self) -> None:
        for task in self._asking:
            task.cancel()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for topic in self._topics.values():
            topic.tell_status(self.status)
        for caller in self._callers.values():
            if not caller.done():
                caller.set_exception(Stopped("The client has stopped."))

    def _check_running(self) -> None:
        if self.status.state == "stopped":
            raise Stopped("The client has stopped.")

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._watch(task)
        return task

    def _watch(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._asking.discard)


def _settle(answer: asyncio.Future[Json | None], value: Json | None) -> None:
    if not answer.done():
        answer.set_result(value)
