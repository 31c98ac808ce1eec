"""What MongoDB is asked: an index for every declaration, filters that no value can turn into others."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.storage.mongo_documents import RESERVED, record_document, scalar
from app.storage.mongo_query import (
    Index,
    count_pipeline,
    filter_of,
    index_spec,
    record_indexes,
    rooms_of,
    sort_of,
)
from handlers.core import load_handlers
from models.query import Query, query
from models.record import KINDS, RecordKind
from tests.contract.samples import SAMPLE, sample

load_handlers()
REAL_KINDS = dict(KINDS)


class TestIndexes:
    @pytest.mark.parametrize("kind", REAL_KINDS.values(), ids=REAL_KINDS)
    def test_every_declared_index_begins_one_of_the_collection(self, kind: RecordKind) -> None:
        indexes = index_spec()[f"records_{kind.name}"]
        for declared in kind.indexes:
            assert any(index.fields[: len(declared)] == declared for index in indexes)

    @pytest.mark.parametrize("kind", REAL_KINDS.values(), ids=REAL_KINDS)
    def test_every_list_and_every_way_to_an_id_has_one(self, kind: RecordKind) -> None:
        first_fields = {index.fields[0] for index in index_spec()[f"records_{kind.name}"]}
        assert first_fields >= {"room", "id", *kind.lists}

    def test_the_journal_has_one_for_every_read_and_two_that_guard_it(self) -> None:
        assert set(index_spec()["commits"]) == {
            Index(("room", "first"), unique=True),
            Index(("room", "ops"), unique=True),
            Index(("room", "last")),
            Index(("room", "topics", "last")),
            Index(("room", "records", "last")),
            Index(("projected", "room")),
        }

    def test_no_index_holds_two_lists(self) -> None:
        for kind in REAL_KINDS.values():
            for index in record_indexes(kind):
                assert len(set(index.fields) & set(kind.lists)) <= 1

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_a_kind_cannot_index_a_name_that_is_taken(self, name: str) -> None:
        kind = RecordKind("bad", indexes=((name,),), lists=(), topics=lambda record: ())
        with pytest.raises(ValueError, match=f"'bad' cannot index fields of the name {name}"):
            record_indexes(kind)


@pytest.mark.usefixtures("sample_kinds")
class TestFilters:
    @pytest.mark.parametrize(
        "asked",
        [
            query("sample", title={"$gt": ""}),  # type: ignore[arg-type]
            query("sample", room={"$ne": None}),  # type: ignore[arg-type]
            query("sample", within={"date": ({"$ne": 1}, None)}),  # type: ignore[dict-item]
            query("sample", one_of={"title": ("a", {"$regex": "."})}),  # type: ignore[dict-item]
            query("sample", containing={"labels": {"$ne": None}}),  # type: ignore[dict-item]
            query("sample", order=("title",), after=({"$gt": ""}, "a")),  # type: ignore[arg-type]
            query("sample", title=["a"]),  # type: ignore[arg-type]
            query("sample", rank=0.5),  # type: ignore[arg-type]
            query("sample", rank=2**63),
            query("sample", within={"rank": (-(2**63) - 1, None)}),
        ],
        ids=str,
    )
    def test_a_value_that_is_no_text_integer_or_null_is_refused(self, asked: Query) -> None:
        with pytest.raises(TypeError, match="holds text, integers of 64 bits or null, not"):
            filter_of(asked)

    @pytest.mark.parametrize(
        "asked",
        [
            query("sample", note="x"),
            query("sample", labels="x"),
            query("sample", containing={"title": "x"}),
            query("sample", within={"note": ("a", "b")}),
            query("sample", one_of={"$where": ("x",)}),
            query("sample", order=("-note",), after=("x", "id")),
        ],
        ids=str,
    )
    def test_a_field_without_an_index_is_refused(self, asked: Query) -> None:
        with pytest.raises(ValueError, match=r"in no declared index|not declared as a list"):
            filter_of(asked)

    def test_an_order_without_an_index_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"sample\.note is in no declared index"):
            sort_of(query("sample", order=("note",)))

    def test_a_count_by_a_field_without_an_index_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"sample\.note is in no declared index"):
            count_pipeline(query("sample"), "note")

    @pytest.mark.parametrize("text", ["$gt", "$where", "{}", "", "\x00", "a.b"])
    def test_a_text_stays_a_text_behind_an_operator_of_the_code(self, text: str) -> None:
        assert {"title": {"$eq": text}} in filter_of(query("sample", title=text))["$and"]

    def test_deleted_records_are_never_asked_for(self) -> None:
        assert {"deleted": {"$eq": False}} in filter_of(query("sample"))["$and"]

    @pytest.mark.parametrize(
        ("asked", "rooms"),
        [
            (query("sample"), None),
            (query("sample", title="x"), None),
            (query("sample", room="org"), ["org"]),
            (query("sample", one_of={"room": ("org", "team:t1")}), ["org", "team:t1"]),
        ],
        ids=str,
    )
    def test_the_rooms_that_a_query_looks_into(self, asked: Query, rooms: list[str] | None) -> None:
        assert rooms_of(asked) == rooms


class TestRecordDocuments:
    def test_only_declared_fields_stand_beside_the_json(self) -> None:
        data = '{"kind":"sample","id":"a","seq":4,"title":"t","$where":"1","a.b":{"$gt":""},"labels":["x"]}'
        document = record_document(SAMPLE, "school:s1", orjson.loads(data))
        assert set(document) == {
            "_id", "room", "id", "seq", "deleted", "shape", "data",
            "rank", "date", "class_id", "period", "student_id", "state", "title", "labels", "assignees",
        }  # fmt: skip
        assert document["data"] == data
        assert document["title"] == "t"
        assert document["rank"] is None

    @pytest.mark.parametrize("value", [{"$gt": ""}, ["x"], 0.5], ids=str)
    def test_an_indexed_field_holds_nothing_but_text_integers_and_null(self, value: Any) -> None:
        with pytest.raises(TypeError, match="title holds text, integers of 64 bits or null"):
            record_document(SAMPLE, "school:s1", sample("a", title=value))

    def test_true_and_false_are_stored_and_searched_as_numbers(self) -> None:
        assert [scalar("x", value) for value in (True, False)] == [1, 0]
        assert [type(scalar("x", value)) for value in (True, False)] == [int, int]
