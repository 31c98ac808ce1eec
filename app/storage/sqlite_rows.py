"""From commits to rows: what is bound on the event loop, and the statements with which the writer stores it.

Every step of a statement gives up Python's global lock; a busy event loop may take it then, and keeps it for
5 ms (`sys.setswitchinterval`). So rows go in by the hundred with one statement, and what Python must do for
them is done beforehand, on the loop.
"""
# ruff: noqa: S608  (names of tables and columns come from the declared kinds, never from a request)

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.storage.sqlite_schema import SEQ_BITS, list_table, record_table
from models.journal import Commit, DuplicateOp, Op, Record
from models.record import RecordKind

Row = tuple[Any, ...]

MOST_ROWS = 256
"""Rows in one statement, far below the 32,766 parameters that SQLite allows it (sqlite.org/limits.html)."""


@dataclass(eq=False, slots=True)
class Room:
    """A room as this process knows it. Only the writer moves `head`, once the commit is durable."""

    number: int
    name: str
    head: int


class Rooms:
    """Every room of the file: about as many as there are schools, teams and users.

    Used by the event loop, which alone numbers new ones; readers only look names up.
    """

    def __init__(self, rows: Iterable[tuple[int, str, int]]) -> None:
        self._by_name = {name: Room(number, name, head) for number, name, head in rows}
        self._names = {room.number: room.name for room in self._by_name.values()}
        self._next = max(self._names, default=0) + 1

    def find(self, name: str) -> Room | None:
        return self._by_name.get(name)

    def name(self, number: int) -> str:
        return self._names[number]

    def find_or_number(self, name: str) -> Room:
        """The room; a new one gets the next number, which is stored with its first commit."""
        room = self._by_name.get(name)
        if room is None:
            room = self._by_name[name] = Room(self._next, name, 0)
            self._names[room.number] = name
            self._next += 1
        return room


class Insert:
    """An INSERT of any number of rows in few steps, its statements prepared: one for each power of two."""

    def __init__(self, into: str, columns: Sequence[str], tail: str = "") -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        one = f"({', '.join('?' * len(columns))})"
        sizes = [1 << i for i in range(MOST_ROWS.bit_length())]
        self._statements = {
            n: f"INSERT INTO {into} ({names}) VALUES {', '.join([one] * n)} {tail}" for n in sizes
        }

    def run(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        start = 0
        while start < len(rows):
            n = min(MOST_ROWS, 1 << ((len(rows) - start).bit_length() - 1))
            values = [value for row in rows[start : start + n] for value in row]
            connection.execute(self._statements[n], values)
            start += n


class RecordTable:
    """How the records of one kind are stored."""

    def __init__(self, kind: RecordKind) -> None:
        self.kind = kind
        table = record_table(kind)
        columns = ("id", "room", "seq", "deleted", "data", *kind.columns)
        still = ("id", "room", "deleted", *kind.fixed) if kind.fixed else ("id", "room")
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in still)
        self._columns = kind.columns
        self._upsert = Insert(
            table, columns, f"ON CONFLICT (id, room) DO UPDATE SET {changes} WHERE excluded.seq > {table}.seq"
        )
        self._lists = {
            field: Insert(list_table(kind, field), ("value", "room", "id")) for field in kind.lists
        }
        self._unlist = {
            field: f"""DELETE FROM {list_table(kind, field)} WHERE (value, room, id) IN (
                SELECT item.value, r.room, r.id FROM json_each(?) AS wanted
                CROSS JOIN {table} AS r
                ON r.id = json_extract(wanted.value, '$[1]') AND r.room = json_extract(wanted.value, '$[0]')
                CROSS JOIN json_each(r.data, '$."{field}"') AS item)"""
            for field in kind.lists
        }

    def row(self, room: int, seq: int, record: Record, text: str) -> Row:
        """The row of a record; `text` is its JSON."""
        get = record.get
        deleted = 1 if get("deleted") else 0
        return (record["id"], room, seq, deleted, text, *[get(column) for column in self._columns])

    def listed(self, room: int, record: Record) -> tuple[tuple[str, Row], ...]:
        """`(field, row)` for each value in each list field of the record, deleted or not."""
        if not self._lists:
            return ()
        return tuple(
            (field, (value, room, record["id"]))
            for field in self._lists
            for value in dict.fromkeys(record.get(field) or ())
        )

    def write(self, connection: sqlite3.Connection, records: Mapping[tuple[int, str], StoredRecord]) -> None:
        """Store the newest state of each of the records, keyed by room number and id."""
        if self._lists:
            keys = orjson.dumps(list(records)).decode()
            for statement in self._unlist.values():
                connection.execute(statement, (keys,))
        self._upsert.run(connection, [record.row for record in records.values()])
        for field, insert in self._lists.items():
            rows = [row for record in records.values() for name, row in record.listed if name == field]
            insert.run(connection, rows)


