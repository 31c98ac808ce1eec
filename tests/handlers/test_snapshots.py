"""Snapshots: built once for everybody, and kept until the head moves."""

from __future__ import annotations

import asyncio
import gc

import orjson
import pytest

from models.journal import Record
from models.ports import StorageLost
from models.topic import parse_topic
from tests.kit import CoreKit
from tests.school import make_school, marking
from tests.waiting import until

TOPIC = parse_topic("school:s1")


async def test_who_asks_at_once_shares_a_snapshot_and_so_does_who_asks_before_the_head_moves(
    core: CoreKit,
) -> None:
    school = await make_school(core)
    snapshots = core.core.snapshots
    first, second = await asyncio.gather(*(snapshots.at_head("school:s1", TOPIC) for _ in range(2)))
    assert first is second
    assert await snapshots.at_head("school:s1", TOPIC) is first
    assert await snapshots.at_head("school:s1", TOPIC, "2026-02-27") is not first
    ack = await core.act(school.teacher, "attendance.mark", marking())
    newest = await snapshots.at_head("school:s1", TOPIC)
    assert newest.position.seq >= ack.seq > first.position.seq
    assert ack.data in newest.records


async def test_its_records_are_written_once_whoever_wants_them(core: CoreKit) -> None:
    await make_school(core)
    written: list[int] = []

    def dumps(records: list[Record]) -> bytes:
        written.append(len(records))
        return orjson.dumps(records)

    snapshot = await core.core.snapshots.at_head("school:s1", TOPIC)
    assert snapshot.records_as_json(dumps) is snapshot.records_as_json(dumps)
    assert orjson.loads(snapshot.records_as_json(dumps)) == snapshot.records
    assert written == [len(snapshot.records)]


async def test_a_storage_that_is_lost_once_everybody_has_given_up_is_no_complaint(
    core: CoreKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_school(core)
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    asked, answer, lost = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def heads(rooms: list[str]) -> dict[str, int]:
        asked.set()
        await answer.wait()
        lost.set()
        raise StorageLost("away")

    monkeypatch.setattr(core.storage, "heads", heads)
    asking = asyncio.create_task(core.core.snapshots.at_head("school:s1", TOPIC))
    await asked.wait()
    asking.cancel()
    answer.set()
    await lost.wait()
    await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name().startswith("look")])
    # It refers to the look.
    del asking
    gc.collect()
    assert complaints == []
