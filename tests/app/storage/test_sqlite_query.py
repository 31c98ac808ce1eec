"""Queries as SQL: each declared index is used, gives its order, and a query without one is refused."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import models
from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_query import QueryCompiler, Select
from app.storage.sqlite_rows import Rooms
from app.storage.sqlite_schema import prepare
from models.query import Query, Scalar, query
from models.record import KINDS, RecordKind
from tests.contract.samples import SAMPLE_KINDS, put, sample
from tests.parts.plans import Plans

for module in pkgutil.iter_modules(models.__path__):
    importlib.import_module(f"models.{module.name}")

ALL_KINDS: dict[str, RecordKind] = {**KINDS, **SAMPLE_KINDS}
INDEXES = [(kind.name, index) for kind in ALL_KINDS.values() for index in kind.indexes]
LISTS = [(kind.name, field) for kind in ALL_KINDS.values() for field in kind.lists]

Plan = Callable[[Query], list[str]]


@pytest.fixture(scope="module")
def compiler() -> QueryCompiler:
    return QueryCompiler(ALL_KINDS, Rooms([(1, "school:s1", 0), (2, "school:s2", 0)]))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "rollcall.db"
    prepare(path, ALL_KINDS.values())
    return path


@pytest.fixture
def plan(compiler: QueryCompiler, database: Path) -> Plan:
    """The plan of a query."""

    def plan(asked: Query) -> list[str]:
        select = compiler.find(asked)
        assert select is not None
        return explained(database, select)

    return plan


def explained(database: Path, select: Select) -> list[str]:
    connection = sqlite3.connect(database)
    try:
        lines = connection.execute(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters).fetchall()
        return [line[3] for line in lines]
    finally:
        connection.close()


def value(field: str) -> Scalar:
    return "school:s1" if field == "room" else "x"


def searched(plan: list[str]) -> list[str]:
    """The lines about tables."""
    return [line for line in plan if line.startswith(("SEARCH", "SCAN")) and "(subquery" not in line]


@pytest.mark.parametrize(
    ("kind", "index"), INDEXES, ids=lambda part: part if isinstance(part, str) else "-".join(part)
)
class TestDeclaredIndexes:
    def test_the_index_finds_all_its_fields(self, plan: Plan, kind: str, index: tuple[str, ...]) -> None:
        lines = plan(Query(kind, equal=tuple((field, value(field)) for field in index)))
        assert len(searched(lines)) == 1
        assert f"USING INDEX records_{kind}__" in searched(lines)[0]
        for field in index:
            assert f"{field}=?" in searched(lines)[0]

    def test_the_index_gives_the_order_of_what_its_query_leaves_open(
        self, plan: Plan, kind: str, index: tuple[str, ...]
    ) -> None:
        for fixed in range(1, len(index)):
            rest = index[fixed:]
            equal = tuple((field, value(field)) for field in index[:fixed])
            for order in (rest, tuple(f"-{field}" for field in rest)):
                lines = plan(Query(kind, equal=equal, order=order, limit=10))
                assert len(searched(lines)) == 1
                assert "SEARCH r USING INDEX" in searched(lines)[0]
                assert not any("TEMP B-TREE" in line for line in lines), lines

    def test_every_page_starts_in_the_index(self, plan: Plan, kind: str, index: tuple[str, ...]) -> None:
        for fixed in range(1, len(index)):
            equal = tuple((field, value(field)) for field in index[:fixed])
            for sign in ("", "-"):
                order = tuple(f"{sign}{field}" for field in index[fixed:])
                after = (*("x" for _ in order), "id")
                lines = plan(Query(kind, equal=equal, order=order, after=after, limit=10))
                assert all("SEARCH r USING INDEX" in line for line in searched(lines))
                assert not any("TEMP B-TREE" in line for line in lines), lines

    def test_a_range_is_a_part_of_the_index(self, plan: Plan, kind: str, index: tuple[str, ...]) -> None:
        *fixed, last = index
        if last in ("room", "id") or not fixed:
            fixed, last = list(index[:-1]), index[-1]
        equal = tuple((field, value(field)) for field in fixed)
        within = ((last, ("a", "b")),) if last != "room" else ()
        lines = plan(Query(kind, equal=equal, within=within))
        assert len(searched(lines)) == 1
        assert f"{last}>? AND {last}<?" in searched(lines)[0]

    def test_a_count_needs_no_scan(
        self, compiler: QueryCompiler, database: Path, kind: str, index: tuple[str, ...]
    ) -> None:
        select = compiler.count(Query(kind, equal=((index[0], value(index[0])),)), by=index[-1])
        assert select is not None
        lines = explained(database, select)
        assert len(searched(lines)) == 1
        assert f"SEARCH r USING INDEX records_{kind}__" in searched(lines)[0].replace("COVERING ", "")


@pytest.mark.parametrize(("kind", "field"), LISTS)
def test_a_list_is_searched_by_value_and_then_by_id(plan: Plan, kind: str, field: str) -> None:
    anywhere = searched(plan(query(kind, containing={field: "x"})))
    assert anywhere[0] == "SEARCH l0 USING PRIMARY KEY (value=?)"
    assert anywhere[1].startswith("SEARCH r USING INDEX sqlite_autoindex_records_")
    in_room = searched(plan(query(kind, containing={field: "x"}, room="school:s1")))
    assert in_room[0] == "SEARCH l0 USING PRIMARY KEY (value=? AND room=?)"


@pytest.mark.parametrize("kind", sorted(ALL_KINDS))
def test_every_kind_is_found_by_its_ids(plan: Plan, kind: str) -> None:
    (line,) = searched(plan(query(kind, one_of={"id": ("a", "b")})))
    assert line.startswith("SEARCH r USING INDEX sqlite_autoindex_records_")
    (line,) = searched(plan(query(kind, id="a", room="school:s1")))
    assert line.endswith("(id=? AND room=?)")


class TestChoice:
    @pytest.mark.parametrize(
        ("asked", "index"),
        [
            (query("sample", class_id="c1"), "class_id__date__period"),
            (query("sample", room="school:s1"), "room__rank__date"),
            (query("sample", room="school:s1", state="open"), "room__rank__date"),
            (query("sample", room="school:s1", class_id="c1", date="d"), "class_id__date__period"),
            (query("sample", class_id="c1", student_id="p1", order=("-date",)), "class_id__date__period"),
            (query("sample", student_id="p1", within={"date": ("a", "b")}), "student_id__date"),
            (query("sample", state="open", rank=1), "state__rank"),
            (query("sample", state="open", order=("rank",)), "state__rank"),
            (query("sample", room="school:s1", one_of={"state": ("open", None)}), "room__rank__date"),
            (
                query("sample", one_of={"class_id": ("c1", "c2")}, within={"date": ("a", None)}),
                "class_id__date__period",
            ),
            (query("sample", student_id="p1", rank=1, one_of={"state": ("open", None)}), "student_id__date"),
            (query("sample", within={"title": ("a", "b")}), "title"),
            (query("sample", one_of={"room": ("school:s1", "school:s2")}), "room__rank__date"),
        ],
        ids=str,
    )
    def test_the_index_of_which_most_is_fixed(self, plan: Plan, asked: Query, index: str) -> None:
        (line,) = searched(plan(asked))
        assert line.startswith(f"SEARCH r USING INDEX records_sample__{index} (")

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            (query("sample"), "no index of 'sample' serves"),
            (query("sample", date="2026-03-02"), "no index of 'sample' serves"),
            (query("plain", room="school:s1"), "no index of 'plain' serves"),
            (query("sample", room="school:s1", note="x"), "'note' is in no index of 'sample'"),
            (query("sample", room="school:s1", order=("note",)), "'note' is in no index of 'sample'"),
            (
                query("sample", containing={"title": "x"}),
                "'title' is not declared among the lists of 'sample'",
            ),
        ],
        ids=str,
    )
    def test_a_query_that_no_index_serves_is_refused(self, plan: Plan, asked: Query, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            plan(asked)


async def test_a_scan_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in SAMPLE_KINDS.items():
        monkeypatch.setitem(KINDS, name, kind)
    plans = Plans()
    path = tmp_path / "rollcall.db"
    storage = SqliteStorage(path, trace=plans.record)
    await storage.open()
    await put(storage, "school:s1", sample("a", labels=["x"]))
    await storage.find(query("sample", room="school:s1"))
    assert plans.scans(path) == []
    await storage.look(
        lambda connection: connection.execute("SELECT seq FROM records_sample WHERE seq > 5").fetchall()
    )
    (scan,) = plans.scans(path)
    assert "SCAN records_sample" in scan
    await storage.close()
