"""Queries and indexes of the MongoDB storage, as plain data: nothing here talks to a server."""

from __future__ import annotations

from dataclasses import dataclass

from app.storage.mongo_documents import COMMITS, RESERVED, Document, records_collection, scalar
from models.query import Query, Scalar
from models.record import KINDS, RecordKind

_EVERY_RECORD_HAS = ("room", "id", "seq")


@dataclass(frozen=True, slots=True)
class Index:
    """An ascending index over these fields, in this order."""

    fields: tuple[str, ...]
    unique: bool = False


COMMIT_INDEXES = (
    # No two commits begin at the same number, and no op is in a room twice.
    Index(("room", "first"), unique=True),
    Index(("room", "ops"), unique=True),
    # Heads and tails; the same for a topic; the history of a record.
    Index(("room", "last")),
    Index(("room", "topics", "last")),
    Index(("room", "records", "last")),
    # What is not projected yet, in one room and in all.
    Index(("projected", "room")),
)


def index_spec() -> dict[str, tuple[Index, ...]]:
    """For each collection the indexes it needs besides `_id`.

    ValueError if a kind declares an index on a field name that is taken.
    """
    spec = {COMMITS: COMMIT_INDEXES, "refresh_tokens": (Index(("user_id",)),)}
    for kind in KINDS.values():
        spec[records_collection(kind.name)] = record_indexes(kind)
    return spec


def record_indexes(kind: RecordKind) -> tuple[Index, ...]:
    """The indexes of a kind's collection: those of every kind, then one for each declared index and list.

    Those for queries hold `id`, which breaks ties, so that a page can be taken from the index in order.
    """
    if taken := RESERVED.intersection(kind.columns + kind.lists):
        raise ValueError(f"the kind {kind.name!r} cannot index fields of the name {', '.join(sorted(taken))}")
    declared = [*kind.indexes, *((name, "room") for name in kind.lists)]
    ended = [fields if "id" in fields else (*fields, "id") for fields in declared]
    every = [("room", "id"), ("id", "room"), ("shape",)]
    return tuple(Index(fields) for fields in dict.fromkeys([*every, *ended]))


def filter_of(query: Query, *, page: bool = True) -> Document:
    """The records that a query asks for; without `page`, those of all pages.

    Every value stands behind an operator that the code chose, and is a text, an integer or null. Comparisons
    mean what `Query` says, because every document has every column, be it null. TypeError for other values,
    ValueError for fields that the kind does not index.
    """
    kind = KINDS[query.kind]
    conditions: list[Document] = [{"deleted": {"$eq": False}}]
    conditions += [_compare(kind, name, "$eq", wanted) for name, wanted in query.equal]
    for name, (low, high) in query.within:
        if low is not None:
            conditions.append(_compare(kind, name, "$gte", low))
        if high is not None:
            conditions.append(_compare(kind, name, "$lte", high))
        if low is None and high is None:
            conditions.append(_compare(kind, name, "$ne", None))
    for name, values in query.one_of:
        conditions.append({_column(kind, name): {"$in": [scalar(name, value) for value in values]}})
    for name, wanted_item in query.containing:
        if name not in kind.lists:
            raise ValueError(f"{kind.name}.{name} is not declared as a list")
        conditions.append({name: {"$eq": scalar(name, wanted_item)}})
    if page and query.after is not None:
        conditions.append(_behind(kind, query))
    return {"$and": conditions}


def sort_of(query: Query) -> list[tuple[str, int]]:
    """The order of a query for `sort`. Null comes first in ascending order, as BSON has it."""
    kind = KINDS[query.kind]
    return [(_column(kind, name), -1 if descending else 1) for name, descending in query.directions()]


def count_pipeline(query: Query, by: str) -> list[Document]:
    """Counts as documents `{_id: value, records: n}`."""
    column = _column(KINDS[query.kind], by)
    return [
        {"$match": filter_of(query, page=False)},
        {"$group": {"_id": f"${column}", "records": {"$sum": 1}}},
    ]


def rooms_of(query: Query) -> list[str] | None:
    """The rooms that a query is confined to, or None if it looks into all."""
    for name, value in query.equal:
        if name == "room":
            return [str(value)]
    for name, values in query.one_of:
        if name == "room":
            return [str(value) for value in values]
    return None


_OPERATORS = {"=": "$eq", ">": "$gt", "<": "$lt", "not null": "$ne"}


def _behind(kind: RecordKind, query: Query) -> Document:
    return {
        "$or": [
            {"$and": [_compare(kind, name, _OPERATORS[operator], value) for name, operator, value in branch]}
            for branch in query.branches()
        ]
    }


def _compare(kind: RecordKind, name: str, operator: str, value: Scalar) -> Document:
    return {_column(kind, name): {operator: scalar(name, value)}}


def _column(kind: RecordKind, name: str) -> str:
    if name not in _EVERY_RECORD_HAS and name not in kind.columns:
        raise ValueError(f"{kind.name}.{name} is in no declared index")
    return name
