"""Programs that use a client library, as processes of their own: program.py and program.mjs."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.parts.process import environment_without, tied_to_parent
from tests.waiting import until

ROOT = Path(__file__).parents[2]
LIMIT = 30.0
LONGEST_LINE = 2**24
PASSWORD = "rollcall-demo"


class Failed(Exception):
    """A command was answered with an error of the library: its name, and the error's code if it has one.

    `Ended`: it was not answered, because the process has ended.
    """

    def __init__(self, name: str, code: str | None) -> None:
        super().__init__(f"{name} {code}")
        self.name = name
        self.code = code


class Program:
    """One process with one client, which remembers what has happened to it."""

    def __init__(self, command: Sequence[str | Path], store: Path | None) -> None:
        self._command = command
        self._store = store
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._process: asyncio.subprocess.Process
        self._reading: asyncio.Task[None]
        self.happened: list[tuple[str, Any]] = []

    async def start(
        self, url: str, email: str, *, affinity: str | None = None, expires_in: float | None = None
    ) -> Program:
        """Start the process with a client that is signed in, for the first time or again.

        `expires_in`: how many seconds its tokens seem to be good.
        """
        self.happened.clear()
        self._answers.clear()
        self._process = await asyncio.create_subprocess_exec(
            *tied_to_parent(),
            *self._command,
            cwd=ROOT,
            env=environment_without("ROLLCALL_") | {"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )
        self._reading = asyncio.create_task(self._read())
        store = None if self._store is None else str(self._store)
        if expires_in is not None:
            self.do("tokens", expires_in=expires_in)
        await self.ask("open", url=url, email=email, password=PASSWORD, store=store, affinity=affinity)
        return self

    def do(self, command: str, **more: Any) -> None:
        """Give a command that is not answered."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **more}).encode() + b"\n")

    def ask(self, command: str, **more: Any) -> asyncio.Future[Any]:
        """Give a command; its answer. Failed."""
        id = next(self._ids)
        answer = self._answers[id] = asyncio.get_running_loop().create_future()
        self.do(command, id=id, **more)
        return answer

    def act(self, action: tuple[str, dict[str, Any], str]) -> asyncio.Future[Any]:
        """Act and wait for the ack: type, payload, op_id. Failed."""
        type, payload, op_id = action
        return self.ask("act", type=type, payload=payload, op_id=op_id)

    def enqueue(self, action: tuple[str, dict[str, Any], str]) -> asyncio.Future[Any]:
        """Queue an action; done once it is kept."""
        type, payload, op_id = action
        return self.ask("enqueue", type=type, payload=payload, op_id=op_id)

    def subscribe(self, topic: str, **options: Any) -> None:
        """Keep a topic current."""
        self.do("subscribe", topic=topic, options=options)

    async def records(self, topic: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Position and records by id, once the topic is live. Failed."""
        position, records = await self.ask("records", topic=topic)
        return position, {record["id"]: record for record in records}

    def all(self, event: str) -> list[Any]:
        """What came of an event so far."""
        return [data for name, data in self.happened if name == event]

    async def wait_for(self, event: str, data: Any) -> None:
        """Wait until this has happened."""
        await until(lambda: (event, data) in self.happened, LIMIT)

    def kill(self) -> None:
        """End it at once, whatever it is doing; nothing happens if it has ended."""
        if self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """Close the client, and let the process end by itself."""
        if self._process.returncode is None:
            self.do("close")
        async with asyncio.timeout(LIMIT):
            await self._process.wait()
            await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            if "event" in message:
                self.happened.append((message["event"], message["data"]))
            elif not (answer := self._answers.pop(message["answer"])).done():
                self._settle(answer, message)
        for answer in self._answers.values():
            if not answer.done():
                self._settle(answer, {"failed": "Ended", "code": None})

    def _settle(self, answer: asyncio.Future[Any], message: dict[str, Any]) -> None:
        if "failed" in message:
            answer.set_exception(Failed(message["failed"], message["code"]))
            answer.exception()  # not everybody who asks waits for the answer
        else:
            answer.set_result(message.get("data"))
