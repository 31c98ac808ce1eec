"""How MongoDB would answer the commands that a storage sends: whether each finds its documents by an index.

The stand-in cannot explain, so this says which index a filter could use, by MongoDB's rule: the fields
that are compared for equality, then the order or a range, must begin the index
(mongodb.com/docs/manual/tutorial/equality-sort-range-rule).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.storage.mongo_query import index_spec

Fields = tuple[str, ...]
Document = Mapping[str, Any]

_EQUALITY = {"$eq", "$in"}
_RANGE = {"$gt", "$gte", "$lt", "$lte", "$ne"}


class MongoPlans:
    """Gathers commands: `MongoStorage(url, trace=plans.record)`. Then `plans.scans()` must be empty."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Document, Fields]] = []
        """Collection, filter and order of each thing asked."""

    def record(self, command: Document) -> None:
        """Remember what the command looks for."""
        match command:
            case {"find": collection, "filter": wanted}:
                self.asked.append((collection, wanted, tuple(command.get("sort", {}))))
            case {"aggregate": collection, "pipeline": [{"$match": wanted}, *_]}:
                self.asked.append((collection, wanted, ()))
            case {"update": collection, "updates": updates}:
                self.asked += [(collection, update["q"], ()) for update in updates]
            case {"delete": collection, "deletes": deletes}:
                self.asked += [(collection, delete["q"], ()) for delete in deletes]

    def indexes(self, collection: str) -> list[Fields]:
        """The index for each filter on the collection, in the order in which they were asked."""
        return [
            best
            for name, wanted, order in self.asked
            if name == collection
            for best in _best(name, wanted, order)
        ]

    def scans(self) -> list[str]:
        """What would read a whole collection."""
        return [
            f"{name}: {wanted}"
            for name, wanted, order in self.asked
            for best in _best(name, wanted, order)
            if not best
        ]


def _best(collection: str, wanted: Document, order: Fields) -> list[Fields]:
    """For each branch of the filter the index that narrows it down most; empty if there is none."""
    indexes = [("_id",), *(index.fields for index in index_spec().get(collection, ()))]
    return [
        max(indexes, key=lambda fields: _depth(fields, branch, order)) if _any(indexes, branch, order) else ()
        for branch in _branches(wanted)
    ]


def _any(indexes: Iterable[Fields], branch: Mapping[str, set[str]], order: Fields) -> bool:
    return any(_depth(fields, branch, order) for fields in indexes)


def _depth(fields: Fields, branch: Mapping[str, set[str]], order: Fields) -> int:
    """How many leading fields of the index the branch makes use of."""
    depth = 0
    for field in fields:
        operators = branch.get(field, set())
        if operators & _EQUALITY:
            depth += 1
            continue
        ordered = depth > 0 and bool(order) and fields[depth : depth + len(order)] == order
        return depth + bool(operators & _RANGE) + ordered
    return depth


def _branches(wanted: Document) -> list[dict[str, set[str]]]:
    """The filter as alternatives, each with the operators that it applies to each field."""
    branches: list[dict[str, set[str]]] = [{}]
    for field, condition in wanted.items():
        if field == "$and":
            parts = [_branches(part) for part in condition]
        elif field == "$or":
            parts = [[alternative for part in condition for alternative in _branches(part)]]
        else:
            operators = set(condition) if isinstance(condition, Mapping) else {"$eq"}
            parts = [[{field: operators}]]
        for alternatives in parts:
            branches = [_merged(branch, other) for branch in branches for other in alternatives]
    return branches


def _merged(one: dict[str, set[str]], other: dict[str, set[str]]) -> dict[str, set[str]]:
    return {field: one.get(field, set()) | other.get(field, set()) for field in {**one, **other}}
