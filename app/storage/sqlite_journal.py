"""Reading journals: entries, the answers of ops, and which rooms a consumer has not read to the end."""
# ruff: noqa: S608  (names of tables come from the declared kinds; values are parameters)

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.storage.sqlite_pool import select_list
from app.storage.sqlite_rows import Room
from app.storage.sqlite_schema import SEQ_BITS, record_table
from models.journal import Entry, Op, Record
from models.ports import Lag, Loaded
from models.record import RecordKey, RecordKind

_MOST_SEQ = (1 << SEQ_BITS) - 1

_ENTRIES = f"""
    SELECT '[' || group_concat(
        '[' || (place & {_MOST_SEQ}) || ',' || data || ',' || json_array(type, by, at, op_id, topics) || ']',
        ','
    ) || ']'
"""
"""Answers `[[seq, record, [type, by, at, op_id, topics]], …]` as one text; see `select_list`."""

_OP_ENTRIES = f"""{_ENTRIES} FROM (
    SELECT j.* FROM json_each(?) AS wanted
    CROSS JOIN ops AS o ON o.room = ?
    AND o.by = json_extract(wanted.value, '$[0]') AND o.op_id = json_extract(wanted.value, '$[1]')
    CROSS JOIN journal AS j
    ON j.place BETWEEN ? + o.first AND ? + o.last AND j.by = o.by AND j.op_id = o.op_id
    LIMIT -1)
"""

_BEHIND = """
    SELECT json_group_array(json_array(name, seq, head)) FROM (
        SELECT r.name, coalesce(c.seq, 0) AS seq, r.head FROM rooms AS r
        LEFT JOIN cursors AS c ON c.consumer = ? AND c.room = r.name
        WHERE (r.name = ? OR (r.name > ? AND r.name < ?)) AND r.head > coalesce(c.seq, 0))
"""


def read_entries(
    connection: sqlite3.Connection,
    room: Room,
    after: int,
    limit: int,
    up_to: int | None = None,
    topic: str | None = None,
    record: str | None = None,
) -> list[Entry]:
    """As Storage.read."""
    base = room.number << SEQ_BITS
    last = _MOST_SEQ if up_to is None else min(up_to, _MOST_SEQ)
    terms = ["place > ?", "place <= ?"]
    values: list[Any] = [base | min(after, _MOST_SEQ), base | last]
    if topic is not None:
        if "|" in topic:
            return []
        terms.append("instr(topics, ?)")
        values.append(f"|{topic}|")
    if record is not None:
        # The ids of what belongs together often differ in their first letter only: leaving it out keeps them
        # on one page of the index, which is then written once.
        terms.append("substr(record, 2) = substr(?, 2) AND record = ?")
        values += [record, record]
    sql = f"{_ENTRIES} FROM (SELECT * FROM journal WHERE {' AND '.join(terms)} ORDER BY place LIMIT ?)"
    return [_entry(room.name, line) for line in select_list(connection, sql, (*values, limit))]


def load(
    connection: sqlite3.Connection,
    kinds: Mapping[str, RecordKind],
    room: Room,
    ops: Sequence[Op],
    keys: Sequence[RecordKey],
) -> Loaded:
    """As Storage.load."""
    # First of all, so that what is read after it is at least as new.
    head = room.head
    answers: dict[Op, list[Entry]] = {}
    if ops:
        base = room.number << SEQ_BITS
        wanted = orjson.dumps(list(dict.fromkeys(ops))).decode()
        for line in select_list(connection, _OP_ENTRIES, (wanted, room.number, base, base)):
            entry = _entry(room.name, line)
            if entry.op is not None:
                answers.setdefault(entry.op, []).append(entry)
    records: dict[RecordKey, Record | None] = dict.fromkeys(keys)
    for name in {kind for kind, _ in records}:
        ids = orjson.dumps([record_id for kind, record_id in records if kind == name]).decode()
        sql = f"""SELECT '[' || group_concat(r.data, ',') || ']' FROM json_each(?) AS wanted
            CROSS JOIN {record_table(kinds[name])} AS r ON r.id = wanted.value AND r.room = ?"""
        for record in select_list(connection, sql, (ids, room.number)):
            records[name, record["id"]] = record
    return Loaded(head, answers, records)


def start_of(connection: sqlite3.Connection, room: Room) -> int:
    """As Storage.start."""
    base = room.number << SEQ_BITS
    sql = "SELECT min(place) FROM journal WHERE place > ? AND place <= ?"
    (first,) = connection.execute(sql, (base, base | _MOST_SEQ)).fetchone()
    return room.head if first is None else int(first) - base - 1


def rooms_behind(connection: sqlite3.Connection, consumer: str, noun: str) -> list[Lag]:
    """As Storage.lagging."""
    # `;` is what follows `:` in ASCII: the names between are those that begin with `noun:`.
    lines = select_list(connection, _BEHIND, (consumer, noun, f"{noun}:", f"{noun};"))
    return [Lag(room, cursor, head) for room, cursor, head in lines]


def _entry(room: str, line: list[Any]) -> Entry:
    seq, data, (type_, by, at, op_id, topics) = line
    return Entry(room, seq, type_, data, by, at, op_id, tuple(topics[1:-1].split("|")))
