"""Kinds of record that only the contract suite knows, and builders for commits of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from models.journal import Commit, Entry, HeadMoved, Record
from models.ports import Storage
from models.record import RecordKind

ROOM = "school:s1"
OTHER_ROOM = "school:s2"
AT = "2026-03-02T08:30:00.000Z"
PATIENCE = 20.0
"""Seconds after which a wait for something that must happen is given up."""


def _topics(record: Record) -> tuple[str, ...]:
    class_id = record.get("class_id")
    return (f"class:{class_id}",) if class_id else ()


SAMPLE = RecordKind(
    name="sample",
    indexes=(
        ("room", "rank", "date"),
        ("class_id", "date", "period"),
        ("student_id", "date"),
        ("state", "rank"),
        ("title",),
    ),
    lists=("labels", "assignees"),
    topics=_topics,
)
PLAIN = RecordKind(name="plain", indexes=(), lists=(), topics=lambda record: ())
SAMPLE_KINDS = {kind.name: kind for kind in (SAMPLE, PLAIN)}


def sample(record_id: str, /, **fields: Any) -> Record:
    """A record of the kind `sample`; its seq is set by `commit`."""
    return {"kind": "sample", "id": record_id, "seq": 0, **fields}


def plain(record_id: str, /, **fields: Any) -> Record:
    """A record of the kind `plain`, which has no index of its own."""
    return {"kind": "plain", "id": record_id, "seq": 0, **fields}


def entry(
    room: str,
    seq: int,
    record: Record,
    *,
    by: str | None = "u1",
    op_id: str | None = None,
    action: str = "sample.set",
    topics: Sequence[str] | None = None,
) -> Entry:
    """An entry whose op_id is unique unless given; `by=None` makes a derived one."""
    data = {**record, "seq": seq}
    if by is not None and op_id is None:
        op_id = f"op-{seq}-{next(_numbers)}"
    if topics is None:
        topics = (room, *SAMPLE_KINDS[record["kind"]].topics(record))
    return Entry(room, seq, action, data, by, AT, None if by is None else op_id, tuple(topics))


_numbers = itertools.count(1)


def commit(
    storage: Storage,
    room: str,
    first: int,
    *records: Record,
    by: str = "u1",
    op_ids: Sequence[str] | None = None,
    bulk: bool = False,
) -> Commit:
    """A commit of one entry for each record, from seq `first` on; with `op_ids` or each with its own."""
    ids: Iterable[str | None] = op_ids if op_ids is not None else itertools.repeat(None)
    entries = tuple(
        entry(room, seq, record, by=by, op_id=op_id)
        for seq, (record, op_id) in enumerate(zip(records, ids, strict=False), first)
    )
    return Commit(room, storage.epoch, entries, bulk)


async def put(storage: Storage, room: str, *records: Record) -> int:
    """Append the records as one commit at the room's head; the new head."""
    head = (await storage.heads([room]))[room]
    await storage.append(commit(storage, room, head + 1, *records))
    return head + len(records)


async def append_when_possible(storage: Storage, room: str, record: Record, op_id: str) -> int:
    """Append one entry as a committer does: on HeadMoved, look again. The seq it got."""
    async with asyncio.timeout(PATIENCE * 3):
        while True:
            head = (await storage.load(room, [], [])).head
            try:
                await storage.append(commit(storage, room, head + 1, record, op_ids=[op_id]))
            except HeadMoved:
                continue
            return head + 1


async def read_all(storage: Storage, room: str) -> list[Entry]:
    """Every entry of the room."""
    return await storage.read(room, after=0, limit=1_000_000)


def ids(records: Iterable[Record]) -> list[str]:
    """The ids of the records, in their order."""
    return [record["id"] for record in records]


SHEET: list[Record] = [
    sample(
        "a", class_id="c1", date="2026-03-02", period="1", rank=3, state="open", title="Ä", labels=["x", "y"]
    ),
    sample("b", class_id="c1", date="2026-03-02", period="2", rank=1, state="open", title="B", labels=["y"]),
    sample("c", class_id="c1", date="2026-03-03", period="1", rank=None, state="taken", title="a", labels=[]),
    sample("d", class_id="c2", date="2026-03-02", period="1", rank=2, state=None, title="", labels=None),
    sample("e", class_id="c2", date=None, rank=-5, state="open", title="10", student_id="p1"),
    sample(
        "f",
        class_id="c1",
        date="2026-03-10",
        rank=10,
        state="taken",
        title="9",
        student_id="p1",
        labels=["xy"],
    ),
]
"""Records of one room with what queries find hard: nulls, ties, an empty text, a text that is a number."""
