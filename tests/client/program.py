"""A program that uses the Python client, driven by lines of JSON: one command each on standard input, and on
standard output what happens. program.mjs is the same with the JavaScript client.

    {do: "tokens", expires_in}                           how long tokens seem to be good; null: there are none
    {do: "open", id, url, email, password, store, affinity}
                                                         signs in and starts a client; store: a file, or null
    {do: "subscribe", topic, options}                    options: {date?, fetch?}
    {do: "unsubscribe", topic}
    {do: "records", id, topic}                           answered by [position, records]
    {do: "act", id, type, payload, op_id}                answered by the ack
    {do: "enqueue", id, type, payload, op_id}            answered by the op_id
    {do: "actions", id}                                  answered by [[op_id, state]…]
    {do: "dismiss", op_id}
    {do: "withdraw", id, op_id}                          answered by true or false
    {do: "call", id, event, data}                        answered by the answer
    {do: "close"}

Answers are {answer: id, data} or {answer: id, failed: name, code}. Everything else is {event, data}.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import client as rollcall


class Program:
    """One client, and what it is told to do."""

    def __init__(self, until_end: AsyncExitStack) -> None:
        self._until_end = until_end
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: rollcall.Client
        self._session: rollcall.Session
        self._topics: dict[str, rollcall.Topic] = {}
        self._expires_in: float | None = 900.0

    async def do(self, command: dict[str, Any]) -> None:
        """Do a command; those that are answered go on by themselves."""
        name = command.pop("do")
        id = command.pop("id", None)
        if id is None:
            await getattr(self, name)(**command)
            return
        task = asyncio.create_task(self._answer(id, name, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, id: int, name: str, arguments: dict[str, Any]) -> None:
        try:
            tell({"answer": id, "data": await getattr(self, name)(**arguments)})
        except (
            rollcall.Refused,
            rollcall.Withdrawn,
            rollcall.Offline,
            rollcall.Stopped,
            rollcall.QueueError,
        ) as error:
            code = error.code if isinstance(error, rollcall.Refused) else None
            tell({"answer": id, "failed": type(error).__name__, "code": code})

    async def open(
        self, url: str, email: str, password: str, store: str | None, affinity: str | None
    ) -> None:
        self._session = await rollcall.sign_in(url, email, password)
        kept = None if store is None else await rollcall.FileStore.open(store)
        if kept is not None:
            self._until_end.push_async_callback(kept.close)
        self._client = rollcall.Client(
            url, user=self._session.user["id"], token=self._token, store=kept, affinity=affinity
        )
        self._client.on_status(lambda status: happened("status", [status.state, status.code]))
        self._client.on_action(self._action)
        self._client.on_ready(lambda ready: happened("ready", ready))
        self._client.on_closing(lambda code: happened("closing", code))
        self._client.on_presence(lambda presence: happened("presence", presence))
        await self._until_end.enter_async_context(self._client)

    async def _token(self, why: rollcall.Why) -> rollcall.Token | None:
        happened("asked", why)
        if self._expires_in is None:
            return None
        token = await self._session.token(why)
        return token and rollcall.Token(token.access_token, min(token.expires_in, self._expires_in))

    async def tokens(self, expires_in: float | None) -> None:
        self._expires_in = expires_in

    async def subscribe(self, topic: str, options: dict[str, Any]) -> None:
        subscription = self._topics[topic] = self._client.subscribe(topic, **options)
        subscription.on_status(lambda status: happened("topic_status", [topic, status.state]))
        subscription.on_change(
            lambda changes: happened("changed", [topic, [[c.kind, c.id, c.record] for c in changes]])
        )

    async def unsubscribe(self, topic: str) -> None:
        self._client.unsubscribe(topic)

    async def records(self, topic: str) -> Any:
        subscription = await self._topics[topic].live()
        position = subscription.position
        return [position and position.to_wire(), subscription.records()]

    async def act(self, type: str, payload: dict[str, Any], op_id: str) -> Any:
        return await self._client.act(type, payload, op_id=op_id)

    async def enqueue(self, type: str, payload: dict[str, Any], op_id: str) -> Any:
        return await self._client.enqueue(type, payload, op_id=op_id)

    async def actions(self) -> Any:
        return [[queued.action.op_id, queued.state] for queued in self._client.actions]

    async def dismiss(self, op_id: str) -> None:
        self._client.dismiss(op_id)

    async def withdraw(self, op_id: str) -> Any:
        return self._client.withdraw(op_id)

    async def call(self, event: str, data: dict[str, Any]) -> Any:
        return await self._client.call(event, data)

    def _action(self, queued: rollcall.QueuedAction) -> None:
        error = queued.error and queued.error["code"]
        ack = queued.ack and {"seq": queued.ack["seq"], "duplicate": queued.ack["duplicate"]}
        happened("action", [queued.action.op_id, queued.state, ack or error])


def happened(event: str, data: Any) -> None:
    tell({"event": event, "data": data})


def tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def main() -> None:
    lines = asyncio.StreamReader(limit=2**24)
    make: Callable[[], asyncio.StreamReaderProtocol] = lambda: asyncio.StreamReaderProtocol(lines)  # noqa: E731
    await asyncio.get_running_loop().connect_read_pipe(make, sys.stdin)
    async with AsyncExitStack() as until_end:
        program = Program(until_end)
        async for line in lines:
            command = json.loads(line)
            if command["do"] == "close":
                break
            await program.do(command)


asyncio.run(main())
