"""Clients of the official JavaScript library, in a Node process of their own (client.js)."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from models.journal import Record
from tests.parts.process import tied_to_parent
from tests.waiting import until

SCRIPT = Path(__file__).with_name("client.js")
LIMIT = 20.0
LONGEST_LINE = 2**24


class JavaScriptClient:
    """One client, which remembers what happened to it. Make it by `Node.client`."""

    def __init__(self, node: Node, number: int) -> None:
        self._node = node
        self._number = number
        self._ids = itertools.count(1)
        self._acks: dict[int, asyncio.Future[Any]] = {}
        self.happened: list[tuple[str, Any]] = []

    async def call(self, event: str, data: Any) -> Any:
        """Send an event; its ack. Calls at once are sent in their order, without waiting for each other."""
        id = next(self._ids)
        ack = self._acks[id] = asyncio.get_running_loop().create_future()
        self.do("emit", id=id, event=event, data=data)
        async with asyncio.timeout(LIMIT):
            return await ack

    async def act(self, type: str, payload: Record, op_id: str) -> Record:
        """Send an action; its ack."""
        ack: Record = await self.call("action", {"type": type, "payload": payload, "op_id": op_id})
        return ack

    async def subscribe(self, topic: str, **more: Any) -> Record:
        """Subscribe to one topic; its reply."""
        answer = await self.call("subscribe", {"topics": [{"topic": topic, **more}]})
        assert answer["ok"], answer
        reply: Record = answer["topics"][0]
        return reply

    def all(self, event: str) -> list[Any]:
        """What came of an event so far."""
        return [data for name, data in self.happened if name == event]

    async def wait_for(self, event: str, count: int = 1) -> list[Any]:
        """The first `count` of an event, once they are there."""
        await until(lambda: len(self.all(event)) >= count, LIMIT)
        return self.all(event)[:count]

    def do(self, command: str, **more: Any) -> None:
        """Give the client a command of client.js."""
        self._node.write({"client": self._number, "do": command, **more})

    def take(self, message: Record) -> None:
        """Something has happened to the client."""
        if "ack" in message:
            self._acks.pop(message["ack"]).set_result(message["data"])
        else:
            self.happened.append((message["event"], message.get("data")))


class Node:
    """The process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._clients: list[JavaScriptClient] = []
        self._reading = asyncio.create_task(self._read())

    def client(
        self,
        url: str,
        token: str,
        transports: list[str],
        *,
        hold_upgrade: bool = False,
        headers: dict[str, str] | None = None,
    ) -> JavaScriptClient:
        """A client that begins to connect. `hold_upgrade`: it stays with polling until `do("upgrade")`.
        `headers`: what a browser would add.
        """
        client = JavaScriptClient(self, len(self._clients))
        self._clients.append(client)
        more = {"transports": transports, "hold": hold_upgrade, "headers": headers or {}}
        client.do("connect", url=url, token=token, **more)
        return client

    def write(self, command: Record) -> None:
        """Give a command to the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def close(self) -> None:
        """Disconnect all clients and let the process end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(LIMIT):
                assert await self._process.wait() == 0
                await self._reading
        finally:
            if self._process.returncode is None:
                self._process.kill()
            self._reading.cancel()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            self._clients[message["client"]].take(message)


@asynccontextmanager
async def open_node(node: Path) -> AsyncIterator[Node]:
    """Node with the official client, found at this path."""
    process = await asyncio.create_subprocess_exec(
        *tied_to_parent(),
        node,
        SCRIPT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    running = Node(process)
    try:
        yield running
    finally:
        await running.close()
