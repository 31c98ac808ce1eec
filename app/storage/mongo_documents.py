"""The documents of the MongoDB storage: what a commit and a record look like there.

A record is kept as one JSON text in the field `data`, and so are the entries of a commit in `entries`. Only
what is searched for stands beside it, in fields whose names the code fixes (`RecordKind.columns` and `lists`)
and whose values are texts, numbers, null or lists of texts. So nothing that comes from a client, such as
`{"$gt": ""}` or `{"a.b": 1}`, is ever a field name or an operator to MongoDB. A text is also quicker to write
and to read than nested BSON, people can read it in mongosh, and it comes back exactly as it was.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from bson import ObjectId

from models.journal import Commit, Entry, Op, Record, last_by_record
from models.ports import StorageLost
from models.query import Scalar
from models.record import KINDS, RecordKind, digest

Document = dict[str, Any]

News = dict[tuple[str, str], dict[str, Document]]
"""What follows from commits: by collection and room, and then by `_id`, the documents that must be there, or
newer ones.
"""

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
        "entries": orjson.dumps([_entry_object(entry) for entry in entries]).decode(),
    }


def _entry_object(entry: Entry) -> Document:
    return {
        "seq": entry.seq,
        "type": entry.type,
        "by": entry.by,
        "at": entry.at,
        "op_id": entry.op_id,
        "topics": entry.topics,
        "data": entry.data,
    }


def entries_of(document: Document) -> list[Entry]:
    """The entries of a commit."""
    room = document["room"]
    return [
        Entry(
            room,
            one["seq"],
            one["type"],
            one["data"],
            one["by"],
            one["at"],
            one["op_id"],
            tuple(one["topics"]),
        )
        for one in orjson.loads(document["entries"])
    ]


def entries_of_ops(document: Document, wanted: Container[Op]) -> list[tuple[Op, Entry]]:
    """Those entries of a commit that carry one of the ops, in order."""
    return [(op, entry) for entry in entries_of(document) if (op := entry.op) is not None and op in wanted]


def news_of(room: str, entries: Sequence[Entry]) -> News:
    """What follows from a commit with these entries.

    TypeError where an indexed field holds anything but what `RecordKind` says. StorageLost for records of a
    kind that only another version of this program knows: where that one runs, it writes them itself.
    """
    news: News = {(ROOMS, room): {room: {"_id": room, "room": room, "seq": entries[-1].seq}}}
    for (kind, _), record in last_by_record(entries).items():
        if kind not in KINDS:
            raise StorageLost(f"{room} holds the unknown kind {kind!r}: run the same version on every node")
        document = record_document(KINDS[kind], room, record)
        news.setdefault((records_collection(kind), room), {})[document["_id"]] = document
    return news


def merge(news: News, more: News) -> None:
    """Add more news; of two documents with one `_id` the newer one stays."""
    for place, documents in more.items():
        keep_newest(news.setdefault(place, {}), documents)


def keep_newest(documents: dict[str, Document], more: dict[str, Document]) -> None:
    """Add documents by `_id`, unless one is there that is as new."""
    for id, document in more.items():
        there = documents.get(id)
        if there is None or there["seq"] < document["seq"]:
            documents[id] = document


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields that a kind's documents have beside those of every kind; `shape` is a name for them."""

    shape: str
    columns: tuple[str, ...]


@functools.cache
def layout_of(kind: RecordKind) -> Layout:
    """The layout of a kind's documents."""
    return Layout(digest(*kind.columns, "lists", *kind.lists, size=4), kind.columns)


def record_document(kind: RecordKind, room: str, record: Record) -> Document:
    """A record as it is stored.

    TypeError where an indexed field holds anything but what `RecordKind` says.
    """
    layout = layout_of(kind)
    document: Document = {
        "_id": record_key(room, record["id"]),
        "room": room,
        "id": record["id"],
        "seq": record["seq"],
        "deleted": bool(record.get("deleted")),
        "shape": layout.shape,
        "data": orjson.dumps(record).decode(),
    }
    for name in layout.columns:
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
