"""The tables of the embedded store: made on the first open, and grown when a kind of record declares more.

A kind's indexed fields are real columns of its table, filled from the record's JSON. What its declaration no
longer names is dropped, so that no column is ever older than its record: a release that does not know it
would not fill it.
"""
# ruff: noqa: S608  (names of tables and columns come from the declared kinds, never from a request)

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.ports import StorageRefused
from models.record import RecordKind

SQLITE_VERSION = sqlite3.sqlite_version
SCHEMA_VERSION = 1
"""Raised when a table changes in a way that an older release must not touch."""
APPLICATION_ID = 0x526F6C6C
"""Marks the file as ours (`Roll` in ASCII); sqlite.org/pragma.html#pragma_application_id."""
OLDEST_SQLITE = (3, 35, 0)
"""The first with DROP COLUMN and RETURNING."""
SEQ_BITS = 40
"""A journal row's key is `room number << 40 | seq`: one room's entries lie side by side, in order."""
BUSY_LIMIT = 5.0
"""Seconds to wait for another program that holds a lock of SQLite's own, such as its shell."""

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rooms (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS journal (
    place INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    kind TEXT NOT NULL,
    record TEXT NOT NULL,
    by TEXT,
    at TEXT NOT NULL,
    op_id TEXT,
    topics TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_by_record ON journal (substr(record, 2));
DROP INDEX IF EXISTS journal_record;
CREATE TABLE IF NOT EXISTS ops (
    room INTEGER NOT NULL,
    by TEXT NOT NULL,
    op_id TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (room, by, op_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (
    consumer TEXT NOT NULL, room TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (consumer, room)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passwords (user_id TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refresh_tokens (
    session_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, token_hash TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refresh_tokens_user ON refresh_tokens (user_id);
"""

log = logging.getLogger("rollcall.storage")


def record_table(kind: RecordKind) -> str:
    """The table with a kind's records."""
    return f'"records_{kind.name}"'


def list_table(kind: RecordKind, field: str) -> str:
    """The table with one row for each value of a list field of each record."""
    return f'"list_{kind.name}__{field}"'


def index_name(kind: RecordKind, index: tuple[str, ...]) -> str:
    """The index of a kind's table over these fields, whose last column is always the id."""
    return f'"records_{kind.name}__{"__".join(index)}"'


def connect(path: Path, *, cache: int = 2_048) -> sqlite3.Connection:
    """A connection that commits only when told to. `cache`: kibibytes of pages kept in memory.

    May be used from any one thread at a time.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY_LIMIT, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # A statement that might fail halfway notes what it changes: in memory, not in a file.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{cache}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(path: Path, kinds: Iterable[RecordKind]) -> str:
    """Make the file what this release needs; the epoch. StorageRefused if it is not ours; sqlite3.Error."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StorageRefused(
            f"Python was built with SQLite {sqlite3.sqlite_version}; "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer is needed"
        )
    if path.is_dir():
        raise StorageRefused(f"{path} is a folder; name a file in it in ROLLCALL_DATABASE_URL")
    # Password hashes are in it: nobody but the owner may read it.
    path.touch(mode=0o600)
    with _checked(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        for kind in kinds:
            _grow(connection, kind)
        connection.execute(
            "INSERT INTO meta VALUES ('epoch', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(8),)
        )
        (epoch,) = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    return str(epoch)


@contextmanager
def _checked(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that is empty or ours."""
    connection = sqlite3.connect(path, timeout=BUSY_LIMIT, isolation_level=None)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION_ID:
            raise StorageRefused(
                f"{path} is the database of another program; use another ROLLCALL_DATABASE_URL"
            )
        if version > SCHEMA_VERSION:
            raise StorageRefused(
                f"{path} was written by a newer Rollcall (its schema is {version}, this one knows "
                f"{SCHEMA_VERSION}); update Rollcall or use another ROLLCALL_DATABASE_URL"
            )
        yield connection
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise StorageRefused(
                f"{path} is not a database; use another ROLLCALL_DATABASE_URL or move the file away"
            ) from None
        raise
    finally:
        connection.close()


def _grow(connection: sqlite3.Connection, kind: RecordKind) -> None:
    """Make a kind's tables what its declaration says, keeping every record."""
    table = record_table(kind)
    # Without a type: a text stays a text and a number a number.
    columns = "".join(f', "{field}"' for field in kind.columns)
    connection.execute(
        f"""CREATE TABLE IF NOT EXISTS {table} (
            id TEXT NOT NULL, room INTEGER NOT NULL, seq INTEGER NOT NULL,
            deleted INTEGER NOT NULL, data TEXT NOT NULL{columns}, PRIMARY KEY (id, room))"""
    )
    _match_indexes(connection, kind, drop_only=True)
    _match_columns(connection, kind)
    _match_indexes(connection, kind)
    _match_lists(connection, kind)


def _match_columns(connection: sqlite3.Connection, kind: RecordKind) -> None:
    table = record_table(kind)
    own = {"id", "room", "seq", "deleted", "data"}
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} - own
    for field in present - set(kind.columns):
        log.debug("dropping the column %s of %s", field, table)
        connection.execute(f'ALTER TABLE {table} DROP COLUMN "{field}"')
    for field in kind.columns:
        if field not in present:
            log.debug("adding the column %s to %s", field, table)
            connection.execute(f'ALTER TABLE {table} ADD COLUMN "{field}"')
            connection.execute(f"""UPDATE {table} SET "{field}" = json_extract(data, '$."{field}"')""")


def _match_indexes(connection: sqlite3.Connection, kind: RecordKind, *, drop_only: bool = False) -> None:
    table = record_table(kind)
    declared = {index_name(kind, index): index for index in kind.indexes}
    present = {
        f'"{name}"'
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
            (table.strip('"'),),
        )
    }
    for name in present - set(declared):
        connection.execute(f"DROP INDEX {name}")
    if drop_only:
        return
    for name, index in declared.items():
        if name not in present:
            log.debug("building the index %s", name)
            fields = ", ".join(f'"{field}"' for field in dict.fromkeys((*index, "id")))
            # Tombstones are never searched for.
            connection.execute(f"CREATE INDEX {name} ON {table} ({fields}) WHERE deleted = 0")


def _match_lists(connection: sqlite3.Connection, kind: RecordKind) -> None:
    prefix = f"list_{kind.name}__"
    present = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name.startswith(prefix)
    }
    declared = {list_table(kind, field): field for field in kind.lists}
    for name in present:
        if f'"{name}"' not in declared:
            connection.execute(f'DROP TABLE "{name}"')
    for table, field in declared.items():
        if table.strip('"') not in present:
            connection.execute(
                f"""CREATE TABLE {table} (value TEXT NOT NULL, room INTEGER NOT NULL, id TEXT NOT NULL,
                PRIMARY KEY (value, room, id)) WITHOUT ROWID"""
            )
            connection.execute(
                f"""INSERT OR IGNORE INTO {table} SELECT item.value, room, r.id
                FROM {record_table(kind)} AS r, json_each(r.data, '$."{field}"') AS item
                WHERE item.type = 'text'"""
            )
