"""Kinds of record: each declares its topics and indexes here, and the storages are generic over them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from models.journal import Record

RecordKey = tuple[str, str]
"""`(kind, id)` within a room."""


@dataclass(frozen=True, slots=True)
class RecordKind:
    """What the storages and the journal must know of a kind.

    `indexes`: each a tuple of top-level fields, in the order of the index (`room` may be one of them);
    values are str, int or None.
    `lists`: fields that hold lists of strings and can be searched by one value (`Query.containing`).
    `fixed`: indexed fields that are part of what the id stands for and never change, so that a storage need
    not touch their indexes again. Records of a kind that has any are never deleted.
    `topics`: which topics, besides the room itself, an entry with this record belongs to.
    A storage can always find a record by room and id, and by kind and id.
    """

    name: str
    indexes: tuple[tuple[str, ...], ...]
    lists: tuple[str, ...]
    topics: Callable[[Record], tuple[str, ...]]
    fixed: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every indexed field once, without `room`, `id` and `seq`, which every record has."""
        names = dict.fromkeys(field for index in self.indexes for field in index)
        return tuple(name for name in names if name not in ("room", "id", "seq"))


KINDS: dict[str, RecordKind] = {}


def record_kind(
    name: str,
    *,
    indexes: tuple[tuple[str, ...], ...] = (),
    lists: tuple[str, ...] = (),
    fixed: tuple[str, ...] = (),
    topics: Callable[[Record], tuple[str, ...]] = lambda record: (),
) -> RecordKind:
    """Declare a kind of record. Each name once."""
    if name in KINDS:
        raise ValueError(f"the record kind {name!r} is declared twice")
    kind = KINDS[name] = RecordKind(name, indexes, lists, topics, fixed)
    if not set(fixed) <= set(kind.columns):
        raise ValueError(f"a fixed field of {name!r} is in none of its indexes")
    return kind


def topics_of(room: str, record: Record) -> tuple[str, ...]:
    """The topics of an entry with this record: the room first, then what its kind adds."""
    return (room, *KINDS[record["kind"]].topics(record))


def tombstone(record: Record) -> Record:
    """What stays of a deleted record, so that the seq guard of the storages holds. ValueError for a kind
    whose records are never deleted.
    """
    if KINDS[record["kind"]].fixed:
        raise ValueError(f"a {record['kind']} is never deleted")
    return {"kind": record["kind"], "id": record["id"], "deleted": True}


def digest(*parts: str, size: int = 10) -> str:
    """A stable name for a tuple of ids: letters and digits only, `size` bytes of BLAKE2b in base 16.

    The parts are length-prefixed, so no two different tuples are hashed as the same text.
    """
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
