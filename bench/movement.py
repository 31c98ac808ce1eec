"""Schools that all move at once: marks at an even pace, one school after the other."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from app.demo.loader import in_parts
from bench.load import Load, Writer
from bench.servers import Server, Size, sign_in
from bench.socket_client import connect
from tests.parts.process import HOST

ADMIN = "admin@demo.test"
SEED = 20260302

AT_ONCE = 100
"""Topics of one subscription."""

TICK = 0.01
"""Seconds between two looks at which marks are due."""


class Movement:
    """An administrator who marks in all schools in turns, and a page of theirs that counts what it is told.

    `updates`: of summaries, so far.
    """

    def __init__(self, size: Size) -> None:
        self.load = Load(SEED)
        self.writers = [Writer(self.load, class_id, size.students) for class_id in size.class_ids]
        self.updates = 0
        self._next = itertools.cycle(self.writers)

    async def go_on(self, pace: int, seconds: float) -> None:
        """So many marks a second, evenly, each in the next school: no school twice within the second in which
        its summaries are joined, unless there are fewer schools than marks.
        """
        begin, sent = perf_counter(), 0
        while (passed := perf_counter() - begin) < seconds:
            while sent < pace * passed:
                next(self._next).send(perf_counter())
                sent += 1
            await asyncio.sleep(TICK)

    def on_ack(self, text: bytes) -> None:
        """The topics are there."""

    def on_event(self, text: bytes) -> None:
        self.updates += text.startswith(b'["update"')


@asynccontextmanager
async def movement_of(server: Server, size: Size) -> AsyncIterator[Movement]:
    """Connected, and subscribed to all summaries. ConnectionError, TimeoutError."""
    movement = Movement(size)
    token = (await sign_in(server.url, [ADMIN]))[ADMIN]
    writer, watcher = [
        await connect(listener, HOST, server.port, token=token, greeting=server.greeting)
        for listener in (movement.writers[0], movement)
    ]
    try:
        for one in movement.writers:
            one.client = writer
        for ids in in_parts(size.school_ids, AT_ONCE):
            topics = [{"topic": f"summary:{school_id}"} for school_id in ids]
            watcher.send(f'420["subscribe",{json.dumps({"topics": topics})}]')
        yield movement
    finally:
        writer.close()
        watcher.close()
