"""Rollcall's way to the sockets alone: the server as it is, but a comment is neither decided nor stored.

`python -m bench.push_server`, with the settings of `python -m app serve`. The door, the token, the checks of
an action, its room and the followers are the real ones. Where the committer would decide and the storage
write, a comment is made into an entry at once and told to those who hear of commits. That is as much as the
peers do for an update, so what it costs beside them is the fan-out's.
"""

from __future__ import annotations

import asyncio

import click

from app.clock import SystemClock
from app.commands.running import opened, run, settings_of_process
from app.commands.serve import url_of
from app.main import Node, serve
from app.open_files import allow_open_files
from handlers.dispatch.batch import Prepared
from handlers.dispatch.dispatcher import Dispatcher
from models.action import Ack, Action, Payload
from models.actor import SYSTEM, Actor
from models.clock import rfc3339
from models.journal import Commit, Entry

COMMENT = "task.comment"


class Undecided(Dispatcher):
    """A dispatcher that lets comments through without deciding or storing them, and does what the node's does
    with all other actions."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._decided = node.core.dispatcher
        self._clock: SystemClock = node.clock
        self._heads: dict[str, int] = {}

    async def prepare(self, action: Action) -> Prepared:
        prepared = await self._decided.prepare(action)
        if prepared.room not in self._heads:
            self._heads |= await self._node.storage.heads([prepared.room])
        return prepared

    async def run_internal(self, type: str, payload: Payload, actor: Actor = SYSTEM) -> Ack:
        return await self._decided.run_internal(type, payload, actor)

    def submit(self, prepared: Prepared) -> asyncio.Future[Ack]:
        if prepared.spec.type != COMMENT:
            return self._decided.submit(prepared)
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        answer.set_result(self._pushed(prepared))
        return answer

    def _pushed(self, prepared: Prepared) -> Ack:
        room = prepared.room
        seq = self._heads[room] = self._heads[room] + 1
        record = {"kind": "comment", "id": f"c{seq}", "seq": seq}
        at = rfc3339(self._clock.now())
        entry = Entry(room, seq, COMMENT, record, prepared.actor.id, at, prepared.op_id, (room,))
        commit = Commit(room, self._node.storage.epoch, (entry,))
        for listener in self._node.listeners:
            listener(commit)
        return Ack(prepared.op_id, room, seq, record)


async def _serve() -> None:
    settings = settings_of_process()
    async with opened(settings) as node:
        node.core.dispatcher = Undecided(node)
        await serve(node, asyncio.Event(), lambda: click.echo(f"  address   {url_of(settings)}"))


if __name__ == "__main__":
    allow_open_files()
    run(_serve())
