"""How records are asked for: by equality, ranges and list membership on declared indexes, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.journal import Record

Scalar = str | int | None
Range = tuple[Scalar, Scalar]
"""Inclusive bounds; None leaves a side open."""


@dataclass(frozen=True, slots=True)
class Query:
    """Records of one kind. Deleted ones are never found; archived ones are.

    `equal`: field → value. `within`: field → inclusive range (a null field is in no range). `one_of`: field
    → values.
    `containing`: list field → a value it must hold. `room` may stand in `equal` and `one_of`.
    `order`: field names, `-` before one for descending; ties are broken by `id` in the direction of the
    last field. Null sorts before everything, as it does in both storages. `after`: the values of the order
    fields and the id of the last record of the page before (see `page_key`). `limit`: at most so many; 0 is
    all.
    """

    kind: str
    equal: tuple[tuple[str, Scalar], ...] = ()
    within: tuple[tuple[str, Range], ...] = ()
    one_of: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()
    containing: tuple[tuple[str, str], ...] = ()
    order: tuple[str, ...] = ()
    after: tuple[Scalar, ...] | None = None
    limit: int = 0
    _hash: int = field(default=0, init=False, repr=False, compare=False)
    """0 until it is asked for: what is remembered is found by its query, again and again."""

    def __hash__(self) -> int:
        if not self._hash:
            parts = (self.kind, self.equal, self.within, self.one_of, self.containing, self.order)
            object.__setattr__(self, "_hash", hash((*parts, self.after, self.limit)))
        return self._hash

    def matches(self, room: str, record: Record) -> bool:
        """Whether the record is one that the query asks for, whatever its page."""

        def value(name: str) -> Any:
            return room if name == "room" else record.get(name)

        if record["kind"] != self.kind or record.get("deleted"):
            return False
        return (
            all(value(name) == wanted for name, wanted in self.equal)
            and all(_inside(value(name), bounds) for name, bounds in self.within)
            and all(value(name) in wanted for name, wanted in self.one_of)
            and all(wanted in (value(name) or ()) for name, wanted in self.containing)
        )

    def directions(self) -> tuple[tuple[str, bool], ...]:
        """`(field, descending)` for each order field, the tie-breaking id included."""
        fields = tuple((name.lstrip("-"), name.startswith("-")) for name in self.order)
        return (*fields, ("id", fields[-1][1] if fields else False))

    def page_key(self, record: Record) -> tuple[Scalar, ...]:
        """What to give as `after` to get the records behind this one."""
        return tuple(record.get(name) for name, _ in self.directions())

    def sorted(self, records: list[Record]) -> list[Record]:
        """The records in the query's order."""
        ordered = list(records)
        for name, descending in reversed(self.directions()):
            ordered.sort(key=lambda r: (r.get(name) is not None, r.get(name)), reverse=descending)
        return ordered

    def branches(self) -> list[list[tuple[str, str, Scalar]]]:
        """`after` as a disjunction of conjunctions `(field, operator, value)`.

        Operators: `=`, `>`, `<`, and `not null` for what comes after null in ascending order.
        A record is behind `after` if it satisfies all conditions of one of the branches. Empty: no `after`.
        """
        if self.after is None:
            return []
        result: list[list[tuple[str, str, Scalar]]] = []
        for i, (name, descending) in enumerate(self.directions()):
            same: list[tuple[str, str, Scalar]] = [
                (other, "=", self.after[j]) for j, (other, _) in enumerate(self.directions()[:i])
            ]
            value = self.after[i]
            if value is None and not descending:
                result.append([*same, (name, "not null", None)])
            elif value is not None and descending:
                result.append([*same, (name, "<", value)])
                result.append([*same, (name, "=", None)])
            elif value is not None:
                result.append([*same, (name, ">", value)])
        return result


def _inside(value: Any, bounds: Range) -> bool:
    low, high = bounds
    if value is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def query(
    kind: str,
    *,
    within: Mapping[str, Range] | None = None,
    one_of: Mapping[str, tuple[Scalar, ...]] | None = None,
    containing: Mapping[str, str] | None = None,
    order: tuple[str, ...] = (),
    after: tuple[Scalar, ...] | None = None,
    limit: int = 0,
    **equal: Scalar,
) -> Query:
    """Write a query as `query("mark", class_id=..., date=..., order=("-date",))`."""
    return Query(
        kind,
        tuple(equal.items()),
        tuple((within or {}).items()),
        tuple((one_of or {}).items()),
        tuple((containing or {}).items()),
        order,
        after,
        limit,
    )
