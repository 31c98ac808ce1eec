"""A node that appends to a MongoDB without end, for tests that kill it: `mongo_appender.py URL RUN [STEP]`.

It prints `acknowledged ROOM SEQ` for each commit of three entries, once it is durable. With a STEP it kills
itself (SIGKILL) when its tenth commit has got there: `inserted`: nothing follows the insert; the name of a
collection: that one alone is written; `written`: everything is, and the commit is not marked.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from app.storage import mongo_projection
from app.storage.mongo import MongoStorage
from app.storage.mongo_projection import News, Projection, write_newest
from models.record import KINDS
from tests.contract.samples import SAMPLE_KINDS, commit, plain, sample

ROOMS = [f"school:s{i}" for i in range(4)]
COMMITS_BEFORE_DEATH = 10


def die() -> None:
    """End as a process does that is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: str) -> None:
    """Arrange for the death of this process in the projection of its tenth commit."""
    project, projected = Projection.project, 0

    async def write_one(collection: Any, documents: Sequence[dict[str, Any]]) -> None:
        if collection.name == step:
            await write_newest(collection, documents)
            die()

    async def project_until_death(self: Projection, document: dict[str, Any], news: News) -> None:
        nonlocal projected
        projected += 1
        if projected < COMMITS_BEFORE_DEATH:
            return await project(self, document, news)
        if step == "inserted":
            return die()
        if step != "written":
            mongo_projection.write_newest = write_one
        return await project(self, document, news)

    async def mark_until_death(self: Projection, document: dict[str, Any]) -> None:
        if step == "written" and projected >= COMMITS_BEFORE_DEATH:
            die()
        await mark(self, document)

    mark = Projection.mark
    Projection.project = project_until_death  # type: ignore[method-assign]
    Projection.mark = mark_until_death  # type: ignore[method-assign]


async def main(url: str, run: str, step: str | None) -> None:
    """Append to all rooms, or with a step to the first alone: then nothing else is under way at the death."""
    KINDS.update(SAMPLE_KINDS)
    if step is not None:
        die_at(step)
    storage = MongoStorage(url)
    await storage.open()

    async def fill(room: str) -> None:
        head = (await storage.heads([room]))[room]
        while True:
            records = [
                sample(f"{room}-{head}", class_id="c1", rank=head, labels=[run]),
                sample(f"{room}-shared", rank=head, labels=[run, str(head)]),
                plain(f"{room}-count", number=head),
            ]
            await storage.append(commit(storage, room, head + 1, *records, op_ids=[f"op-{head}"] * 3))
            head += 3
            sys.stdout.write(f"acknowledged {room} {head}\n")
            sys.stdout.flush()

    await asyncio.gather(*map(fill, ROOMS if step is None else ROOMS[:1]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