@dataclass(slots=True)
class StoredRecord:
    """A record's row, and its rows in the tables of its list fields."""

    row: Row
    listed: tuple[tuple[str, Row], ...]


@dataclass(slots=True)
class CommitRows:
    """A commit as rows. `records`: kind → `(room number, id)` → the last state in this commit."""

    room: Room
    first: int
    last: int
    ops: list[Row]
    journal: list[Row]
    records: dict[str, dict[tuple[int, str], StoredRecord]]


class CommitTables:
    """Binds commits and writes them."""

    _ops = Insert("ops", ("room", "by", "op_id", "first", "last"))
    _journal = Insert("journal", ("place", "type", "kind", "record", "by", "at", "op_id", "topics", "data"))
    _rooms = Insert(
        "rooms", ("number", "name", "head"), "ON CONFLICT (number) DO UPDATE SET head = excluded.head"
    )

    def __init__(self, kinds: Iterable[RecordKind]) -> None:
        self._records = {kind.name: RecordTable(kind) for kind in kinds}

    def bind(self, room: Room, commit: Commit) -> CommitRows:
        """The commit's rows. TypeError or ValueError if it holds what JSON cannot."""
        number = room.number
        base = number << SEQ_BITS
        spans: dict[Op, list[int]] = {}
        journal: list[Row] = []
        records: dict[str, dict[tuple[int, str], StoredRecord]] = {}
        for entry in commit.entries:
            data, seq, op = entry.data, entry.seq, entry.op
            kind, record_id = data["kind"], data["id"]
            entry.text = orjson.dumps(data)
            text = entry.text.decode()
            journal.append(
                (
                    base | seq,
                    entry.type,
                    kind,
                    record_id,
                    entry.by,
                    entry.at,
                    entry.op_id,
                    topics_text(entry.topics),
                    text,
                )
            )
            table = self._records[kind]
            stored = StoredRecord(table.row(number, seq, data, text), table.listed(number, data))
            records.setdefault(kind, {})[number, record_id] = stored
            if op is not None:
                spans.setdefault(op, [seq, seq])[1] = seq
        ops = [(number, by, op_id, first, last) for (by, op_id), (first, last) in spans.items()]
        return CommitRows(room, commit.first, commit.last, ops, journal, records)

    def write(self, connection: sqlite3.Connection, commits: Sequence[CommitRows]) -> None:
        """Store the commits, in order; DuplicateOp if an op of any of them is known."""
        try:
            self._ops.run(connection, [row for commit in commits for row in commit.ops])
        except sqlite3.IntegrityError:
            raise DuplicateOp from None
        self._journal.run(connection, [row for commit in commits for row in commit.journal])
        newest: dict[str, dict[tuple[int, str], StoredRecord]] = {}
        for commit in commits:
            for kind, records in commit.records.items():
                newest.setdefault(kind, {}).update(records)
        for kind, records in newest.items():
            self._records[kind].write(connection, records)
        heads = {
            commit.room.number: (commit.room.number, commit.room.name, commit.last) for commit in commits
        }
        self._rooms.run(connection, list(heads.values()))


def topics_text(topics: Sequence[str]) -> str:
    """The topics as the journal holds them, `|a|b|`, so that one can be searched for as `|a|`."""
    text = f"|{'|'.join(topics)}|"
    if text.count("|") != len(topics) + 1:
        raise ValueError(f"a topic's name must not contain '|': {topics!r}")
    return text
