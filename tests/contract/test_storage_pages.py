"""Pages of records: in whatever order, put together they are the whole answer."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.journal import Record
from models.ports import Storage
from models.query import Query, query
from tests.contract.samples import ROOM, SHEET, ids, put, sample

FIELDS: dict[str, tuple[Any, ...]] = {
    "rank": (None, -1, 0, 1, 2, 10),
    "date": (None, "2026-03-01", "2026-03-02", "2026-03-10"),
    "title": (None, "", " ", "9", "10", "a", "B", "é", "zz"),
    "state": (None, "open", "taken"),
}
LABELS = ("x", "y", "xy")

values = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(options) for name, options in FIELDS.items()},
        "labels": st.lists(st.sampled_from(LABELS), max_size=3),
        "deleted": st.just(True),
    },
)
orders = st.lists(st.sampled_from([*FIELDS, "seq"]), unique=True, max_size=3).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names))
)


@st.composite
def queries(draw: st.DrawFn, room: str) -> Query:
    def some(options: tuple[Any, ...]) -> Any:
        return draw(st.sampled_from(options))

    equal: dict[str, Any] = {}
    within: dict[str, Any] = {}
    one_of: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(list(FIELDS)), max_size=2, unique=True)):
        options = FIELDS[name]
        match draw(st.sampled_from(["equal", "within", "one_of"])):
            case "equal":
                equal[name] = some(options)
            case "within":
                within[name] = (some(options), some(options))
            case "one_of":
                one_of[name] = tuple(draw(st.lists(st.sampled_from(options), max_size=3)))
    containing = {"labels": some(LABELS)} if draw(st.booleans()) and draw(st.booleans()) else {}
    return query(
        "sample", room=room, within=within, one_of=one_of, containing=containing, order=draw(orders), **equal
    )


rooms = itertools.count(1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), contents=st.lists(values, max_size=20), page=st.integers(1, 7))
async def test_pages_put_together_are_all_records_in_order(
    storage: Storage, data: st.DataObject, contents: list[dict[str, Any]], page: int
) -> None:
    room = f"school:page{next(rooms)}"
    records = [sample(f"r{i * 37 % 100:02}", **fields) for i, fields in enumerate(contents)]
    if records:
        await put(storage, room, *records)
    stored = [record | {"seq": seq} for seq, record in enumerate(records, 1)]
    asked = data.draw(queries(room))
    expected = asked.sorted([record for record in stored if asked.matches(room, record)])

    assert await storage.find(asked) == expected

    pages: list[Record] = []
    after = None
    while True:
        found = await storage.find(
            Query(
                asked.kind,
                asked.equal,
                asked.within,
                asked.one_of,
                asked.containing,
                asked.order,
                after,
                page,
            )
        )
        pages.extend(found)
        assert len(pages) <= len(expected)
        if len(found) < page:
            break
        after = asked.page_key(found[-1])
    assert pages == expected
    counts: dict[Any, int] = {}
    for record in expected:
        counts[record.get("state")] = counts.get(record.get("state"), 0) + 1
    assert await storage.count(asked, by="state") == counts


@pytest.mark.parametrize(
    "order",
    [
        (),
        ("rank",),
        ("-rank",),
        ("state",),
        ("-state", "rank"),
        ("class_id", "-date"),
        ("-class_id", "-date"),
    ],
    ids=str,
)
async def test_a_page_without_a_limit_is_the_rest(storage: Storage, order: tuple[str, ...]) -> None:
    await put(storage, ROOM, *SHEET)
    everything = await storage.find(query("sample", room=ROOM, order=order))
    for i, record in enumerate(everything):
        asked = query("sample", room=ROOM, order=order)
        rest = query("sample", room=ROOM, order=order, after=asked.page_key(record))
        assert ids(await storage.find(rest)) == ids(everything[i + 1 :])
