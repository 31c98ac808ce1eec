"""A commit as one message between nodes.

Lines: the sender; what the commit is, with all of each entry but its record; then for each entry its record.
The second and all further lines are JSON, in which no line ends. So the record goes as the storage wrote it,
and from the line to the clients, without being written anew.
"""

from __future__ import annotations

import itertools
from typing import Any

import orjson

from models.journal import Commit, Entry, Heard

LARGEST = 1024 * 1024
"""Bytes of a message; a larger commit goes without its entries, which the others read from the journal."""


class BadMessage(Exception):
    """This is no message about a commit; it says why."""


def message_of(commit: Commit, sender: bytes) -> bytes:
    """The message; `sender` holds no line break. A `bulk` commit goes without its entries, too: nobody is
    pushed them.
    """
    entries = () if commit.bulk else commit.entries
    records = [entry.text or orjson.dumps(entry.data) for entry in entries]
    if sum(map(len, records)) > LARGEST:
        entries, records = (), []
    about = {
        "room": commit.room,
        "epoch": commit.epoch,
        "first": commit.first,
        "last": commit.last,
        "bulk": commit.bulk,
        "entries": [(entry.type, entry.by, entry.at, entry.op_id, entry.topics) for entry in entries],
    }
    return b"\n".join((sender, orjson.dumps(about), *records))


def heard_in(message: bytes) -> Heard:
    """What the message tells. BadMessage where that makes no sense."""
    _, *lines = message.split(b"\n")
    try:
        return _heard(lines)
    except (ValueError, TypeError, LookupError) as error:
        raise BadMessage(str(error) or type(error).__name__) from None


def _heard(lines: list[bytes]) -> Heard:
    about = orjson.loads(lines[0])
    room, first, last = about["room"], about["first"], about["last"]
    if not (isinstance(room, str) and type(first) is int and type(last) is int and 1 <= first <= last):
        raise ValueError("it does not say which entries of which room")
    said, records = about["entries"], lines[1:]
    if not len(said) == len(records) == (last - first + 1 if said else 0):
        raise ValueError("it does not hold the entries that it says")
    entries = tuple(map(_entry, itertools.repeat(room), itertools.count(first), said, records))
    return Heard(room, about["epoch"], first, last, entries, about["bulk"] is True)


def _entry(room: str, seq: int, said: Any, text: bytes) -> Entry:
    type, by, at, op_id, topics = said
    record = orjson.loads(text)
    words = (record["kind"], record["id"], type, at, *topics)
    if record["seq"] != seq or topics[0] != room or not all(isinstance(word, str) for word in words):
        raise ValueError("an entry is not like its record")
    return Entry(room, seq, type, record, by, at, op_id, tuple(topics), text)
