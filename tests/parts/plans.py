"""How SQLite answers the statements that a storage runs: whether each of them finds its rows by an index."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_EXPLAINED = re.compile(r"\s*(SELECT|DELETE|UPDATE|INSERT\b.*\bSELECT)\b", re.IGNORECASE | re.DOTALL)
# Lists given as JSON, and what an inner SELECT has found already, are read from one end to the other.
_HARMLESS = re.compile(r"SCAN (wanted|item|\(subquery|SUBQUERY|CONSTANT ROW|found)")


class Plans:
    """Gathers what a `SqliteStorage(path, trace=plans.record)` runs; `plans.scans(path)` is to be empty."""

    def __init__(self) -> None:
        self._statements: dict[str, str] = {}

    def record(self, statement: str) -> None:
        """Remember the statement, one of each shape."""
        self._statements.setdefault(_LITERAL.sub("?", statement), statement)

    @property
    def statements(self) -> list[str]:
        """One statement of each shape, with its values."""
        return [statement for statement in self._statements.values() if _EXPLAINED.match(statement)]

    def scans(self, path: Path) -> list[str]:
        """The statements that read a table or an index from one end to the other, each with its plan."""
        connection = sqlite3.connect(path)
        try:
            found = []
            for statement in self.statements:
                plan = explain(connection, statement)
                if any(line.startswith("SCAN") and not _HARMLESS.match(line) for line in plan):
                    found.append("\n  ".join([statement, *plan]))
            return found
        finally:
            connection.close()


def explain(connection: sqlite3.Connection, statement: str) -> list[str]:
    """The lines of SQLite's plan; its words: sqlite.org/eqp.html."""
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
