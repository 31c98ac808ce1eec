"""The journal side of the Storage port: append, load, heads, read, start."""

from __future__ import annotations

import pytest

from models.journal import Commit, DuplicateOp, HeadMoved
from models.ports import Storage
from models.query import query
from tests.contract.conftest import Backend
from tests.contract.samples import (
    OTHER_ROOM,
    ROOM,
    commit,
    entry,
    plain,
    put,
    read_all,
    sample,
)

STRANGE = [
    "$gt",
    '{"$gt": ""}',
    "a.b.c",
    ".",
    "'; DROP TABLE journal; --",
    'double " quote and back\\slash',
    "|a|b|",
    "percent % and _ underscore",
    "tab\tnew\nline\rreturn\x01\x1f\x7f",
    "emoji 🙂👩‍👩‍👧 and flags 🇳🇴",
    "ًالحضور עברית",
    "e\u0301 and é",
    "\u2028\u2029",
    "",
    " ",
    "null",
    "0",
]


class TestAppend:
    async def test_an_empty_room_has_head_zero_and_no_entries(self, storage: Storage) -> None:
        assert (await storage.load(ROOM, [], [])).head == 0
        assert await storage.heads([ROOM, OTHER_ROOM]) == {ROOM: 0, OTHER_ROOM: 0}
        assert await read_all(storage, ROOM) == []
        assert await storage.start(ROOM) == 0

    async def test_a_single_entry_is_read_back_as_it_was_written(self, storage: Storage) -> None:
        written = commit(storage, ROOM, 1, sample("a", class_id="c1", rank=1, labels=["x"]))
        await storage.append(written)
        assert await read_all(storage, ROOM) == list(written.entries)
        assert (await storage.load(ROOM, [], [])).head == 1
        assert await storage.start(ROOM) == 0

    async def test_every_field_of_an_entry_survives(self, storage: Storage) -> None:
        own = entry(
            ROOM,
            1,
            sample("a"),
            by="u7",
            op_id="first",
            action="attendance.mark",
            topics=(ROOM, "class:x", "user:u1"),
        )
        derived = entry(ROOM, 2, plain("b"), by=None, action="attendance.tally", topics=(ROOM,))
        await storage.append(Commit(ROOM, storage.epoch, (own, derived)))
        assert await read_all(storage, ROOM) == [own, derived]

    async def test_a_batch_gets_its_numbers_without_a_gap(self, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, *(sample(f"r{i}") for i in range(10))))
        await storage.append(commit(storage, ROOM, 11, sample("r10"), sample("r11")))
        assert [e.seq for e in await read_all(storage, ROOM)] == list(range(1, 13))

    async def test_500_entries_in_one_commit(self, storage: Storage) -> None:
        written = commit(storage, ROOM, 1, *(sample(f"r{i}", note="x" * 500) for i in range(500)))
        await storage.append(written)
        assert await read_all(storage, ROOM) == list(written.entries)
        assert (await storage.heads([ROOM]))[ROOM] == 500

    async def test_500_entries_of_one_op(self, storage: Storage) -> None:
        written = commit(storage, ROOM, 1, *(sample(f"r{i}") for i in range(500)), op_ids=["all"] * 500)
        await storage.append(written)
        loaded = await storage.load(ROOM, [("u1", "all")], [])
        assert list(loaded.answers["u1", "all"]) == list(written.entries)

    async def test_a_bulk_commit_is_written_like_any_other(self, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), sample("b"), bulk=True))
        assert [e.data["id"] for e in await read_all(storage, ROOM)] == ["a", "b"]

    async def test_a_commit_of_derived_entries_only_is_written(self, storage: Storage) -> None:
        for seq in (1, 2):
            await storage.append(Commit(ROOM, storage.epoch, (entry(ROOM, seq, plain("tally"), by=None),)))
        assert [e.op for e in await read_all(storage, ROOM)] == [None, None]

    @pytest.mark.parametrize("first", [1, 2, 4, 10])
    async def test_a_commit_that_does_not_follow_the_head_is_refused_and_writes_nothing(
        self, storage: Storage, first: int
    ) -> None:
        await put(storage, ROOM, sample("a"), sample("b"))
        with pytest.raises(HeadMoved):
            await storage.append(
                commit(storage, ROOM, first, sample("c"), sample("a", rank=9), op_ids=["x", "y"])
            )
        loaded = await storage.load(ROOM, [("u1", "x")], [("sample", "c"), ("sample", "a")])
        assert loaded.head == 2
        assert loaded.answers == {}
        assert loaded.records["sample", "c"] is None
        assert (loaded.records["sample", "a"] or {}).get("rank") is None
        await storage.append(commit(storage, ROOM, 3, sample("c"), op_ids=["x"]))

    @pytest.mark.parametrize("place", [0, 2, 4])
    async def test_a_known_op_is_refused_and_writes_nothing(self, storage: Storage, place: int) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), op_ids=["once"]))
        op_ids = ["new-1", "new-2", "new-3", "new-4"]
        op_ids.insert(place, "once")
        with pytest.raises(DuplicateOp):
            await storage.append(
                commit(storage, ROOM, 2, *(sample(f"r-{op_id}") for op_id in op_ids), op_ids=op_ids)
            )
        ops, keys = [("u1", op_id) for op_id in op_ids], [("sample", f"r-{op_id}") for op_id in op_ids]
        loaded = await storage.load(ROOM, ops, keys)
        assert loaded.head == 1
        assert set(loaded.answers) == {("u1", "once")}
        assert set(loaded.records.values()) == {None}
        op_ids.remove("once")
        await storage.append(
            commit(storage, ROOM, 2, *(sample(f"r-{op_id}") for op_id in op_ids), op_ids=op_ids)
        )

    async def test_the_head_is_checked_before_the_ops(self, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), op_ids=["once"]))
        with pytest.raises(HeadMoved):
            await storage.append(commit(storage, ROOM, 1, sample("a"), op_ids=["once"]))

    async def test_an_op_is_unique_per_user_and_room(self, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), by="u1", op_ids=["same"]))
        await storage.append(commit(storage, ROOM, 2, sample("b"), by="u2", op_ids=["same"]))
        await storage.append(commit(storage, OTHER_ROOM, 1, sample("c"), by="u1", op_ids=["same"]))
        loaded = await storage.load(ROOM, [("u1", "same"), ("u2", "same")], [])
        assert {op: [e.seq for e in entries] for op, entries in loaded.answers.items()} == {
            ("u1", "same"): [1],
            ("u2", "same"): [2],
        }

    async def test_user_and_op_id_are_not_confused(self, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), by="u", op_ids=["1-2"]))
        await storage.append(commit(storage, ROOM, 2, sample("b"), by="u-1", op_ids=["2"]))
        assert (await storage.heads([ROOM]))[ROOM] == 2

    async def test_a_duplicate_is_known_after_a_restart(self, backend: Backend, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), op_ids=["once"]))
        storage = await backend.reopen()
        with pytest.raises(DuplicateOp):
            await storage.append(commit(storage, ROOM, 2, sample("b"), op_ids=["once"]))

    @pytest.mark.parametrize("text", STRANGE)
    async def test_strange_strings_survive_as_they_are(self, storage: Storage, text: str) -> None:
        record = sample("a", title=text, labels=[text], nested={"list": [text, None, 1]})
        strange = entry(ROOM, 1, record, by=f"u{text}", op_id=f"op{text}")
        await storage.append(Commit(ROOM, storage.epoch, (strange,)))
        assert await read_all(storage, ROOM) == [strange]
        assert (await storage.load(ROOM, [(f"u{text}", f"op{text}")], [])).answers == {strange.op: [strange]}
        assert await storage.get(ROOM, "sample", "a") == strange.data
        assert await storage.find(query("sample", title=text)) == [strange.data]
        assert await storage.find(query("sample", containing={"labels": text})) == [strange.data]

    @pytest.mark.parametrize("key", ["$set", "a.b", "$where", "_id", "_note", "naïve", "room"])
    async def test_strange_names_of_fields_survive_within_a_record(self, storage: Storage, key: str) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a", counts={key: 1})))
        assert (await storage.get(ROOM, "sample", "a") or {})["counts"] == {key: 1}

    async def test_values_of_every_json_type_survive(self, storage: Storage) -> None:
        values: dict[str, object] = {
            "null": None, "yes": True, "no": False, "zero": 0, "minus": -1, "large": 2**53, "float": 0.1,
            "empty": [], "object": {}, "nested": [[1, [2, {"a": [None]}]], "x"], "text": "0",
        }  # fmt: skip
        written = commit(storage, ROOM, 1, sample("a", rank=3, title=None, values=values))
        await storage.append(written)
        found = await storage.get(ROOM, "sample", "a")
        assert found == written.entries[0].data
        assert repr((found or {})["values"]) == repr(values)


