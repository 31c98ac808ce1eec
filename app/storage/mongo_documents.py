"""The documents of the MongoDB storage: what a commit and a record look like there.

A record, in a commit as well as on its own, is kept as one JSON text in the field `data`. Only what is
searched for stands beside it, in fields whose names the code fixes (`RecordKind.columns` and `lists`) and
whose values are texts, numbers, null or lists of texts. So nothing that comes from a client, such as
`{"$gt": ""}` or `{"a.b": 1}`, is ever a field name or an operator to MongoDB. A text is also quicker to write
and to read than nested BSON, people can read it in mongosh, and it comes back exactly as it was.
"""

from __future__ import annotations

import functools
from collections.abc import Container
from typing import Any

import orjson
from bson import ObjectId

from models.journal import Commit, Entry, Op, Record
from models.ports import StorageLost
from models.query import Scalar
from models.record import KINDS, RecordKey, RecordKind, digest

Document = dict[str, Any]

COMMITS = "commits"
ROOMS = "rooms"
"""One document `{_id, room, seq}` for each room: its head, as far as it is projected."""

RESERVED = frozenset({"_id", "data", "deleted", "shape"})
"""Names that a kind cannot use for an indexed field."""

# Ids hold no `/`, and neither do rooms.
_SEPARATOR = "/"


def records_collection(kind: str) -> str:
    """The collection of the records of one kind. KeyError for a kind that is not declared."""
    return f"records_{KINDS[kind].name}"


def op_text(op: Op) -> str:
    """An op as the unique index holds it."""
    by, op_id = op
    return f"{by}{_SEPARATOR}{op_id}"


def record_key(room: str, record_id: str) -> str:
    """The `_id` of a record."""
    return f"{room}{_SEPARATOR}{record_id}"


def cursor_key(consumer: str, room: str) -> str:
    """The `_id` of a consumer's cursor."""
    return f"{consumer}{_SEPARATOR}{room}"


def commit_document(commit: Commit) -> Document:
    """A commit as it is inserted, with a new `_id`, not yet projected.

    `ops`, `topics` (without the room itself) and `records` (ids) are there to be indexed. A commit without an
    op gets one that no user can have: a unique index takes two empty lists for the same.
    """
    entries = commit.entries
    topics = dict.fromkeys(topic for entry in entries for topic in entry.topics if topic != commit.room)
    return {
        "_id": ObjectId(),
        "room": commit.room,
        "first": commit.first,
        "last": commit.last,
        "epoch": commit.epoch,
        "bulk": commit.bulk,
        "projected": False,
        "ops": [op_text(op) for op in commit.ops] or [f"#{commit.first}"],
        "topics": list(topics),
        "records": list(dict.fromkeys(entry.data["id"] for entry in entries)),
        "entries": [_entry_document(entry) for entry in entries],
    }


def _entry_document(entry: Entry) -> Document:
    return {
        "seq": entry.seq,
        "type": entry.type,
        "by": entry.by,
        "at": entry.at,
        "op_id": entry.op_id,
        "topics": list(entry.topics),
        "kind": entry.data["kind"],
        "id": entry.data["id"],
        "data": orjson.dumps(entry.data).decode(),
    }


def entry_of(room: str, document: Document) -> Entry:
    """An entry out of a commit's `entries`."""
    return Entry(
        room,
        document["seq"],
        document["type"],
        orjson.loads(document["data"]),
        document["by"],
        document["at"],
        document["op_id"],
        tuple(document["topics"]),
    )


def entries_of_ops(document: Document, wanted: Container[Op]) -> list[tuple[Op, Entry]]:
    """Those entries of a commit that carry one of the ops, in order."""
    room = document["room"]
    ops = (((entry["by"], entry["op_id"]), entry) for entry in document["entries"])
    return [(op, entry_of(room, entry)) for op, entry in ops if op in wanted]


def projected_documents(document: Document) -> dict[str, list[Document]]:
    """What follows from a commit: for each collection the documents that must be there, or newer ones.

    StorageLost for records of a kind that only another version of this program knows: where that one runs, it
    writes them itself.
    """
    room: str = document["room"]
    result: dict[str, list[Document]] = {ROOMS: [{"_id": room, "room": room, "seq": document["last"]}]}
    newest: dict[RecordKey, str] = {(e["kind"], e["id"]): e["data"] for e in document["entries"]}
    for (kind, _), data in newest.items():
        if kind not in KINDS:
            raise StorageLost(f"{room} holds the unknown kind {kind!r}: run the same version on every node")
        result.setdefault(records_collection(kind), []).append(record_document(KINDS[kind], room, data))
    return result


@functools.cache
def shape_of(kind: RecordKind) -> str:
    """A name for the set of fields that a kind's documents have."""
    return digest(*kind.columns, "lists", *kind.lists, size=4)


def record_document(kind: RecordKind, room: str, data: str) -> Document:
    """A record as it is stored, from its JSON text.

    TypeError where an indexed field holds anything but what `RecordKind` says.
    """
    record: Record = orjson.loads(data)
    document: Document = {
        "_id": record_key(room, record["id"]),
        "room": room,
        "id": record["id"],
        "seq": record["seq"],
        "deleted": bool(record.get("deleted")),
        "shape": shape_of(kind),
        "data": data,
    }
    for name in kind.columns:
        document[name] = scalar(name, record.get(name))
    for name in kind.lists:
        document[name] = [scalar(name, item) for item in record.get(name) or ()]
    return document


def record_of(document: Document) -> Record:
    """The record that a document holds."""
    record: Record = orjson.loads(document["data"])
    return record


def scalar(name: str, value: object) -> Scalar:
    """The value as MongoDB may have it, in a document or a filter: text, integer of 64 bits or null.

    True and false are 1 and 0, as in Python and SQLite. TypeError for anything else, such as `{"$gt": ""}`.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    raise TypeError(f"{name} holds text, integers of 64 bits or null, not {type(value).__name__}")
