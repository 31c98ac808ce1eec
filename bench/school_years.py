"""A SQLite file with many school days: the demo's directory, and marks for every student in every period.

Written past the journal, straight into the tables of the records, with their indexes built afterwards: the
reads that are measured look at nothing else, and ten million actions would take an hour.
"""
# ruff: noqa: S608  (names of tables come from the declared kinds)

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import click
import orjson

from app.demo.history import school_days, teacher_of
from app.demo.names import person_name
from app.demo.plan import PERIODS
from app.demo.plan import Size as DemoSize
from app.storage.sqlite_rows import RecordTable, StoredRecord
from app.storage.sqlite_schema import record_table
from bench.servers import Size, load_demo
from models.attendance import TAKEN, mark_record, register_record, sheet_at
from models.journal import Record
from models.rank import GAP
from models.record import KINDS
from models.tally import summary_record, tally_record
from models.task import PRIORITIES, STATUSES

LAST_DAY = date(2026, 7, 20)
CODES = "PPPPPPPPPPPPPPPPPLAEO"
AT_ONCE = 20_000
SEED = 20260302


@dataclass(frozen=True, slots=True)
class Years:
    """How much there is. `tasks`: of each team."""

    size: Size
    marks: int
    tasks: int

    @property
    def name(self) -> str:
        """What a file that holds all of it is marked with."""
        size = self.size
        return f"bench {size.schools} {size.classes} {size.students} {self.marks} {self.tasks}"

    @property
    def team_ids(self) -> list[str]:
        """The demo's teams."""
        return DemoSize().team_ids

    @property
    def days(self) -> list[str]:
        """The school days that hold so many marks, the newest first."""
        a_day = len(self.size.class_ids) * self.size.students * len(PERIODS)
        return [day.isoformat() for day in school_days(LAST_DAY + timedelta(days=1), -(-self.marks // a_day))]


async def fill(path: Path, years: Years) -> int:
    """Make the file, unless it is there as an earlier call has made it; how many marks it has."""
    there = _complete(path, years)
    if there is not None:
        return there
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    await load_demo(f"sqlite:///{path}", years.size)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Nobody minds the loss of a file that can be made again.
        for setting in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "cache_size = -1000000",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {setting}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN"
            " ('records_mark', 'records_register', 'records_tally', 'records_summary')"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        rooms = {name: (number, head) for number, name, head in connection.execute("SELECT * FROM rooms")}
        filler = _Filler(connection, rooms)
        filler.write(_attendance(years))
        filler.write(_tasks(connection, years))
        filler.move_heads()
        for _, sql in indexes:
            connection.execute(sql)
        (marks,) = connection.execute("SELECT count(*) FROM records_mark").fetchone()
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (years.name, str(marks)))
        return int(marks)
    finally:
        connection.close()


def _complete(path: Path, years: Years) -> int | None:
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (years.name,)).fetchone()
        return None if row is None else int(row[0])
    except sqlite3.Error:
        return None
    finally:
        connection.close()


class _Filler:
    """Writes records of any rooms and kinds, in transactions of some thousands."""

    def __init__(self, connection: sqlite3.Connection, rooms: dict[str, tuple[int, int]]) -> None:
        self._connection = connection
        self._numbers = {name: number for name, (number, _) in rooms.items()}
        self._heads = {name: head for name, (_, head) in rooms.items()}
        self._tables = {name: RecordTable(kind) for name, kind in KINDS.items()}

    def write(self, records: Iterable[tuple[str, Record]]) -> None:
        """Store new records, each given with its room."""
        waiting: dict[str, dict[tuple[int, str], StoredRecord]] = {}
        for count, (room, record) in enumerate(records, 1):
            number = self._numbers[room]
            seq = record["seq"] = self._heads[room] = self._heads[room] + 1
            table = self._tables[record["kind"]]
            text = orjson.dumps(record).decode()
            stored = StoredRecord(table.row(number, seq, record, text), table.listed(number, record))
            waiting.setdefault(record["kind"], {})[number, record["id"]] = stored
            if count % AT_ONCE == 0:
                self._flush(waiting)
        self._flush(waiting)

    def _flush(self, waiting: dict[str, dict[tuple[int, str], StoredRecord]]) -> None:
        self._connection.execute("BEGIN")
        for kind, records in waiting.items():
            self._tables[kind].write(self._connection, records)
        self._connection.execute("COMMIT")
        waiting.clear()

    def move_heads(self) -> None:
        """Leave the rooms' heads where the records say."""
        self._connection.executemany(
            "UPDATE rooms SET head = ? WHERE name = ?", [(head, name) for name, head in self._heads.items()]
        )


def _attendance(years: Years) -> Iterator[tuple[str, Record]]:
    """Every register, taken, with its marks, its tally and the days' summaries."""
    size, choice = years.size, random.Random(SEED)  # noqa: S311 - needs no secrecy
    registers = size.classes * len(PERIODS)
    on_roll = size.classes * size.students
    for school_id in size.school_ids:
        for day in years.days:
            summary = summary_record(school_id, day, on_roll)
            yield (
                f"school:{school_id}",
                {**summary, "counts": {"P": on_roll}, "registers": {"open": 0, TAKEN: registers}},
            )
    sheets = [
        sheet_at(class_id.partition("-")[0], class_id, day, period["id"])
        for class_id in size.class_ids
        for day in years.days
        for period in PERIODS
    ]
    # In the order of their ids, which follow no other: so the table and its key grow at their end only.
    sheets.sort(key=lambda sheet: sheet.mark_id(""))
    with click.progressbar(sheets, label="Writing marks") as shown:
        for sheet in shown:
            room, by, at = f"school:{sheet.school_id}", teacher_of(sheet), f"{sheet.date}T09:00:00.000Z"
            name = person_name(DemoSize().seed, by).full
            counts: dict[str, int] = {}
            for number in range(1, size.students + 1):
                code = choice.choice(CODES)
                counts[code] = counts.get(code, 0) + 1
                student_id = f"{sheet.class_id}-p{number}"
                yield (
                    room,
                    mark_record(sheet, student_id, code=code, source="teacher", by=by, by_name=name, at=at),
                )
            yield room, tally_record(sheet, size.students, counts)
            yield (
                room,
                register_record(sheet, taken_by=by, taken_by_name=name, taken_at=at, unmarked=0),
            )


def _tasks(connection: sqlite3.Connection, years: Years) -> Iterator[tuple[str, Record]]:
    """So many tasks of each team, made after those of the demo."""
    choice = random.Random(SEED)  # noqa: S311
    found = connection.execute(f"SELECT data FROM {record_table(KINDS['task'])} WHERE deleted = 0").fetchall()
    of_demo = [orjson.loads(text) for (text,) in found]
    teams = {task["team_id"] for task in of_demo}
    for place, like in enumerate(of_demo, 1):
        for number in range(years.tasks * len(teams) // len(of_demo)):
            yield (
                f"team:{like['team_id']}",
                {
                    **like,
                    "id": f"{like['id']}-{number}",
                    "title": f"{like['title']} {number}",
                    "status": choice.choice(STATUSES),
                    "priority": choice.choice(PRIORITIES),
                    "rank": GAP * (1_000 * (number + 1) + place),
                },
            )