class TestLoad:
    async def test_it_answers_head_known_ops_and_records_at_once(self, storage: Storage) -> None:
        a, b, c = sample("a", rank=1), sample("b"), sample("c")
        mixed = Commit(
            ROOM,
            storage.epoch,
            (
                entry(ROOM, 1, a, op_id="one"),
                entry(ROOM, 2, b, op_id="two"),
                entry(ROOM, 3, c, op_id="two"),
                entry(ROOM, 4, plain("tally"), by=None),
            ),
        )
        await storage.append(mixed)
        loaded = await storage.load(
            ROOM,
            [("u1", "two"), ("u1", "unknown"), ("u2", "one")],
            [("sample", "a"), ("plain", "tally"), ("plain", "a"), ("sample", "nobody")],
        )
        assert loaded.head == 4
        assert {op: list(entries) for op, entries in loaded.answers.items()} == {
            ("u1", "two"): list(mixed.entries[1:3])
        }
        assert loaded.records == {
            ("sample", "a"): mixed.entries[0].data,
            ("plain", "tally"): mixed.entries[3].data,
            ("plain", "a"): None,
            ("sample", "nobody"): None,
        }

    async def test_the_entries_of_an_op_come_without_those_between_them(self, storage: Storage) -> None:
        entries = tuple(
            entry(ROOM, seq, sample(f"r{seq}"), op_id="odd" if seq % 2 else "even") for seq in range(1, 7)
        )
        await storage.append(Commit(ROOM, storage.epoch, entries))
        loaded = await storage.load(ROOM, [("u1", "even")], [])
        assert {op: list(found) for op, found in loaded.answers.items()} == {
            ("u1", "even"): list(entries[1::2])
        }

    async def test_records_of_another_room_are_not_found(self, storage: Storage) -> None:
        await put(storage, OTHER_ROOM, sample("a"))
        loaded = await storage.load(ROOM, [], [("sample", "a")])
        assert loaded.records == {("sample", "a"): None}

    async def test_a_whole_batch_of_ops_and_keys(self, storage: Storage) -> None:
        written = commit(
            storage, ROOM, 1, *(sample(f"r{i}") for i in range(300)), op_ids=[f"op{i}" for i in range(300)]
        )
        await storage.append(written)
        ops = [("u1", f"op{i}") for i in range(0, 600, 2)]
        keys = [("sample", f"r{i}") for i in range(900)]
        loaded = await storage.load(ROOM, ops, keys)
        assert {op[1] for op in loaded.answers} == {f"op{i}" for i in range(0, 300, 2)}
        assert {key for key, record in loaded.records.items() if record} == {
            ("sample", f"r{i}") for i in range(300)
        }
        assert len(loaded.records) == 900

    async def test_the_same_op_and_key_may_be_asked_for_twice(self, storage: Storage) -> None:
        await storage.append(commit(storage, ROOM, 1, sample("a"), op_ids=["x"]))
        loaded = await storage.load(ROOM, [("u1", "x")] * 2, [("sample", "a")] * 2)
        assert [e.seq for e in loaded.answers["u1", "x"]] == [1]
        assert list(loaded.records) == [("sample", "a")]

    async def test_a_deleted_record_comes_as_its_tombstone(self, storage: Storage) -> None:
        await put(storage, ROOM, sample("a", title="here"))
        await put(storage, ROOM, sample("a", deleted=True))
        loaded = await storage.load(ROOM, [], [("sample", "a")])
        assert loaded.records["sample", "a"] == {"kind": "sample", "id": "a", "seq": 2, "deleted": True}


