"""Opening a file: made on the first open, grown with the kinds of record, refused where it is not for us."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from app.storage import sqlite_schema
from app.storage.sqlite import SqliteStorage
from models.ports import StorageRefused
from models.query import Query, query
from models.record import KINDS, RecordKind
from tests.app.storage.conftest import Open
from tests.contract.samples import OTHER_ROOM, ROOM, SHEET, ids, plain, put, sample
from tests.parts.plans import explain


def declare(monkeypatch: pytest.MonkeyPatch, *indexes: tuple[str, ...], lists: tuple[str, ...] = ()) -> None:
    """Declare the kind `sample` anew, as another release would."""
    monkeypatch.setitem(KINDS, "sample", RecordKind("sample", indexes, lists, lambda record: ()))


def spoil(path: Path) -> str:
    """Write something that is no database; what was written."""
    text = "something else " * 1_000
    path.write_text(text)
    return text


def content(path: Path) -> str:
    return path.read_text()


def look(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def columns(path: Path) -> set[object]:
    return {row[1] for row in look(path, "PRAGMA table_info(records_sample)")}


def indexes(path: Path) -> set[object]:
    rows = look(path, "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'records_sample'")
    return {row[0] for row in rows if not str(row[0]).startswith("sqlite_")}


class TestGrowth:
    async def found(self, open_sqlite: Open, asked: Query) -> list[str]:
        storage = await open_sqlite()
        found = ids(await storage.find(asked))
        await storage.close()
        return found

    async def test_a_new_index_on_a_new_field_finds_the_old_records(
        self, open_sqlite: Open, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(monkeypatch, ("room", "rank"))
        storage = await open_sqlite()
        await put(storage, ROOM, *SHEET)
        await put(storage, ROOM, sample("b", deleted=True))
        await storage.close()

        declare(monkeypatch, ("room", "rank"), ("class_id", "date"))
        assert await self.found(open_sqlite, query("sample", class_id="c1", order=("-date",))) == [
            "f",
            "c",
            "a",
        ]
        assert {"class_id", "date"} <= columns(path)
        assert await self.found(open_sqlite, query("sample", room=ROOM, rank=10)) == ["f"]

    async def test_a_value_keeps_its_type_when_a_column_is_filled(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(monkeypatch)
        storage = await open_sqlite()
        await put(storage, ROOM, sample("text", rank="1"), sample("number", rank=1), sample("none"))
        await storage.close()
        declare(monkeypatch, ("room", "rank"))
        for value, expected in (("1", "text"), (1, "number"), (None, "none")):
            assert await self.found(open_sqlite, query("sample", room=ROOM, rank=value)) == [expected]

    async def test_a_new_list_finds_the_old_records(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(monkeypatch)
        storage = await open_sqlite()
        await put(storage, ROOM, *SHEET, sample("gone", labels=["y"], deleted=True))
        await put(storage, OTHER_ROOM, sample("z", labels=["y", "y"]))
        await storage.close()
        declare(monkeypatch, lists=("labels",))
        asked = query("sample", containing={"labels": "y"})
        assert await self.found(open_sqlite, asked) == ["a", "b", "z"]

    async def test_what_is_no_longer_declared_is_dropped_and_can_come_back(
        self, open_sqlite: Open, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(monkeypatch, ("room", "rank"), ("class_id", "rank"), lists=("labels",))
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a", class_id="c1", labels=["x"]))
        await storage.close()

        declare(monkeypatch, ("room", "rank"))
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a", class_id="c2", labels=["y"]))
        await storage.close()
        assert "class_id" not in columns(path)
        assert indexes(path) == {"records_sample__room__rank"}

        declare(monkeypatch, ("room", "rank"), ("class_id", "rank"), lists=("labels",))
        assert await self.found(open_sqlite, query("sample", class_id="c1")) == []
        assert await self.found(open_sqlite, query("sample", class_id="c2")) == ["a"]
        assert await self.found(open_sqlite, query("sample", containing={"labels": "x"})) == []
        assert await self.found(open_sqlite, query("sample", containing={"labels": "y"})) == ["a"]

    async def test_a_new_kind_gets_its_table(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(KINDS, "plain")
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a"))
        await storage.close()
        monkeypatch.setitem(KINDS, "plain", RecordKind("plain", (), (), lambda record: ()))
        storage = await open_sqlite()
        await put(storage, ROOM, plain("p"))
        assert await storage.get(ROOM, "plain", "p") is not None

    async def test_fields_may_be_words_of_sql(
        self, open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(monkeypatch, ("from", "to", "order"), ("group",), lists=("select",))
        storage = await open_sqlite()
        await put(storage, ROOM, sample("a", to="x", order=1, group="g", select=["s"], **{"from": "f"}))
        asked = Query("sample", equal=(("from", "f"), ("to", "x")), order=("-order",))
        assert ids(await storage.find(asked)) == ["a"]
        assert await storage.count(query("sample", group="g"), by="order") == {1: 1}
        assert ids(await storage.find(query("sample", containing={"select": "s"}))) == ["a"]

    async def test_opening_again_changes_nothing(self, open_sqlite: Open, path: Path) -> None:
        schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
        await (await open_sqlite()).close()
        before = look(path, schema)
        await (await open_sqlite()).close()
        assert look(path, schema) == before

    async def test_a_declared_index_is_used_by_sqlite_alone_too(self, open_sqlite: Open, path: Path) -> None:
        await open_sqlite()
        connection = sqlite3.connect(path)
        plan = explain(connection, "SELECT * FROM records_sample WHERE deleted = 0 AND student_id = 'p1'")
        connection.close()
        assert plan == ["SEARCH records_sample USING INDEX records_sample__student_id__date (student_id=?)"]


class TestRefusal:
    async def refusal(self, path: Path) -> str:
        storage = SqliteStorage(path)
        with pytest.raises(StorageRefused) as refused:
            await storage.open()
        await storage.close()
        message = str(refused.value)
        assert message.startswith(str(path))
        assert "ROLLCALL_DATABASE_URL" in message
        assert "\n" not in message
        return message

    async def test_a_file_that_is_no_database(self, path: Path) -> None:
        text = spoil(path)
        assert "is not a database" in await self.refusal(path)
        assert content(path) == text

    async def test_the_database_of_another_program(self, path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE songs (title)")
        connection.close()
        assert "the database of another program" in await self.refusal(path)
        assert look(path, "SELECT name FROM sqlite_master") == [("songs",)]

    async def test_a_newer_schema(self, open_sqlite: Open, path: Path) -> None:
        await (await open_sqlite()).close()
        newer = sqlite_schema.SCHEMA_VERSION + 1
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {newer}")
        connection.close()
        assert f"newer Rollcall (its schema is {newer}, this one knows {newer - 1})" in await self.refusal(
            path
        )
        assert look(path, "PRAGMA user_version") == [(newer,)]

    async def test_a_folder(self, tmp_path: Path, sample_kinds: None) -> None:
        assert "is a folder" in await self.refusal(tmp_path)

    async def test_a_file_where_a_folder_should_be(self, tmp_path: Path, sample_kinds: None) -> None:
        spoil(tmp_path / "file")
        assert "cannot be written" in await self.refusal(tmp_path / "file" / "rollcall.db")

    async def test_a_folder_that_cannot_be_written(self, sample_kinds: None) -> None:
        # Not even by root, as whom the tests may run.
        message = await self.refusal(Path("/proc/rollcall/rollcall.db"))
        assert "cannot be written" in message

    async def test_a_file_that_is_refused_is_not_locked(self, open_sqlite: Open, path: Path) -> None:
        spoil(path)
        await self.refusal(path)
        await asyncio.to_thread(path.unlink)
        await open_sqlite()

    async def test_an_old_sqlite(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
        with pytest.raises(StorageRefused, match=r"3\.35\.0 or newer is needed"):
            await SqliteStorage(path).open()

    async def test_the_folder_is_made(self, tmp_path: Path, sample_kinds: None) -> None:
        storage = SqliteStorage(tmp_path / "some" / "data" / "rollcall.db")
        await storage.open()
        await storage.close()
        assert (tmp_path / "some" / "data" / "rollcall.db").exists()
