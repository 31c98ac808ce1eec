"""The record side of the Storage port: get, locate, find, count."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from models.ports import Storage
from models.query import Query, query
from tests.contract.conftest import Backend
from tests.contract.samples import OTHER_ROOM, ROOM, SHEET, ids, plain, put, sample


class TestGetAndLocate:
    async def test_there_is_nothing_at_first(self, storage: Storage) -> None:
        assert await storage.get(ROOM, "sample", "a") is None
        assert await storage.locate("sample", "a") is None

    async def test_the_newest_state_is_found(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", rank=1))
        await put(storage, ROOM, sample("a", rank=2))
        expected = sample("a", rank=2) | {"seq": 2}
        assert await storage.get(ROOM, "sample", "a") == expected
        assert await storage.locate("sample", "a") == (ROOM, expected)

    async def test_the_last_of_several_states_in_one_commit_stands(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", rank=1), plain("a"), sample("a", rank=2), sample("a", rank=3))
        assert await storage.get(ROOM, "sample", "a") == sample("a", rank=3) | {"seq": 4}
        assert await storage.get(ROOM, "plain", "a") == plain("a") | {"seq": 2}
        assert await storage.find(query("sample", room=ROOM)) == [sample("a", rank=3) | {"seq": 4}]

    async def test_a_field_that_is_gone_is_gone(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", title="t", labels=["x"], note="n"))
        await put(storage, ROOM, sample("a"))
        assert await storage.get(ROOM, "sample", "a") == {"kind": "sample", "id": "a", "seq": 2}
        assert await storage.find(query("sample", title="t")) == []
        assert await storage.find(query("sample", containing={"labels": "x"})) == []

    async def test_room_kind_and_id_tell_records_apart(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", rank=1), plain("a", rank=2))
        await put(storage, OTHER_ROOM, sample("a", rank=3))
        assert (await storage.get(ROOM, "sample", "a") or {})["rank"] == 1
        assert (await storage.get(ROOM, "plain", "a") or {})["rank"] == 2
        assert (await storage.get(OTHER_ROOM, "sample", "a") or {})["rank"] == 3
        assert await storage.get(OTHER_ROOM, "plain", "a") is None

    async def test_of_the_same_id_in_two_rooms_always_the_same_is_located(
        self, backend: Backend, storage: Storage
    ) -> None:
        for room in ("school:z", "school:a", "school:m"):
            await put(storage, room, sample("shared"), sample(f"own-{room}"))
        found = await storage.locate("sample", "shared")
        await put(storage, "school:a", sample("shared", rank=5))
        await put(storage, "school:z", sample("shared", rank=6))
        again = await storage.locate("sample", "shared")
        storage = await backend.reopen()
        after_restart = await storage.locate("sample", "shared")
        assert found is not None
        assert again is not None
        assert after_restart is not None
        assert found[0] == again[0] == after_restart[0]
        assert await storage.locate("sample", "own-school:m") == (
            "school:m",
            {"kind": "sample", "id": "own-school:m", "seq": 2},
        )

    async def test_one_that_is_deleted_in_one_room_is_located_in_the_other(self, storage: Storage) -> None:
        for room, other in itertools.permutations((ROOM, OTHER_ROOM)):
            name = f"moved-from-{room}"
            await put(storage, room, sample(name))
            await put(storage, other, sample(name))
            await put(storage, room, sample(name, deleted=True))
            located = await storage.locate("sample", name)
            assert located is not None
            assert located[0] == other


class TestTombstones:
    async def test_a_deleted_record_is_never_found(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", title="t", labels=["x"]), sample("b", title="t", labels=["x"]))
        await put(storage, ROOM, sample("a", deleted=True))
        assert await storage.get(ROOM, "sample", "a") is None
        assert await storage.locate("sample", "a") is None
        for asked in (
            query("sample", room=ROOM),
            query("sample", title="t"),
            query("sample", containing={"labels": "x"}),
            query("sample", one_of={"room": (ROOM, OTHER_ROOM)}),
        ):
            assert ids(await storage.find(asked)) == ["b"]
            assert await storage.count(asked, by="title") == {"t": 1}
        assert await storage.find(query("sample", room=ROOM, title=None)) == []

    async def test_a_record_that_still_has_its_fields_is_not_found_when_deleted(
        self, storage: Storage
    ) -> None:
        await put(storage, ROOM, sample("a", title="t", labels=["x"], deleted=True))
        assert await storage.find(query("sample", title="t")) == []
        assert await storage.find(query("sample", containing={"labels": "x"})) == []
        assert await storage.count(query("sample", title="t"), by="title") == {}
        assert await storage.get(ROOM, "sample", "a") is None

    async def test_a_restored_record_is_found_again(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", title="t", labels=["x"]))
        await put(storage, ROOM, sample("a", deleted=True))
        await put(storage, ROOM, sample("a", title="t", labels=["x"]))
        assert ids(await storage.find(query("sample", title="t"))) == ["a"]
        assert ids(await storage.find(query("sample", containing={"labels": "x"}))) == ["a"]
        assert await storage.locate("sample", "a") is not None

    async def test_archived_records_are_found(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", title="t", archived=True))
        assert ids(await storage.find(query("sample", title="t"))) == ["a"]


class TestFind:
    @pytest.fixture(autouse=True)
    async def sheet(self, storage: Storage) -> None:
        await put(storage, ROOM, *SHEET)
        await put(
            storage, OTHER_ROOM, sample("z", class_id="c9", rank=0, title="B"), plain("a", class_id="c1")
        )

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            (query("sample", class_id="c1"), "abcf"),
            (query("sample", class_id="c1", date="2026-03-02"), "ab"),
            (query("sample", class_id="c1", date="2026-03-02", period="2"), "b"),
            (query("sample", class_id="nobody"), ""),
            (query("sample", room=ROOM), "abcdef"),
            (query("sample", room=OTHER_ROOM), "z"),
            (query("sample", room="school:none"), ""),
            (query("sample", room=ROOM, rank=None), "c"),
            (query("sample", room=ROOM, state=None), "d"),
            (query("sample", room=ROOM, student_id=None), "abcd"),
            (query("sample", title="B"), "bz"),
            (query("sample", title="b"), ""),
            (query("sample", title=""), "d"),
            (query("sample", room=ROOM, rank="1"), ""),
            (query("sample", title=10), ""),
            (query("sample", class_id="c1", within={"date": ("2026-03-02", "2026-03-03")}), "abc"),
            (query("sample", class_id="c1", within={"date": ("2026-03-03", None)}), "cf"),
            (query("sample", class_id="c1", within={"date": (None, "2026-03-02")}), "ab"),
            (query("sample", class_id="c2", within={"date": (None, None)}), "d"),
            (query("sample", class_id="c1", within={"date": ("2026-03-03", "2026-03-02")}), ""),
            (query("sample", room=ROOM, within={"rank": (-5, 2)}), "bde"),
            (query("sample", room=ROOM, within={"rank": (2, None), "date": (None, "2026-03-05")}), "ad"),
            (query("sample", one_of={"class_id": ("c1", "c9")}), "abcfz"),
            (query("sample", one_of={"class_id": ("c1",)}), "abcf"),
            (query("sample", one_of={"class_id": ()}), ""),
            (query("sample", room=ROOM, one_of={"state": ("taken", None)}), "cdf"),
            (query("sample", room=ROOM, one_of={"state": (None,)}), "d"),
            (query("sample", one_of={"class_id": ("c1", "c2"), "date": ("2026-03-02",)}), "abd"),
            (query("sample", one_of={"room": (ROOM, OTHER_ROOM)}, rank=0), "z"),
            (query("sample", one_of={"room": ("school:none", OTHER_ROOM)}), "z"),
            (query("sample", one_of={"room": ("school:none",)}), ""),
            (query("sample", containing={"labels": "y"}), "ab"),
            (query("sample", containing={"labels": "x"}), "a"),
            (query("sample", containing={"labels": ""}), ""),
            (query("sample", containing={"labels": "y"}, class_id="c1", period="2"), "b"),
            (query("sample", containing={"labels": "y"}, one_of={"room": (OTHER_ROOM,)}), ""),
            (query("sample", containing={"assignees": "y"}), ""),
            (query("sample", room=ROOM, id="d"), "d"),
            (query("sample", one_of={"id": ("a", "z", "nobody")}), "az"),
            (query("sample", class_id="c1", limit=3), "abc"),
            (query("sample", class_id="c1", limit=4), "abcf"),
            (query("sample", class_id="c1", order=("-id",), limit=2), "fc"),
            (query("sample", room=ROOM, order=("rank",)), "cebdaf"),
            (query("sample", room=ROOM, order=("-rank",)), "fadbec"),
            (query("sample", room=ROOM, order=("rank",), limit=2), "ce"),
            (query("sample", room=ROOM, order=("title",)), "defbca"),
            (query("sample", class_id="c1", order=("date", "period")), "abcf"),
            (query("sample", class_id="c1", order=("date", "-period")), "bacf"),
            (query("sample", class_id="c1", order=("-date", "period")), "fcab"),
            (query("sample", room=ROOM, order=("state",)), "dabecf"),
            (query("sample", room=ROOM, order=("-state",)), "fcebad"),
            (query("sample", room=ROOM, order=("-seq",)), "fedcba"),
        ],
        ids=str,
    )
    async def test_every_way_to_ask(self, storage: Storage, asked: Query, expected: str) -> None:
        found = await storage.find(asked)
        if asked.order or asked.limit:
            assert ids(found) == list(expected)
        assert sorted(ids(found)) == sorted(expected)
        stored = {
            (room, r["id"]): r
            for room in (ROOM, OTHER_ROOM)
            for r in await storage.find(query("sample", room=room))
        }
        assert all(record in stored.values() for record in found)

    @pytest.mark.parametrize("field", ["rank", "date", "state", "title"])
    async def test_without_an_order_records_come_by_id(self, storage: Storage, field: str) -> None:
        found = await storage.find(
            query("sample", room=ROOM, one_of={field: tuple({r.get(field) for r in SHEET})})
        )
        assert ids(found) == list("abcdef")

    async def test_a_record_that_changes_moves_in_the_order(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("f", rank=0, class_id="c1", date="2026-03-01"))
        assert ids(await storage.find(query("sample", room=ROOM, order=("rank",), limit=3))) == [
            "c",
            "e",
            "f",
        ]
        assert ids(await storage.find(query("sample", class_id="c1", order=("date",), limit=1))) == ["f"]
        assert await storage.find(query("sample", student_id="p1", date="2026-03-10")) == []

    async def test_a_label_that_is_taken_off_no_longer_finds_the_record(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", labels=["y", "z"], assignees=["u1"]))
        assert ids(await storage.find(query("sample", containing={"labels": "x"}))) == []
        assert ids(await storage.find(query("sample", containing={"labels": "y"}))) == ["a", "b"]
        assert ids(await storage.find(query("sample", containing={"labels": "z", "assignees": "u1"}))) == [
            "a"
        ]
        assert ids(await storage.find(query("sample", containing={"labels": "y", "assignees": "u1"}))) == [
            "a"
        ]

    async def test_a_label_named_twice_finds_the_record_once(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("twice", labels=["w", "w"]))
        assert ids(await storage.find(query("sample", containing={"labels": "w"}))) == ["twice"]
        assert await storage.count(query("sample", containing={"labels": "w"}), by="state") == {None: 1}
        await put(storage, ROOM, sample("twice", labels=["w"]))
        assert ids(await storage.find(query("sample", containing={"labels": "w"}))) == ["twice"]

    async def test_the_same_label_on_records_of_two_rooms(self, storage: Storage) -> None:
        await put(storage, OTHER_ROOM, sample("a", labels=["y"]))
        assert ids(await storage.find(query("sample", containing={"labels": "y"}))) == ["a", "a", "b"]
        assert ids(await storage.find(query("sample", room=OTHER_ROOM, containing={"labels": "y"}))) == ["a"]

    async def test_a_large_answer_is_whole_and_in_order(self, storage: Storage) -> None:
        for part in range(4):
            await put(storage, "team:big", *(sample(f"r{part}-{i}", rank=-(i * 7 % 500)) for i in range(500)))
        found = await storage.find(query("sample", room="team:big", order=("rank",)))
        assert len(found) == 2_000
        assert [(r["rank"], r["id"]) for r in found] == sorted((r["rank"], r["id"]) for r in found)


class TestCount:
    @pytest.fixture(autouse=True)
    async def sheet(self, storage: Storage) -> None:
        await put(storage, ROOM, *SHEET)
        await put(storage, OTHER_ROOM, sample("z", class_id="c9", rank=0, state="open", title="B"))

    @pytest.mark.parametrize(
        ("asked", "by", "expected"),
        [
            (query("sample", class_id="c1"), "state", {"open": 2, "taken": 2}),
            (query("sample", room=ROOM), "state", {"open": 3, "taken": 2, None: 1}),
            (query("sample", room=ROOM), "class_id", {"c1": 4, "c2": 2}),
            (query("sample", room=ROOM), "rank", {3: 1, 1: 1, None: 1, 2: 1, -5: 1, 10: 1}),
            (query("sample", state="open"), "room", {ROOM: 3, OTHER_ROOM: 1}),
            (query("sample", one_of={"room": (ROOM, OTHER_ROOM)}), "state", {"open": 4, "taken": 2, None: 1}),
            (query("sample", containing={"labels": "y"}), "class_id", {"c1": 2}),
            (query("sample", class_id="c1", within={"date": ("2026-03-03", None)}), "state", {"taken": 2}),
            (query("sample", class_id="nobody"), "state", {}),
            (query("sample", room="school:none"), "state", {}),
            (query("sample", one_of={"class_id": ()}), "state", {}),
        ],
        ids=str,
    )
    async def test_every_value_with_its_number(
        self, storage: Storage, asked: Query, by: str, expected: dict[Any, int]
    ) -> None:
        counted = await storage.count(asked, by=by)
        assert counted == expected
        assert {type(key) for key in counted} == {type(key) for key in expected}

    async def test_order_page_and_limit_do_not_matter(self, storage: Storage) -> None:
        asked = query("sample", class_id="c1", order=("-date",), after=("2026-03-03", "c"), limit=1)
        assert await storage.count(asked, by="state") == {"open": 2, "taken": 2}

    async def test_a_text_and_a_number_are_not_the_same(self, storage: Storage) -> None:
        await put(storage, "team:t1", sample("n", rank=1), sample("t", rank="1"))
        assert await storage.count(query("sample", room="team:t1"), by="rank") == {1: 1, "1": 1}
