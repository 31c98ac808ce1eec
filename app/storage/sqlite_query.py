"""A Query as one statement of SQL, on an index that is chosen here.

The index is not left to SQLite's planner, which has no statistics: what is fast stays fast in whatever
release, and a query that no index serves is refused in the first test that runs it.
"""
# ruff: noqa: S608  (names of tables and columns come from the declared kinds; values are parameters)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from app.storage.sqlite_rows import Rooms
from app.storage.sqlite_schema import index_name, list_table, record_table
from models.query import Query, Scalar
from models.record import RecordKind

Condition = tuple[str, tuple[Scalar, ...]]
"""A term of SQL and its parameters."""


@dataclass(frozen=True, slots=True)
class Select:
    """A statement that answers one JSON list, and its parameters."""

    sql: str
    parameters: tuple[Scalar, ...]


class QueryCompiler:
    """Compiles queries on the declared kinds. ValueError where no declared index serves a query."""

    def __init__(self, kinds: Mapping[str, RecordKind], rooms: Rooms) -> None:
        self._kinds = dict(kinds)
        self._rooms = rooms

    def find(self, query: Query) -> Select | None:
        """Answers the records; None where there can be none."""
        kind = self._kinds[query.kind]
        conditions = self._conditions(kind, query)
        if conditions is None:
            return None
        order = ", ".join(
            f"{_column(kind, name)} {'DESC' if descending else 'ASC'}"
            for name, descending in query.directions()
        )
        source = _source(kind, query)
        limit = query.limit or -1
        pages: list[str] = []
        parameters: list[Scalar] = []
        for branch in _branches(kind, query):
            terms = [*conditions, *branch]
            page = f"SELECT r.data AS data FROM {source} WHERE {_all(terms)} ORDER BY {order} LIMIT ?"
            pages.append(f"SELECT * FROM ({page})")
            parameters.extend([*_values(terms), limit])
        sql = f"SELECT '[' || group_concat(data, ',') || ']' FROM ({' UNION ALL '.join(pages)} LIMIT ?)"
        return Select(sql, (*parameters, limit))

    def count(self, query: Query, by: str) -> Select | None:
        """Answers `[value, number]` for each value of the field (a room as its number); None as above."""
        kind = self._kinds[query.kind]
        conditions = self._conditions(kind, query)
        if conditions is None:
            return None
        sql = (
            f"SELECT json_group_array(json_array(value, number)) FROM (SELECT {_column(kind, by)} AS value, "
            f"count(*) AS number FROM {_source(kind, query)} WHERE {_all(conditions)} GROUP BY 1)"
        )
        return Select(sql, _values(conditions))

    def _conditions(self, kind: RecordKind, query: Query) -> list[Condition] | None:
        """What every record must satisfy; None where none can."""
        # A literal, so that SQLite sees that the indexes, which leave out the deleted ones, may be used.
        conditions: list[Condition] = [("r.deleted = 0", ())]
        for i, (field, member) in enumerate(query.containing):
            if field not in kind.lists:
                raise ValueError(f"{field!r} is not declared among the lists of {kind.name!r}")
            conditions.append((f"l{i}.value = ?", (member,)))
        room = "l0.room" if query.containing else "r.room"
        for name, value in query.equal:
            if name == "room":
                found = self._rooms.find(str(value))
                if found is None:
                    return None
                conditions.append((f"{room} = ?", (found.number,)))
            else:
                conditions.append(_equal(_column(kind, name), value))
        for name, (low, high) in query.within:
            conditions.extend(_within(_column(kind, name), low, high))
        for name, values in query.one_of:
            if name == "room":
                rooms = [found.number for value in values if (found := self._rooms.find(str(value)))]
                column, wanted = room, tuple[Scalar, ...](rooms)
            else:
                column, wanted = _column(kind, name), values
            if not wanted:
                return None
            conditions.append(_one_of(column, wanted))
        return conditions


def _column(kind: RecordKind, name: str) -> str:
    if name in ("id", "room", "seq") or name in kind.columns:
        return f'r."{name}"'
    raise ValueError(f"{name!r} is in no index of {kind.name!r}")


def _source(kind: RecordKind, query: Query) -> str:
    """What to select from: the first list that is searched, else the table on its best index."""
    table = record_table(kind)
    if query.containing:
        first, *others = (list_table(kind, field) for field, _ in query.containing)
        source = f"{first} AS l0 CROSS JOIN {table} AS r ON r.id = l0.id AND r.room = l0.room"
        for i, other in enumerate(others, 1):
            source += f" CROSS JOIN {other} AS l{i} ON l{i}.room = l0.room AND l{i}.id = l0.id"
        return source
    # Null or one of several values is nothing that an index can be searched for.
    exact = {name for name, _ in query.equal}
    exact |= {name for name, values in query.one_of if None not in values or set(values) == {None}}
    if "id" in exact:
        return f"{table} AS r"
    return f"{table} AS r INDEXED BY {index_name(kind, _best_index(kind, query, exact))}"


def _best_index(kind: RecordKind, query: Query, exact: set[str]) -> tuple[str, ...]:
    """The index of which the query fixes most leading fields; then one that its range or order goes on with.

    Of equals, the one declared first.
    """
    then = {name for name, _ in query.within} | {name for name, _ in query.directions()[:1]}

    def fit(index: tuple[str, ...]) -> tuple[int, bool]:
        leading = len(list(takewhile(exact.__contains__, index)))
        return leading, leading < len(index) and index[leading] in then

    best = max(kind.indexes, key=fit, default=None)
    if best is None or fit(best) == (0, False):
        raise ValueError(f"no index of {kind.name!r} serves {query}")
    return best


def _branches(kind: RecordKind, query: Query) -> list[list[Condition]]:
    """What is behind `after` in parts, nearest first: what shares the most leading values with it."""
    if query.after is None:
        return [[]]
    branches = sorted(query.branches(), key=len, reverse=True)
    return [
        [_term(_column(kind, name), operator, value) for name, operator, value in branch]
        for branch in branches
    ]


def _term(column: str, operator: str, value: Scalar) -> Condition:
    match operator:
        case "not null":
            return f"{column} IS NOT NULL", ()
        case "=":
            return _equal(column, value)
        case _:
            return f"{column} {operator} ?", (value,)


def _equal(column: str, value: Scalar) -> Condition:
    return (f"{column} IS NULL", ()) if value is None else (f"{column} = ?", (value,))


def _within(column: str, low: Scalar, high: Scalar) -> list[Condition]:
    terms = [
        (f"{column} {operator} ?", (bound,))
        for operator, bound in ((">=", low), ("<=", high))
        if bound is not None
    ]
    return [*terms] or [(f"{column} IS NOT NULL", ())]


def _one_of(column: str, values: tuple[Scalar, ...]) -> Condition:
    given = tuple(value for value in values if value is not None)
    within = f"{column} IN ({', '.join('?' * len(given))})"
    if len(given) == len(values):
        return within, given
    return (f"({within} OR {column} IS NULL)" if given else f"{column} IS NULL"), given


def _all(conditions: list[Condition]) -> str:
    return " AND ".join(term for term, _ in conditions)


def _values(conditions: list[Condition]) -> tuple[Scalar, ...]:
    return tuple(value for _, values in conditions for value in values)
