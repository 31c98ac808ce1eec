"""A process that appends to a SQLite store without end, for tests that kill it. Arguments: the file, a label.

It prints `acknowledged ROOM SEQ` for each commit, once it is durable. A commit has three entries; the cursor
of the consumer `notify` follows it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.storage.sqlite import SqliteStorage
from models.record import KINDS
from tests.contract.samples import SAMPLE_KINDS, commit, plain, sample

ROOMS = [f"school:s{i}" for i in range(6)]


async def main(path: Path, label: str) -> None:
    KINDS.update(SAMPLE_KINDS)
    storage = SqliteStorage(path)
    await storage.open()

    async def fill(room: str) -> None:
        head = (await storage.heads([room]))[room]
        while True:
            records = [
                sample(f"{room}-{head}", class_id="c1", rank=head, labels=[label]),
                sample(f"{room}-shared", rank=head, labels=[label, str(head)]),
                plain(f"{room}-count", number=head),
            ]
            await storage.append(commit(storage, room, head + 1, *records, op_ids=[f"op-{head}"] * 3))
            head += 3
            sys.stdout.write(f"acknowledged {room} {head}\n")
            sys.stdout.flush()
            await storage.set_cursor("notify", room, head)

    await asyncio.gather(*map(fill, ROOMS))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