class TestRead:
    @pytest.fixture(autouse=True)
    async def twelve_entries(self, storage: Storage) -> None:
        """Entries 1 to 12 of r0, r1, r2 in turn; r0 is of class c0 and so on."""
        await put(storage, ROOM, *(sample(f"r{i % 3}", class_id=f"c{i % 3}", rank=i) for i in range(12)))
        await put(storage, OTHER_ROOM, sample("r0", class_id="c0"))

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ({"after": 0, "limit": 100}, list(range(1, 13))),
            ({"after": 9, "limit": 100}, [10, 11, 12]),
            ({"after": 12, "limit": 100}, []),
            ({"after": 99, "limit": 100}, []),
            ({"after": 2, "limit": 3}, [3, 4, 5]),
            ({"after": 2, "limit": 100, "up_to": 5}, [3, 4, 5]),
            ({"after": 2, "limit": 2, "up_to": 5}, [3, 4]),
            ({"after": 5, "limit": 100, "up_to": 5}, []),
            ({"after": 7, "limit": 100, "up_to": 3}, []),
            ({"after": 10, "limit": 100, "up_to": 99}, [11, 12]),
            ({"after": 10, "limit": 100, "up_to": 2**50}, [11, 12]),
            ({"after": 2**50, "limit": 100}, []),
            ({"after": 0, "limit": 100, "topic": "class:c1"}, [2, 5, 8, 11]),
            ({"after": 2, "limit": 2, "topic": "class:c1"}, [5, 8]),
            ({"after": 2, "limit": 100, "up_to": 8, "topic": "class:c1"}, [5, 8]),
            ({"after": 0, "limit": 5, "topic": ROOM}, [1, 2, 3, 4, 5]),
            ({"after": 0, "limit": 100, "topic": "class:c"}, []),
            ({"after": 0, "limit": 100, "topic": "class:c1|class:c2"}, []),
            ({"after": 0, "limit": 100, "topic": "CLASS:C1"}, []),
            ({"after": 0, "limit": 100, "topic": "class:%"}, []),
            ({"after": 0, "limit": 100, "topic": OTHER_ROOM}, []),
            ({"after": 0, "limit": 100, "record": "r2"}, [3, 6, 9, 12]),
            ({"after": 3, "limit": 2, "record": "r2"}, [6, 9]),
            ({"after": 3, "limit": 100, "up_to": 9, "record": "r2"}, [6, 9]),
            ({"after": 0, "limit": 100, "record": "r"}, []),
            ({"after": 0, "limit": 100, "record": "r0", "topic": "class:c0"}, [1, 4, 7, 10]),
            ({"after": 0, "limit": 100, "record": "r0", "topic": "class:c1"}, []),
        ],
    )
    async def test_after_up_to_limit_topic_and_record(
        self, storage: Storage, arguments: dict[str, object], expected: list[int]
    ) -> None:
        entries = await storage.read(ROOM, **arguments)  # type: ignore[arg-type]
        assert [e.seq for e in entries] == expected
        assert all(e.data["rank"] == e.seq - 1 for e in entries)

    async def test_a_topic_with_few_entries_is_found_among_many(self, storage: Storage) -> None:
        for first in range(1, 4_001, 500):
            # One record many times: it is the entries that are to be many.
            common = [sample("common", class_id="common", rank=i) for i in range(499)]
            await storage.append(
                commit(storage, "school:big", first, sample("rare", class_id="rare"), *common)
            )
        entries = await storage.read("school:big", after=0, limit=1_000, topic="class:rare")
        assert [e.seq for e in entries] == list(range(1, 4_001, 500))
        entries = await storage.read("school:big", after=1_200, limit=2, topic="class:rare")
        assert [e.seq for e in entries] == [1_501, 2_001]

    async def test_a_topic_may_name_another_room(self, storage: Storage) -> None:
        await storage.append(
            Commit(
                ROOM, storage.epoch, (entry(ROOM, 13, plain("p"), topics=(ROOM, "summary:s1", "user:u9")),)
            )
        )
        for topic in ("summary:s1", "user:u9"):
            assert [e.seq for e in await storage.read(ROOM, after=0, limit=10, topic=topic)] == [13]
