"""A node that appends to a MongoDB without end, for tests that kill it: `mongo_appender.py URL RUN [STEP]`.

It prints `acknowledged ROOM SEQ` for each commit of three entries, once it is durable. With a STEP
(`mongo_steps.STEPS`) it kills itself (SIGKILL) there, in a round of several commits.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys

import pytest

from app.storage.mongo import MongoStorage
from app.storage.mongo_projection import Round
from models.record import KINDS
from tests.app.storage.mongo_steps import stop_at
from tests.contract.samples import SAMPLE_KINDS, commit, plain, sample

ROOMS = [f"school:s{i}" for i in range(4)]
ROUNDS_BEFORE_DEATH = 3


def die() -> None:
    """End as a process does that is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: str) -> None:
    """Arrange for the death of this process."""
    rounds = itertools.count()

    def late(running: Round) -> bool:
        return next(rounds) >= ROUNDS_BEFORE_DEATH and len(running.commits) > 1

    stop_at(step, die, pytest.MonkeyPatch(), when=late)


async def main(url: str, run: str, step: str | None) -> None:
    """Append to all rooms."""
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

    await asyncio.gather(*map(fill, ROOMS))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
