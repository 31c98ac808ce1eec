"""Pages of lists, and records that are read by their keys."""

from __future__ import annotations

from collections.abc import Iterable

from models.journal import Record
from models.ports import Storage
from models.query import Scalar
from models.record import RecordKey

After = tuple[Scalar, ...]
"""Where the next page begins: `Query.after`."""

Page = tuple[list[Record], After | None]
"""A page's records, and the `after` of the next one; None on the last."""


async def loaded(storage: Storage, room: str, keys: Iterable[RecordKey]) -> list[Record]:
    """Those of the records that are there, in the order of the keys. StorageLost."""
    wanted = list(keys)
    if not wanted:
        return []
    records = (await storage.load(room, (), wanted)).records.values()
    return [record for record in records if record is not None and not record.get("deleted")]
